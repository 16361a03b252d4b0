// The process-wide store of one vm_id, with the host's exact compare-and-set rules, and its queues.
// Every VM of the process sees the same store; nothing is ever deleted from it.

import { Status } from "./abi.ts";

/** `cas` is the number that a writer must show to replace exactly this value. */
export interface SharedValue {
  value: string;
  cas: number;
}

export class SharedData {
  readonly #values = new Map<string, SharedValue>();
  #nextCas = 1;

  get(key: string): SharedValue | undefined {
    return this.#values.get(key);
  }

  /**
   * `cas` 0 always overwrites, a wrong one returns 8 and changes nothing, and for a key that does not exist
   * yet it is ignored. Each write gives the value a new number, unique in the process.
   */
  set(key: string, value: string, cas = 0): number {
    const present = this.#values.get(key);
    if (present !== undefined && cas !== 0 && cas !== present.cas) return Status.casMismatch;
    this.#values.set(key, { value, cas: this.#nextCas });
    this.#nextCas = this.#nextCas === 0xffffffff ? 1 : this.#nextCas + 1;
    return Status.ok;
  }

  entries(): IterableIterator<[string, SharedValue]> {
    return this.#values.entries();
  }

  get size(): number {
    return this.#values.size;
  }
}

export class SharedQueues {
  readonly #tokens = new Map<string, number>();
  readonly #queues = new Map<number, string[]>();

  register(name: string): number {
    const known = this.#tokens.get(name);
    if (known !== undefined) return known;
    const token = this.#tokens.size + 1;
    this.#tokens.set(name, token);
    this.#queues.set(token, []);
    return token;
  }

  resolve(name: string): number | undefined {
    return this.#tokens.get(name);
  }

  enqueue(token: number, value: string): number {
    const queue = this.#queues.get(token);
    if (queue === undefined) return Status.notFound;
    queue.push(value);
    return Status.ok;
  }

  /** The oldest value, or the status that says why there is none. */
  dequeue(token: number): string | number {
    const queue = this.#queues.get(token);
    if (queue === undefined) return Status.notFound;
    return queue.shift() ?? Status.empty;
  }
}
