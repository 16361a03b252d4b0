// A growing buffer that takes protobuf's wire format.

const text = new TextEncoder();

export class Output {
  #bytes = new Uint8Array(65_536);
  #size = 0;

  /** What was written, as bytes of one's own; the buffer is empty again. */
  take(): Uint8Array {
    const taken = this.#bytes.slice(0, this.#size);
    this.#size = 0;
    return taken;
  }

  clear(): void {
    this.#size = 0;
  }

  /** An integer from 0 to 2^32 - 1. */
  varint(value: number): void {
    this.#reserve(5);
    let rest = value;
    while (rest > 0x7f) {
      this.#bytes[this.#size++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#bytes[this.#size++] = rest;
  }

  /** A 64-bit integer, signed or not. */
  varint64(value: bigint): void {
    this.#reserve(10);
    let rest = BigInt.asUintN(64, value);
    while (rest > 0x7fn) {
      this.#bytes[this.#size++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.#bytes[this.#size++] = Number(rest);
  }

  double(value: number): void {
    this.#reserve(8);
    new DataView(this.#bytes.buffer).setFloat64(this.#size, value, true);
    this.#size += 8;
  }

  /** Length and bytes. */
  block(value: Uint8Array): void {
    this.varint(value.length);
    this.#reserve(value.length);
    this.#bytes.set(value, this.#size);
    this.#size += value.length;
  }

  /** Length and UTF-8. */
  string(value: string): void {
    const start = this.begin();
    this.#reserve(value.length * 3);
    for (let i = 0; i < value.length; i++) {
      const code = value.charCodeAt(i);
      if (code > 0x7f || value.length > 64) {
        this.#size = start + 1 + text.encodeInto(value, this.#bytes.subarray(start + 1)).written;
        break;
      }
      this.#bytes[this.#size++] = code;
    }
    this.end(start);
  }

  /** Begins something whose length stands before it; one byte is kept for the length. */
  begin(): number {
    this.#reserve(1);
    return this.#size++;
  }

  end(start: number): void {
    const length = this.#size - start - 1;
    if (length < 0x80) {
      this.#bytes[start] = length;
      return;
    }
    const extra = length < 1 << 14 ? 1 : length < 1 << 21 ? 2 : length < 1 << 28 ? 3 : 4;
    this.#reserve(extra);
    this.#bytes.copyWithin(start + 1 + extra, start + 1, this.#size);
    const size = this.#size + extra;
    this.#size = start;
    this.varint(length);
    this.#size = size;
  }

  #reserve(count: number): void {
    if (this.#size + count <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(2 * this.#bytes.length, this.#size + count));
    larger.set(this.#bytes.subarray(0, this.#size));
    this.#bytes = larger;
  }
}
