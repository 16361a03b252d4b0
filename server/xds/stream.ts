// One client's stream: brings it from whatever it has to the newest snapshot without a moment in which a
// route points at a cluster that is not there. Pure: requests and snapshots in, responses out; no I/O, no
// clock.
//
// A snapshot is delivered in steps (see steps.ts), each acknowledged before the next begins. While
// it is under way only the newest of later snapshots waits. A refusal holds back the later steps; the next
// snapshot starts again from what the client has acknowledged.

import { type ProxyState, type Snapshot, type TypeUrl, typeUrls, type XdsResource } from "../model.ts";
import { Channel } from "./channel.ts";
import type { Resources, Update } from "./difference.ts";
import type { DiscoveryRequest, DiscoveryResponse, Variant } from "./protocol.ts";
import { leaveAt, schedules, step } from "./steps.ts";

const { cluster, endpoints, listener, routes, extension } = typeUrls;

const none: Resources = new Map();

export interface StreamOptions {
  variant: Variant;
  /** A route table that serves both the old and the new filters; undefined when the new one does. */
  interim?: (old: XdsResource, next: XdsResource) => XdsResource | undefined;
}

export class Stream {
  readonly #options: StreamOptions;
  readonly #channels = new Map<TypeUrl, Channel>();
  #target: Snapshot | undefined;
  #waiting: Snapshot | undefined;
  /** Route tables as they are sent until the filters have changed. */
  #interimRoutes: Resources | undefined;
  #step: number = step.make;
  #isDone = false;
  #nonces = 0;
  #version = "";
  /** The client came with resources from another stream and is about to ask for all its types. */
  #isReturning = false;
  /** Names that the client is about to subscribe to because of what it was just sent. */
  readonly #expected = new Map<TypeUrl, Set<string>>();

  constructor(options: StreamOptions) {
    this.#options = options;
    for (const typeUrl of schedules.keys()) {
      this.#channels.set(typeUrl, new Channel(typeUrl, options.variant));
      this.#expected.set(typeUrl, new Set());
    }
  }

