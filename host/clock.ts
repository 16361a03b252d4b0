// Virtual time. Nothing in host/ reads the machine's clock; tests move these two, together or apart.

export class Clock {
  #monotonicNs: bigint;
  #wallNs: bigint;

  /** `startMs` is the wall clock's time; the monotonic clock starts at an hour, far from both ends. */
  constructor(startMs: number) {
    this.#monotonicNs = 3_600_000_000_000n;
    this.#wallNs = BigInt(Math.round(startMs * 1e6));
  }

  get monotonicNs(): bigint {
    return this.#monotonicNs;
  }

  get wallNs(): bigint {
    return this.#wallNs;
  }

  get monotonicMs(): number {
    return Number(this.#monotonicNs) / 1e6;
  }

  /** Moves both clocks. */
  advanceNs(ns: bigint): void {
    if (ns < 0n) throw new RangeError("time does not run backwards; step the wall clock alone with stepWall");
    this.#monotonicNs += ns;
    this.#wallNs += ns;
  }

  /** Steps the wall clock alone, in either direction, as an administrator or NTP does. */
  stepWallMs(ms: number): void {
    this.#wallNs += BigInt(Math.round(ms * 1e6));
  }
}
