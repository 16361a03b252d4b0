// Writing an answer into scratch memory: texts one after the other, and headers in the form that the host takes.
//
// What does not fit is dropped as a whole: `overflowed` then says so.

import { scratch } from "../../assembly/abi/arena";
import { writeBytes, writeDecimal } from "../../assembly/bytes";
import { ByteString } from "../../assembly/set";

/** Body, values of headers, and the block of headers made of them. */
const SIZE: usize = 12_288;
const MAX_HEADERS: u32 = 32;

/** name, its length, value, its length: 16 bytes each. */
const headers: usize = memory.data(512, 4);
let headerCount: u32 = 0;

let at: usize = 0;
let end: usize = 0;
let begun: usize = 0;

/** Whether something did not fit since beginWriting. */
export let overflowed: bool = false;

/** The block that finishHeaders has built. */
export const block: ByteString = changetype<ByteString>(memory.data(8, 4));

export function beginWriting(): void {
  at = scratch(SIZE);
  end = at === 0 ? 0 : at + SIZE;
  begun = at;
  headerCount = 0;
  overflowed = at === 0;
}

/** Whether `size` more bytes fit. */
function fits(size: usize): bool {
  if (end - at < size) overflowed = true;
  return !overflowed;
}

export function say(start: usize, length: u32): void {
  if (fits(length)) at = writeBytes(at, start, length);
}

export function sayText(text: ByteString): void {
  say(text.start, text.length);
}

export function sayByte(byte: u32): void {
  if (!fits(1)) return;
  store<u8>(at, byte);
  at += 1;
}

export function sayDecimal(value: i64): void {
  if (fits(20)) at = writeDecimal(at, <u64>max(<i64>0, value));
}

/** Takes what was written since the last take. */
export function takeText(to: ByteString): void {
  to.start = begun;
  to.length = <u32>(at - begun);
  begun = at;
}

/** Makes a header of what was written since the last take. */
export function takeHeader(name: usize, nameLength: u32): void {
  if (headerCount === MAX_HEADERS) return;
  const header = headers + ((<usize>headerCount) << 4);
  store<usize>(header, name);
  store<u32>(header, nameLength, 4);
  store<usize>(header, begun, 8);
  store<u32>(header, <u32>(at - begun), 12);
  begun = at;
  headerCount += 1;
}

/** Puts the headers into `block`; false: they do not fit. */
export function finishHeaders(): bool {
  let size: usize = 4;
  for (let i: u32 = 0; i < headerCount; i++) {
    const header = headers + ((<usize>i) << 4);
    size += 10 + load<u32>(header, 4) + load<u32>(header, 12);
  }
  if (!fits(size)) return false;
  block.start = at;
  store<u32>(at, headerCount);
  let text = at + 4 + ((<usize>headerCount) << 3);
  for (let i: u32 = 0; i < headerCount; i++) {
    const header = headers + ((<usize>i) << 4);
    store<u32>(at + 4 + ((<usize>i) << 3), load<u32>(header, 4));
    store<u32>(at + 8 + ((<usize>i) << 3), load<u32>(header, 12));
    text = writeZeroed(text, load<usize>(header), load<u32>(header, 4));
    text = writeZeroed(text, load<usize>(header, 8), load<u32>(header, 12));
  }
  block.length = <u32>(text - at);
  at = text;
  begun = at;
  return true;
}

function writeZeroed(to: usize, start: usize, length: u32): usize {
  to = writeBytes(to, start, length);
  store<u8>(to, 0);
  return to + 1;
}

/** Calls of the present headers one by one, for maps that are changed in place. */
export function writtenHeaders(): u32 {
  return headerCount;
}

// @ts-ignore: decorator
@inline
export function writtenHeader(index: u32): usize {
  return headers + ((<usize>index) << 4);
}
