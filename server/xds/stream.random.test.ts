// Random snapshots, random delays, random refusals and reconnects against a client that behaves as Envoy:
// at every moment what it serves is whole (no route without its cluster, no choice of a filter without its
// route), and in the end it has the newest snapshot. A failure names the seed that repeats it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { type Snapshot, type TypeUrl, typeUrls, type XdsResource } from "../model.ts";
import type { DiscoveryRequest, DiscoveryResponse, Variant } from "./protocol.ts";
import { Stream } from "./stream.ts";

const { cluster, endpoints, listener, routes, extension } = typeUrls;

/** Mulberry32. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

type Random = ReturnType<typeof randomFrom>;

// The version of a resource is its content: of a route table `BASE|DESTINATION>CLUSTER,...`, of a filter the
// destinations that it chooses from.

interface Table {
  base: string;
  derived: Map<string, string>;
}

function parseTable(version: string): Table {
  const [base = "", rest = ""] = version.split("|");
  const pairs = rest.split(",").filter((pair) => pair !== "");
  return { base, derived: new Map(pairs.map((pair) => pair.split(">") as [string, string])) };
}

function formatTable({ base, derived }: Table): string {
  return `${base}|${[...derived]
    .map((pair) => pair.join(">"))
    .sort()
    .join(",")}`;
}

const made = new Map<string, XdsResource>();

function resource(typeUrl: TypeUrl, name: string, version: string): XdsResource {
  const key = `${typeUrl} ${name} ${version}`;
  const known = made.get(key) ?? { name, typeUrl, version, value: new Uint8Array(), clusters: [] };
  made.set(key, known);
  return known;
}

function interim(old: XdsResource, next: XdsResource): XdsResource | undefined {
  const before = parseTable(old.version);
  const after = parseTable(next.version);
  const both = formatTable({ base: after.base, derived: new Map([...before.derived, ...after.derived]) });
  return both === next.version ? undefined : resource(routes, next.name, both);
}

function randomSnapshot(random: Random, serial: number): Snapshot {
  const names = ["a", "b", "c", "d"].filter(() => random(2) === 0);
  if (names.length === 0) names.push("a");
  const any = (): string => names[random(names.length)] ?? "a";
  const derived = new Map(["x", "y", "z"].filter(() => random(2) === 0).map((name) => [name, any()]));
  const map = (typeUrl: TypeUrl, entries: [string, string][]): [TypeUrl, Map<string, XdsResource>] => [
    typeUrl,
    new Map(entries.map(([name, version]) => [name, resource(typeUrl, name, version)])),
  ];
  const listeners = random(4) === 0 ? ["web", "extra"] : ["web"];
  return {
    version: `s${serial}`,
    resources: new Map([
      map(
        cluster,
        names.map((name) => [name, String(random(2))]),
      ),
      map(
        endpoints,
        names.map((name) => [name, String(random(2))]),
      ),
      map(
        listener,
        listeners.map((name) => [name, String(random(8) === 0 ? 1 : 0)]),
      ),
      map(routes, [["table", formatTable({ base: any(), derived })]]),
      map(extension, [["filter", [...derived.keys()].join(",")]]),
    ]),
  };
}

/** An Envoy with one stream: what it holds, what is on the wire in both directions. */
class Envoy {
  readonly variant: Variant;
  readonly held = new Map<TypeUrl, Map<string, string>>();
  readonly wanted = new Map<TypeUrl, Set<string>>();
  /** Clusters that have their endpoints, in the version that is in force. */
  readonly warm = new Map<string, string>();
  readonly versionInfo = new Map<TypeUrl, string>();
  #nonces = new Map<TypeUrl, string>();
  #opened = new Set<TypeUrl>();
  up: DiscoveryRequest[] = [];
  down: DiscoveryResponse[] = [];
  resourcesReceived = 0;

  constructor(variant: Variant) {
    this.variant = variant;
    this.open(cluster);
    this.open(listener);
  }

  holds(typeUrl: TypeUrl): Map<string, string> {
    const known = this.held.get(typeUrl) ?? new Map<string, string>();
    this.held.set(typeUrl, known);
    return known;
  }

