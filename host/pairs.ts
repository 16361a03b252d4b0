// Lists of pairs as they lie in linear memory, for header maps and map-valued properties:
//
//   u32 count | count x (u32 name size, u32 value size) | count x (name 0x00 value 0x00)
//
// Strings here and everywhere in host/ are byte strings: one character per byte (Latin-1), as Node's own
// http module shows headers. `utf8("é")` makes the byte string of a text.

import { limits } from "./abi.ts";

/** A name and a value, both byte strings. */
export type Pair = readonly [name: string, value: string];

/** The byte string of a text: its UTF-8 bytes, one character each. */
export function utf8(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

export function pairsSize(pairs: readonly Pair[]): number {
  let size = 4;
  for (const [name, value] of pairs) size += 10 + name.length + value.length;
  return size;
}

/** Writes the layout above at `at`; the caller has made room for `pairsSize(pairs)` bytes. */
export function writePairs(memory: Buffer, at: number, pairs: readonly Pair[]): void {
  let sizes = memory.writeUInt32LE(pairs.length, at);
  let text = sizes + pairs.length * 8;
  for (const [name, value] of pairs) {
    sizes = memory.writeUInt32LE(name.length, sizes);
    sizes = memory.writeUInt32LE(value.length, sizes);
    text += memory.write(name, text, "latin1");
    memory[text++] = 0;
    text += memory.write(value, text, "latin1");
    memory[text++] = 0;
  }
}

/** Reads a list written by a module. A malformed or too large list is an empty one, as in Envoy. */
export function readPairs(bytes: Buffer): Pair[] {
  if (bytes.length < 4 || bytes.length > limits.pairsBytes) return [];
  const count = bytes.readUInt32LE(0);
  if (count > limits.pairsCount || 4 + count * 8 > bytes.length) return [];
  const pairs: Pair[] = [];
  let at = 4 + count * 8;
  const next = (size: number): string | undefined => {
    if (at + size + 1 > bytes.length || bytes[at + size] !== 0) return undefined;
    const text = bytes.toString("latin1", at, at + size);
    at += size + 1;
    return text;
  };
  for (let index = 0; index < count; index++) {
    const name = next(bytes.readUInt32LE(4 + index * 8));
    if (name === undefined) return [];
    const value = next(bytes.readUInt32LE(8 + index * 8));
    if (value === undefined) return [];
    pairs.push([name, value]);
  }
  return at === bytes.length ? pairs : [];
}
