// Which names of one type a client wants. There are two ways to ask for all: the name `*`, and for
// clusters and listeners a first request that names nothing (the protocol's legacy wildcard).

import { typeUrls, type TypeUrl } from "../model.ts";

/** Types whose response under state of the world must be complete, and whose wildcard may be implicit. */
export function isFullState(typeUrl: TypeUrl): boolean {
  return typeUrl === typeUrls.cluster || typeUrl === typeUrls.listener;
}

export class Subscription {
  readonly #allowsLegacy: boolean;
  readonly #names = new Set<string>();
  #wildcard = false;
  #hasNamed = false;
  #started = false;

  constructor(typeUrl: TypeUrl) {
    this.#allowsLegacy = isFullState(typeUrl);
  }

  get wildcard(): boolean {
    return this.#wildcard;
  }

  get names(): ReadonlySet<string> {
    return this.#names;
  }

  covers(name: string): boolean {
    return this.#wildcard || this.#names.has(name);
  }

  /** State of the world: the whole list each time. Returns what came in and what went out. */
  replace(names: readonly string[]): { asked: string[]; left: string[] } {
    if (names.length > 0) this.#hasNamed = true;
    this.#wildcard = names.includes("*") || (!this.#hasNamed && this.#allowsLegacy);
    const wanted = new Set(names.filter((name) => name !== "*"));
    const asked = [...wanted].filter((name) => !this.#names.has(name));
    const left = [...this.#names].filter((name) => !wanted.has(name));
    for (const name of left) this.#names.delete(name);
    for (const name of asked) this.#names.add(name);
    return { asked, left: this.#wildcard ? [] : left };
  }

  /**
   * Delta: changes to the list. A name subscribed to again is `asked` again: the client may have dropped
   * it. A name unsubscribed under a wildcard is too: the client wants to know whether it still exists.
   */
  change(subscribe: readonly string[], unsubscribe: readonly string[]): { asked: string[]; left: string[] } {
    if (!this.#started && subscribe.length === 0 && this.#allowsLegacy) this.#wildcard = true;
    this.#started = true;
    if (subscribe.includes("*")) this.#wildcard = true;
    if (unsubscribe.includes("*")) this.#wildcard = false;
    const left = unsubscribe.filter((name) => name !== "*" && this.#names.delete(name));
    const asked = subscribe.filter((name) => name !== "*");
    for (const name of asked) this.#names.add(name);
    return this.#wildcard ? { asked: [...asked, ...left], left: [] } : { asked, left };
  }
}