  open(typeUrl: TypeUrl): void {
    this.#opened.add(typeUrl);
    const names = [...(this.wanted.get(typeUrl) ?? [])];
    if (this.variant === "delta") {
      const initialVersions = Object.fromEntries(this.holds(typeUrl));
      this.up.push({ typeUrl, nonce: "", subscribe: names, initialVersions });
    } else {
      this.up.push({ typeUrl, nonce: "", names, versionInfo: this.versionInfo.get(typeUrl) ?? "" });
    }
  }

  reconnect(): void {
    this.up = [];
    this.down = [];
    this.#nonces = new Map();
    this.#knownTable = undefined;
    for (const typeUrl of this.#opened) this.open(typeUrl);
  }

  want(typeUrl: TypeUrl, names: Iterable<string>): void {
    const before = this.wanted.get(typeUrl) ?? new Set<string>();
    const now = new Set(names);
    const subscribe = [...now].filter((name) => !before.has(name));
    const unsubscribe = [...before].filter((name) => !now.has(name));
    if (subscribe.length === 0 && unsubscribe.length === 0) return;
    this.wanted.set(typeUrl, now);
    for (const name of unsubscribe) this.holds(typeUrl).delete(name);
    if (!this.#opened.has(typeUrl)) this.open(typeUrl);
    else if (this.variant === "delta") this.up.push({ typeUrl, nonce: "", subscribe, unsubscribe });
    else this.up.push({ typeUrl, nonce: this.#nonces.get(typeUrl) ?? "", names: [...now] });
  }

  receive(response: DiscoveryResponse, refuses: boolean): void {
    const { typeUrl, nonce } = response;
    this.resourcesReceived += response.resources.length;
    this.#nonces.set(typeUrl, nonce);
    if (!refuses) this.#apply(response);
    const names = this.variant === "sotw" ? { names: [...(this.wanted.get(typeUrl) ?? [])] } : {};
    this.up.push({ typeUrl, nonce, ...names, ...(refuses ? { error: "no" } : {}) });
  }

  #apply({ typeUrl, version, resources, removed }: DiscoveryResponse): void {
    this.versionInfo.set(typeUrl, version);
    const held = this.holds(typeUrl);
    const isWhole = this.variant === "sotw" && (typeUrl === cluster || typeUrl === listener);
    const names = new Set(resources.map((one) => one.name));
    for (const name of isWhole ? [...held.keys()].filter((one) => !names.has(one)) : removed)
      held.delete(name);
    for (const one of resources) held.set(one.name, one.version);
    if (typeUrl === extension) this.#checkChoices(this.holds(routes).get("table"));
    if (typeUrl === routes) {
      this.#checkChoices(this.#knownTable);
      this.#knownTable = held.get("table");
    }
    if (typeUrl === cluster) {
      for (const name of this.warm.keys()) if (!held.has(name)) this.warm.delete(name);
      this.want(endpoints, held.keys());
    }
    if (typeUrl === endpoints) {
      for (const name of names) this.warm.set(name, this.holds(cluster).get(name) ?? "");
    }
    if (typeUrl === listener && held.size > 0) {
      this.want(routes, ["table"]);
      this.want(extension, ["filter"]);
    }
  }

  /** What is wrong with what it serves at this moment. */
  faults(): string[] {
    const version = this.holds(routes).get("table");
    if (version === undefined) return [];
    const { base, derived } = parseTable(version);
    const lost = [base, ...derived.values()].filter((name) => !this.warm.has(name));
    return [...lost.map((name) => `no cluster ${name}`), ...this.#unrouted];
  }

  /**
   * A filter must not choose what has no route, and a route must not go while a filter chooses it. Only
   * what the server cannot know is left out: the first table, and one from before a reconnect.
   */
  #checkChoices(before: string | undefined): void {
    const table = this.holds(routes).get("table");
    if (table === undefined || before === undefined) return;
    const old = parseTable(before).derived;
    const { derived } = parseTable(table);
    const choices = (this.holds(extension).get("filter") ?? "").split(",").filter((name) => name !== "");
    const isFilterNew = before === table;
    for (const name of choices) {
      if (!derived.has(name) && (isFilterNew || old.has(name))) this.#unrouted.push(`no route to ${name}`);
    }
  }

  readonly #unrouted: string[] = [];
  #knownTable: string | undefined;
}

function run(seed: number, variant: Variant, options: { refusals: boolean; reconnects: boolean }): void {
  const random = randomFrom(seed);
  const envoy = new Envoy(variant);
  let stream = new Stream({ variant, interim });
  let snapshot = randomSnapshot(random, 0);
  envoy.down.push(...stream.publish(snapshot));
  const move = (): void => {
    const request = random(2) === 0 ? envoy.up.shift() : undefined;
    if (request) envoy.down.push(...stream.request(request).responses);
    const response = random(2) === 0 ? envoy.down.shift() : undefined;
    if (response) envoy.receive(response, options.refusals && random(6) === 0);
    assert.deepEqual(envoy.faults(), [], `seed ${seed}`);
  };
  for (let serial = 1; serial <= 12; serial++) {
    for (let moves = random(60); moves > 0; moves--) move();
    if (options.reconnects && random(3) === 0) {
      stream = new Stream({ variant, interim });
      envoy.reconnect();
    }
    snapshot = randomSnapshot(random, serial);
    envoy.down.push(...stream.publish(snapshot));
  }
  settle(envoy, stream, snapshot, options.refusals ? randomSnapshot(random, 99) : undefined);
  // A connection lost between a cluster and its endpoints leaves it warming: Envoy's report tells no more.
  if (options.reconnects || isRefusing(stream)) return;
  for (const [name, version] of envoy.holds(cluster))
    assert.equal(envoy.warm.get(name), version, `seed ${seed}`);
}

function isRefusing(stream: Stream): boolean {
  return Object.values(stream.state().types).some((type) => type.state === "nacked");
}

/** Lets everything arrive; after refusals one more snapshot clears them. */
function settle(envoy: Envoy, stream: Stream, last: Snapshot, more: Snapshot | undefined): void {
  const drain = (): void => {
    for (;;) {
      const request = envoy.up.shift();
      if (request) envoy.down.push(...stream.request(request).responses);
      const response = envoy.down.shift();
      if (response) envoy.receive(response, false);
      assert.deepEqual(envoy.faults(), []);
      if (!request && !response) return;
    }
  };
  drain();
  let target = last;
  if (more) {
    target = more;
    envoy.down.push(...stream.publish(more));
    drain();
  }
  if (isRefusing(stream)) return;
  assert.equal(stream.state().version, target.version);
  for (const [typeUrl, resources] of target.resources) {
    const expected = new Map([...resources].map(([name, one]) => [name, one.version]));
    assert.deepEqual(new Map([...envoy.holds(typeUrl)].sort()), new Map([...expected].sort()), typeUrl);
  }
}

for (const variant of ["delta", "sotw"] as const) {
  test(`${variant}: 1,000 histories`, () => {
    for (let seed = 1; seed <= 1_000; seed++) run(seed, variant, { refusals: false, reconnects: false });
  });

  test(`${variant}: 1,000 histories with refusals`, () => {
    for (let seed = 1; seed <= 1_000; seed++) run(seed, variant, { refusals: true, reconnects: false });
  });
}

// Under state of the world a reconnect tells no names, so that what changed meanwhile cannot be kept.
test("delta: 1,000 histories with refusals and reconnects", () => {
  for (let seed = 1; seed <= 1_000; seed++) run(seed, "delta", { refusals: true, reconnects: true });
});

test("a reconnect without a change sends nothing", () => {
  for (let seed = 1; seed <= 200; seed++) {
    const snapshot = randomSnapshot(randomFrom(seed), 0);
    for (const variant of ["delta", "sotw"] as const) {
      const envoy = new Envoy(variant);
      const first = new Stream({ variant, interim });
      envoy.down.push(...first.publish(snapshot));
      settle(envoy, first, snapshot, undefined);
      envoy.resourcesReceived = 0;
      envoy.reconnect();
      const second = new Stream({ variant, interim });
      envoy.down.push(...second.publish(snapshot));
      settle(envoy, second, snapshot, undefined);
      assert.equal(envoy.resourcesReceived, 0, `${variant}, seed ${seed}`);
    }
  }
});
