// Texts are bytes at an address. Nothing here allocates, and nothing reads beyond the given length.

import { ByteString } from "./set";

/** Configure or module start only: the bytes of an ASCII literal, which live as long as the module. */
export function literal(text: string): ByteString {
  const length = text.length;
  const record = changetype<ByteString>(heap.alloc(offsetof<ByteString>() + length));
  record.start = changetype<usize>(record) + offsetof<ByteString>();
  record.length = length;
  writeAscii(record.start, text);
  return record;
}

/** Writes an ASCII literal and returns the address after it. */
export function writeAscii(to: usize, text: string): usize {
  const from = changetype<usize>(text);
  const length = text.length;
  for (let i = 0; i < length; i++) store<u8>(to + i, load<u16>(from + (i << 1)));
  return to + length;
}

/** Writes bytes and returns the address after them. */
// @ts-ignore: decorator
@inline
export function writeBytes(to: usize, start: usize, length: u32): usize {
  memory.copy(to, start, length);
  return to + length;
}

/** Writes a number in decimal and returns the address after it; at most 20 bytes. */
export function writeDecimal(to: usize, value: u64): usize {
  let digits = 1;
  for (let rest = value / 10; rest !== 0; rest /= 10) digits += 1;
  for (let i = digits - 1; i >= 0; i--) {
    store<u8>(to + i, 48 + <u32>(value % 10));
    value /= 10;
  }
  return to + digits;
}

/** Whether two texts of one length are equal. (memory.compare is 150 bytes of code wherever it is used.) */
export function sameBytes(a: usize, b: usize, length: u32): bool {
  let at: usize = 0;
  for (; at + 8 <= length; at += 8) if (load<u64>(a + at) !== load<u64>(b + at)) return false;
  for (; at < length; at++) if (load<u8>(a + at) !== load<u8>(b + at)) return false;
  return true;
}

export function equals(a: usize, aLength: u32, b: usize, bLength: u32): bool {
  return aLength === bLength && sameBytes(a, b, aLength);
}

/** Whether the bytes are those of an ASCII literal. */
export function equalsAscii(start: usize, length: u32, text: string): bool {
  if (length !== <u32>text.length) return false;
  for (let i: u32 = 0; i < length; i++)
    if (load<u8>(start + i) !== load<u16>(changetype<usize>(text) + (i << 1))) return false;
  return true;
}

// @ts-ignore: decorator
@inline
export function lower(byte: u32): u32 {
  return byte - 65 < 26 ? byte | 32 : byte;
}

export function sameIgnoringCase(a: usize, b: usize, length: u32): bool {
  for (let i: u32 = 0; i < length; i++) if (lower(load<u8>(a + i)) !== lower(load<u8>(b + i))) return false;
  return true;
}

/** The address of the first `byte`, or `end`. */
export function findByte(start: usize, end: usize, byte: u32): usize {
  while (start < end && load<u8>(start) !== byte) start += 1;
  return start;
}

/** Whether `part` occurs in the text; linear in practice, bounded by the product of the lengths. */
export function containsBytes(start: usize, length: u32, part: usize, partLength: u32): bool {
  if (partLength === 0) return true;
  if (partLength > length) return false;
  const first = <u32>load<u8>(part);
  for (let at = start, last = start + (length - partLength); at <= last; at++)
    if (load<u8>(at) === first && sameBytes(at, part, partLength)) return true;
  return false;
}
