// The traffic of all proxies that push their metrics here, those gone a while ago included.

import type { NodeIdentity } from "../model.ts";
import { ProxyTraffic } from "./proxy.ts";
import type { Samples } from "./samples.ts";

/** Proxies remembered; when there are more, the ones gone longest are forgotten, then newcomers ignored. */
export const maxProxies = 500;

/** So long a proxy that is gone is shown as gone. */
export const rememberMs = 15 * 60_000;

/** A flush is due every second. */
export const silentMs = 5_000;

export type Presence = "live" | "silent" | "gone";

export interface Known {
  id: string;
  proxy: ProxyTraffic;
  presence: Presence;
}

export class Traffic {
  readonly #proxies = new Map<string, ProxyTraffic>();

  /** For a stream of flushes. Undefined: there is no room. */
  open(node: NodeIdentity): TrafficStream | undefined {
    const found = this.#placeFor(node);
    if (found === undefined) return undefined;
    found.streams++;
    let isOpen = true;
    return {
      receive: (samples, now) => found.receive(samples, now),
      close: () => {
        if (isOpen) found.streams--;
        isOpen = false;
      },
    };
  }

  /** By id. */
  known(now: number): Known[] {
    this.#forget(now);
    const known = [...this.#proxies].map(([id, proxy]) => ({ id, proxy, presence: presenceOf(proxy, now) }));
    const live = new Set(known.filter((one) => one.presence !== "gone").map((one) => one.proxy.node.id));
    return known
      .filter((one) => one.presence !== "gone" || !live.has(one.proxy.node.id))
      .sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** Two proxies may say the same id: their counters must not be taken for one's. */
  #placeFor(node: NodeIdentity): ProxyTraffic | undefined {
    for (let n = 1; ; n++) {
      const id = n === 1 ? node.id : `${node.id} (${n})`;
      const found = this.#proxies.get(id);
      if (found?.streams === 0) return found;
      if (found !== undefined) continue;
      if (this.#proxies.size >= maxProxies && !this.#makeRoom()) return undefined;
      const made = new ProxyTraffic(node);
      this.#proxies.set(id, made);
      return made;
    }
  }

  #makeRoom(): boolean {
    const gone = [...this.#proxies].filter(([, proxy]) => proxy.streams === 0);
    const [oldest] = gone.sort(([, a], [, b]) => a.lastSeenAt - b.lastSeenAt);
    return oldest !== undefined && this.#proxies.delete(oldest[0]);
  }

  #forget(now: number): void {
    for (const [id, proxy] of this.#proxies) {
      if (proxy.streams === 0 && proxy.lastSeenAt < now - rememberMs) this.#proxies.delete(id);
    }
  }
}

export interface TrafficStream {
  receive(samples: Samples, now: number): void;
  close(): void;
}

function presenceOf(proxy: ProxyTraffic, now: number): Presence {
  if (proxy.streams === 0) return "gone";
  return proxy.lastSeenAt < now - silentMs ? "silent" : "live";
}
