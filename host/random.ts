// Seeded chance: the same seed gives the same bytes in the same order, on every machine (SplitMix64).

const mask = (1n << 64n) - 1n;

export class Random {
  #state: bigint;

  constructor(seed: number | bigint) {
    this.#state = BigInt.asUintN(64, BigInt(seed));
  }

  next64(): bigint {
    this.#state = (this.#state + 0x9e3779b97f4a7c15n) & mask;
    let z = this.#state;
    z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & mask;
    z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & mask;
    return z ^ (z >> 31n);
  }

  /** A whole number from 0 up to, not including, `bound`. */
  below(bound: number): number {
    return Number((this.next64() >> 11n) % BigInt(bound));
  }

  fill(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += 8) {
      let word = this.next64();
      for (let index = at; index < Math.min(at + 8, bytes.length); index++) {
        bytes[index] = Number(word & 0xffn);
        word >>= 8n;
      }
    }
  }
}