  /** A request of a type that this server does not have gets no answer. */
  request(request: DiscoveryRequest): { reply: "ack" | "nack" | "none"; responses: DiscoveryResponse[] } {
    const channel = this.#channels.get(request.typeUrl);
    if (!channel) return { reply: "none", responses: [] };
    const isFirst = !channel.requested;
    if (request.versionInfo && isFirst) this.#isReturning = true;
    if (Object.keys(request.initialVersions ?? {}).length > 0) this.#isReturning = true;
    const reply = channel.receive(request);
    const expected = this.#expected.get(request.typeUrl);
    for (const name of expected ?? []) if (channel.subscription.covers(name)) expected?.delete(name);
    // A type heard of for the first time may be behind: its steps are walked again.
    if (isFirst) this.#restart();
    return { reply, responses: this.#pump() };
  }

  publish(snapshot: Snapshot): DiscoveryResponse[] {
    if (snapshot.version === (this.#waiting ?? this.#target)?.version) return [];
    this.#waiting = snapshot;
    return this.#pump();
  }

  /** Whether a step waits for the client to subscribe to what it was told of or had before. */
  get isExpecting(): boolean {
    if ([...this.#expected.values()].some((names) => names.size > 0)) return true;
    return [...this.#channels.values()].some((channel) => this.#isAwaited(channel));
  }

  /** Goes on although the client did not subscribe; a cluster of its own by that name may be the reason. */
  stopExpecting(): DiscoveryResponse[] {
    for (const names of this.#expected.values()) names.clear();
    this.#isReturning = false;
    return this.#pump();
  }

  state(): Pick<ProxyState, "version" | "types"> {
    const types: ProxyState["types"] = {};
    for (const [typeUrl, channel] of this.#channels) if (channel.requested) types[typeUrl] = channel.sync();
    return { version: this.#version, types };
  }

  #begin(snapshot: Snapshot): void {
    this.#target = snapshot;
    this.#waiting = undefined;
    for (const [typeUrl, channel] of this.#channels) channel.retarget(this.#resources(typeUrl));
    for (const [typeUrl, names] of this.#expected) {
      for (const name of names) if (!this.#resources(typeUrl).has(name)) names.delete(name);
    }
    this.#interimRoutes = this.#makeInterimRoutes();
    this.#restart();
  }

  #restart(): void {
    this.#step = step.make;
    this.#isDone = false;
  }

  /** Sends what may be sent and moves on as far as the client has acknowledged. */
  #pump(): DiscoveryResponse[] {
    const responses: DiscoveryResponse[] = [];
    for (;;) {
      if (this.#waiting && (!this.#target || this.#isDone || this.#isBlocked())) this.#begin(this.#waiting);
      if (!this.#target) return responses;
      this.#send(this.#target, responses);
      if (!this.#isSettled()) return responses;
      if (this.#step < step.break) {
        this.#step++;
        if (this.#step === step.settle) this.#interimRoutes = undefined;
        continue;
      }
      this.#finish(this.#target);
      if (!this.#waiting) return responses;
    }
  }

  #finish(target: Snapshot): void {
    this.#isDone = true;
    let isWhole = true;
    for (const [typeUrl, channel] of this.#channels) {
      if (channel.requested) channel.settle(target.version);
      else if (this.#resources(typeUrl).size > 0) isWhole = false;
    }
    if (isWhole) this.#version = target.version;
  }

  #send(target: Snapshot, responses: DiscoveryResponse[]): void {
    for (const [typeUrl, channel] of this.#channels) {
      const wanted = this.#wanted(typeUrl);
      const update = channel.next(wanted, leaveAt(this.#step, typeUrl));
      if (!update) continue;
      const nonce = String(++this.#nonces);
      channel.sent(update, nonce, target.version, this.#resources(typeUrl));
      responses.push({
        typeUrl,
        nonce,
        version: update.version,
        resources: update.resources,
        removed: update.removed,
      });
      this.#expectAfter(typeUrl, update);
    }
  }

  /** A cluster makes the client ask for its endpoints, a listener for its routes and filters. */
  #expectAfter(typeUrl: TypeUrl, update: Update): void {
    if (typeUrl === cluster) {
      this.#channels.get(endpoints)?.resend(update.changed);
      this.#expect(endpoints, update.changed);
    }
    if (typeUrl === listener && update.changed.length > 0) {
      this.#expect(routes, this.#resources(routes).keys());
      this.#expect(extension, this.#resources(extension).keys());
    }
  }

  #expect(typeUrl: TypeUrl, names: Iterable<string>): void {
    const there = this.#resources(typeUrl);
    const subscription = this.#channels.get(typeUrl)?.subscription;
    for (const name of names) {
      if (there.has(name) && !subscription?.covers(name)) this.#expected.get(typeUrl)?.add(name);
    }
  }

  #isSettled(): boolean {
    for (const [typeUrl, { changes }] of schedules) {
      const channel = this.#channels.get(typeUrl);
      if (!channel || changes > this.#step) continue;
      if (channel.isBusy || channel.isRefusing || this.#expected.get(typeUrl)?.size) return false;
      if (this.#isAwaited(channel)) return false;
    }
    return true;
  }

  /** Its old routes must not lose their clusters only because its request for routes is still to come. */
  #isAwaited(channel: Channel): boolean {
    return this.#isReturning && !channel.requested && this.#resources(channel.typeUrl).size > 0;
  }

  /** Nothing is under way and nothing can be: a refusal is in the way. */
  #isBlocked(): boolean {
    const channels = [...this.#channels.values()];
    return channels.some((channel) => channel.isRefusing) && !channels.some((channel) => channel.isBusy);
  }

  #resources(typeUrl: TypeUrl): Resources {
    return this.#target?.resources.get(typeUrl) ?? none;
  }

  #wanted(typeUrl: TypeUrl): Resources {
    return (typeUrl === routes ? this.#interimRoutes : undefined) ?? this.#resources(typeUrl);
  }

  #makeInterimRoutes(): Resources | undefined {
    const filters = this.#channels.get(extension);
    const changesFilters = [...this.#resources(extension)].some(([name, next]) => {
      const held = filters?.held.get(name)?.version;
      return held !== undefined && held !== next.version;
    });
    if (!changesFilters || !this.#options.interim) return undefined;
    const interim = new Map(this.#resources(routes));
    let isNeeded = false;
    for (const [name, next] of interim) {
      const old = this.#channels.get(routes)?.held.get(name)?.resource;
      if (!old || old.version === next.version) continue;
      const both = this.#options.interim(old, next);
      if (!both) continue;
      interim.set(name, both);
      isNeeded = true;
    }
    return isNeeded ? interim : undefined;
  }
}
