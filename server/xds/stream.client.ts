// A scripted client of a stream, for tests: it keeps lists of names as Envoy does and acknowledges when told.

import assert from "node:assert/strict";
import { type Snapshot, type TypeUrl, typeUrls, type XdsResource } from "../model.ts";
import type { DiscoveryRequest, DiscoveryResponse, Variant } from "./protocol.ts";
import { Stream, type StreamOptions } from "./stream.ts";

const { cluster, endpoints, listener, routes, extension } = typeUrls;
export const variants: readonly Variant[] = ["delta", "sotw"];

export type Content = Partial<Record<keyof typeof typeUrls, Record<string, string>>>;

const made = new Map<string, XdsResource>();

/** Equal content is the same object, as in the server. */
export function resource(typeUrl: TypeUrl, name: string, version: string): XdsResource {
  const key = `${typeUrl} ${name} ${version}`;
  const known = made.get(key) ?? { name, typeUrl, version, value: new Uint8Array(), clusters: [] };
  made.set(key, known);
  return known;
}

export function snapshot(version: string, content: Content): Snapshot {
  const resources = new Map<TypeUrl, Map<string, XdsResource>>();
  for (const [kind, versions] of Object.entries(content) as [
    keyof typeof typeUrls,
    Record<string, string>,
  ][]) {
    const typeUrl = typeUrls[kind];
    const entries = Object.entries(versions).map(([name, v]) => [name, resource(typeUrl, name, v)] as const);
    resources.set(typeUrl, new Map(entries));
  }
  return { version, resources };
}

export const base: Content = {
  cluster: { a: "1" },
  endpoints: { a: "1" },
  listener: { web: "1" },
  routes: { table: "1" },
  extension: { filter: "1" },
};

/** Behaves as Envoy: keeps lists of names per type and asks for what clusters and listeners refer to. */
export class Client {
  readonly stream: Stream;
  readonly variant: Variant;
  readonly names = new Map<TypeUrl, Set<string>>();
  readonly pending: DiscoveryResponse[] = [];
  /** What came, as `cluster:a@1,-b`. */
  log: string[] = [];

  constructor(variant: Variant, options: Omit<StreamOptions, "variant"> = {}) {
    this.variant = variant;
    this.stream = new Stream({ variant, ...options });
  }

  publish(next: Snapshot): this {
    return this.take(this.stream.publish(next));
  }

  ask(typeUrl: TypeUrl, names: readonly string[], more: Partial<DiscoveryRequest> = {}): this {
    const known = this.names.get(typeUrl) ?? new Set<string>();
    this.names.set(typeUrl, known);
    for (const name of names) known.add(name);
    const list = this.variant === "sotw" ? { names: [...known] } : { subscribe: names };
    return this.send({
      typeUrl,
      nonce: this.variant === "sotw" ? this.#lastNonce(typeUrl) : "",
      ...list,
      ...more,
    });
  }

  leave(typeUrl: TypeUrl, name: string): this {
    const known = this.names.get(typeUrl) ?? new Set<string>();
    known.delete(name);
    if (this.variant === "delta") return this.send({ typeUrl, nonce: "", unsubscribe: [name] });
    return this.send({ typeUrl, nonce: this.#lastNonce(typeUrl), names: [...known] });
  }

  ack(typeUrl: TypeUrl): this {
    return this.#reply(typeUrl, undefined);
  }

  nack(typeUrl: TypeUrl, error: string): this {
    return this.#reply(typeUrl, error);
  }

  /** Acknowledges everything until nothing is under way. */
  ackAll(): this {
    for (let next = this.pending[0]; next; next = this.pending[0]) this.ack(next.typeUrl);
    return this;
  }

  /** What came since the last look. */
  came(): string[] {
    const log = this.log;
    this.log = [];
    return log;
  }

  connect(first: Snapshot): this {
    this.publish(first);
    this.ask(cluster, [])
      .ask(endpoints, [...(first.resources.get(endpoints)?.keys() ?? [])])
      .ackAll();
    this.ask(listener, []);
    this.ask(routes, [...(first.resources.get(routes)?.keys() ?? [])]);
    this.ask(extension, [...(first.resources.get(extension)?.keys() ?? [])]).ackAll();
    this.came();
    return this;
  }

  readonly #nonces = new Map<TypeUrl, string>();

  #lastNonce(typeUrl: TypeUrl): string {
    return this.#nonces.get(typeUrl) ?? "";
  }

  #reply(typeUrl: TypeUrl, error: string | undefined): this {
    const index = this.pending.findIndex((response) => response.typeUrl === typeUrl);
    const [response] = index < 0 ? [] : this.pending.splice(index, 1);
    assert.ok(response, `nothing to acknowledge of ${typeUrl}`);
    const list = this.variant === "sotw" ? { names: [...(this.names.get(typeUrl) ?? [])] } : {};
    return this.send({ typeUrl, nonce: response.nonce, ...list, ...(error === undefined ? {} : { error }) });
  }

  send(request: DiscoveryRequest): this {
    return this.take(this.stream.request(request).responses);
  }

  take(responses: readonly DiscoveryResponse[]): this {
    for (const response of responses) {
      assert.ok(!this.pending.some((other) => other.typeUrl === response.typeUrl), "two of a type under way");
      this.pending.push(response);
      this.#nonces.set(response.typeUrl, response.nonce);
      const parts = response.resources.map(({ name, version }) => `${name}@${version}`).sort();
      const kind = Object.entries(typeUrls).find(([, url]) => url === response.typeUrl)?.[0];
      this.log.push(`${kind}:${[...parts, ...response.removed.map((name) => `-${name}`)].join(",")}`);
    }
    return this;
  }
}
