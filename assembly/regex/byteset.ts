// Sets of bytes, 256 bits each: what one position of an expression accepts.
//
// Case folding is RE2's in Latin-1 mode, which folds ASCII letters only: (?i) on e with acute leaves E with acute
// out (measured on Envoy 1.40).

import { sameBytes } from "../bytes";
import { Vector, staticVector } from "./vector";

export const BYTE_SET_SIZE: u32 = 32;

/** All distinct sets of the expression, one after the other. */
export const sets: Vector = staticVector();

/** The index of a set equal to the one at `set`, added if new. */
export function internSet(set: usize): u32 {
  const count = sets.size / BYTE_SET_SIZE;
  for (let index: u32 = 0; index < count; index++) {
    if (sameBytes(sets.start + index * BYTE_SET_SIZE, set, BYTE_SET_SIZE)) return index;
  }
  memory.copy(sets.push(BYTE_SET_SIZE), set, BYTE_SET_SIZE);
  return count;
}

export function setAt(index: u32): usize {
  return sets.start + index * BYTE_SET_SIZE;
}

// @ts-ignore: decorator
@inline
export function setHas(set: usize, byte: u32): bool {
  return ((load<u8>(set + (byte >> 3)) >> ((<u8>byte) & 7)) & 1) !== 0;
}

export function setClear(set: usize): void {
  memory.fill(set, 0, BYTE_SET_SIZE);
}

export function setNegate(set: usize): void {
  for (let word: usize = 0; word < 32; word += 8) store<u64>(set + word, ~load<u64>(set + word));
}

export function setUnion(set: usize, other: usize): void {
  for (let word: usize = 0; word < 32; word += 8) {
    store<u64>(set + word, load<u64>(set + word) | load<u64>(other + word));
  }
}

/** Adds the bytes from `low` to `high`; with `fold` also those that differ from one of them in case only. */
export function setAddRange(set: usize, low: u32, high: u32, fold: bool): void {
  for (let byte = low; byte <= high; byte++) {
    add(set, byte);
    if (fold) add(set, otherCase(byte));
  }
}

// @ts-ignore: decorator
@inline
function add(set: usize, byte: u32): void {
  const at = set + (byte >> 3);
  store<u8>(at, load<u8>(at) | (1 << ((<u8>byte) & 7)));
}

/** The same ASCII letter in the other case, or the byte itself. */
function otherCase(byte: u32): u32 {
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x7a ? byte ^ 0x20 : byte;
}

/** `\d`, `\s`, `\w`: adds the class of a lower-case letter; false when there is none. */
export function setAddPerlClass(set: usize, letter: u32, fold: bool): bool {
  if (letter === 0x64) {
    setAddRange(set, 0x30, 0x39, fold);
  } else if (letter === 0x73) {
    setAddRange(set, 0x09, 0x0a, fold);
    setAddRange(set, 0x0c, 0x0d, fold);
    setAddRange(set, 0x20, 0x20, fold);
  } else if (letter === 0x77) {
    setAddRange(set, 0x30, 0x39, fold);
    setAddRange(set, 0x41, 0x5a, fold);
    setAddRange(set, 0x5f, 0x5f, fold);
    setAddRange(set, 0x61, 0x7a, fold);
  } else {
    return false;
  }
  return true;
}

// NAME:RANGES| for each class, a range being its first byte and its last.
const POSIX_CLASSES: string =
  "alnum:09AZaz|alpha:AZaz|ascii:\x00\x7f|blank:\t\t  |cntrl:\x00\x1f\x7f\x7f|digit:09|graph:!~|lower:az|print: ~|punct:!/:@[`{~|space:\t\r  |upper:AZ|word:09AZ__az|xdigit:09AFaf|";

const COLON: u32 = 58;
const BAR: u32 = 124;

/** `[:alpha:]` and the like: adds the class whose name stands at `name`; false when there is none. */
export function setAddPosixClass(set: usize, name: usize, length: u32, fold: bool): bool {
  let at: u32 = 0;
  while (at < <u32>POSIX_CLASSES.length) {
    const found = isClassAt(at, name, length);
    while (classByte(at) !== COLON) at += 1;
    for (at += 1; classByte(at) !== BAR; at += 2)
      if (found) setAddRange(set, classByte(at), classByte(at + 1), fold);
    if (found) return true;
    at += 1;
  }
  return false;
}

function isClassAt(at: u32, name: usize, length: u32): bool {
  for (let i: u32 = 0; i < length; i++) {
    const byte = <u32>load<u8>(name + i);
    if (byte === COLON || byte !== classByte(at + i)) return false;
  }
  return classByte(at + length) === COLON;
}

function classByte(at: u32): u32 {
  return load<u16>(changetype<usize>(POSIX_CLASSES) + (at << 1));
}
