// Bytes that no part of the expression tells apart share a column of the tables.

import { setAt, setHas, sets, BYTE_SET_SIZE } from "./byteset";
import { isWordByte } from "./cursor";
import { Condition } from "./tree";

/** The column of each byte, 256 bytes. */
export const columnOf: usize = memory.data(256);
/** A byte of each column, 256 bytes. */
export const byteOf: usize = memory.data(256);
export let columnCount: u32 = 0;

const seen: usize = memory.data(1024, 4);

/** Splits the bytes by every set, and by the newline and the letters of a word where assertions look at them. */
export function buildAlphabet(conditions: u32): void {
  memory.fill(columnOf, 0, 256);
  columnCount = 1;
  const count = sets.size / BYTE_SET_SIZE;
  for (let set: u32 = 0; set < count && columnCount < 256; set++) {
    beginSplit();
    for (let byte: u32 = 0; byte < 256; byte++) split(byte, setHas(setAt(set), byte));
  }
  if ((conditions & (Condition.LINE_BEGIN | Condition.LINE_END)) !== 0) {
    beginSplit();
    for (let byte: u32 = 0; byte < 256; byte++) split(byte, byte === 0x0a);
  }
  if ((conditions & (Condition.WORD_BOUNDARY | Condition.NO_WORD_BOUNDARY)) !== 0) {
    beginSplit();
    for (let byte: u32 = 0; byte < 256; byte++) split(byte, isWordByte(byte));
  }
  for (let byte: i32 = 255; byte >= 0; byte--) store<u8>(byteOf + load<u8>(columnOf + byte), byte);
}

// For each old column: 1 + the side its first byte was on, and above it the new column of the other side.
function beginSplit(): void {
  memory.fill(seen, 0, 1024);
}

function split(byte: u32, inside: bool): void {
  const column = <usize>load<u8>(columnOf + byte);
  const entry = load<u32>(seen + (column << 2));
  const side = <u32>inside + 1;
  if (entry === 0) {
    store<u32>(seen + (column << 2), side);
    return;
  }
  if ((entry & 3) === side) return;
  let other = entry >> 2;
  if (other === 0) {
    other = columnCount++;
    store<u32>(seen + (column << 2), (other << 2) | (entry & 3));
  }
  store<u8>(columnOf + byte, other);
}
