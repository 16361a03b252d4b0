// What one proxy has pushed: its counters as they were last, and by how much they grew in the last seconds.
//
// Counters go on over a reconnection and begin anew when the proxy does; how fast they grow follows from the
// time between two flushes, whatever that was.

import type { NodeIdentity } from "../model.ts";
import { addBuckets, type Buckets, type Decision, type Samples } from "./samples.ts";

/** Over how much time rates are taken. */
export const windowMs = 5_000;

/** Counters followed per proxy; those beyond are left out and counted. */
export const maxSeries = 5_000;

/** Clusters of a proxy of which endpoints and latencies are kept. */
export const maxClusters = 2_000;

const maxFrames = 16;

/** What happened between two flushes. */
interface Frame {
  at: number;
  seconds: number;
  grown: Map<string, number>;
  latencies: Map<string, Buckets>;
  downstreamLatency: Buckets;
}

const noBuckets: Buckets = { bounds: [], counts: [] };

export const answersKey = (cluster: string, statusClass: string): string => `${statusClass} ${cluster}`;
export const downstreamKey = (statusClass: string): string => `${statusClass}`;
export const decisionKey = (d: Omit<Decision, "value">): string =>
  JSON.stringify([d.kind, d.policy, d.name, d.outcome]);

export class ProxyTraffic {
  readonly node: NodeIdentity;
  /** Streams of this proxy that are open: usually one. */
  streams = 0;
  lastSeenAt = 0;
  /** Counters that there was no room for in the last flush. */
  leftOut = 0;
  /** The clusters that it has, with their endpoints. */
  endpoints: Samples["endpoints"] = new Map();
  #decisions = new Map<string, Omit<Decision, "value">>();
  #last = new Map<string, number>();
  #frames: Frame[] = [];

  constructor(node: NodeIdentity) {
    this.node = node;
  }

  receive(samples: Samples, now: number): void {
    const isFirst = this.lastSeenAt === 0;
    const before = this.#last;
    // Made anew each time: what the proxy has no more, such as a cluster that went, is forgotten.
    this.#last = new Map();
    this.#decisions = new Map();
    this.leftOut = 0;
    const grown = new Map<string, number>();
    const follow = (key: string, value: number): boolean => {
      if (this.#last.size >= maxSeries) {
        this.leftOut++;
        return false;
      }
      this.#last.set(key, value);
      // A counter that is new stood at 0 before; one that is smaller began anew.
      const last = before.get(key) ?? 0;
      const by = value < last ? value : value - last;
      if (!isFirst && by > 0) grown.set(key, by);
      return true;
    };
    for (const [statusClass, value] of samples.downstream) follow(downstreamKey(statusClass), value);
    this.endpoints = new Map([...samples.endpoints].slice(0, maxClusters));
    this.leftOut += samples.endpoints.size - this.endpoints.size;
    for (const [cluster, classes] of samples.answers) {
      if (!this.endpoints.has(cluster)) continue;
      for (const [statusClass, value] of classes) follow(answersKey(cluster, statusClass), value);
    }
    for (const decision of samples.decisions) {
      const key = decisionKey(decision);
      if (follow(key, decision.value)) this.#decisions.set(key, decision);
    }
    if (!isFirst) this.#keepFrame(samples, grown, now);
    this.lastSeenAt = now;
  }

  /** Not for the first flush, which only says where the counters stand. */
  #keepFrame(samples: Samples, grown: Map<string, number>, now: number): void {
    const seconds = Math.max((now - this.lastSeenAt) / 1000, 0.001);
    const latencies = new Map(
      [...samples.latencies].filter(
        ([cluster, { counts }]) => this.endpoints.has(cluster) && counts.some((count) => count > 0),
      ),
    );
    this.#frames.push({ at: now, seconds, grown, latencies, downstreamLatency: samples.downstreamLatency });
    while (this.#frames.length > maxFrames) this.#frames.shift();
  }

  /** The last seconds, once: ask it for as many rates as needed. */
  window(now: number): Window {
    const frames = this.#frames.filter((frame) => frame.at > now - windowMs);
    const seconds = frames.reduce((sum, frame) => sum + frame.seconds, 0);
    return {
      rate: (key) =>
        seconds === 0 ? 0 : frames.reduce((sum, f) => sum + (f.grown.get(key) ?? 0), 0) / seconds,
      latency: (cluster) =>
        frames.reduce((sum, f) => addBuckets(sum, f.latencies.get(cluster) ?? noBuckets), noBuckets),
      downstreamLatency: () => frames.reduce((sum, f) => addBuckets(sum, f.downstreamLatency), noBuckets),
    };
  }

  /** As the proxy counts it since its start. */
  total(key: string): number {
    return this.#last.get(key) ?? 0;
  }

  decisions(): ReadonlyMap<string, Omit<Decision, "value">> {
    return this.#decisions;
  }

  get series(): number {
    return this.#last.size;
  }
}

export interface Window {
  /** A second. */
  rate(key: string): number;
  latency(cluster: string): Buckets;
  downstreamLatency(): Buckets;
}
