// Sets of bytes, 256 bits each: what one position of an expression accepts.
//
// Case folding is RE2's in Latin-1 mode, which folds ASCII letters only: (?i) on e with acute leaves E with acute
// out (measured on Envoy 1.40).

import { Vector, staticVector } from "./vector";

export const BYTE_SET_SIZE: u32 = 32;

/** All distinct sets of the expression, one after the other. */
export const sets: Vector = staticVector();

/** The index of a set equal to the one at `set`, added if new. */
export function internSet(set: usize): u32 {
  const count = sets.size / BYTE_SET_SIZE;
  for (let index: u32 = 0; index < count; index++) {
    if (memory.compare(sets.start + index * BYTE_SET_SIZE, set, BYTE_SET_SIZE) === 0) return index;
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

/** `[:alpha:]` and the like: adds the class whose name stands at `name`; false when there is none. */
export function setAddPosixClass(set: usize, name: usize, length: u32, fold: bool): bool {
  if (isName(name, length, "alnum")) {
    setAddRange(set, 0x30, 0x39, fold);
    setAddRange(set, 0x41, 0x5a, fold);
    setAddRange(set, 0x61, 0x7a, fold);
  } else if (isName(name, length, "alpha")) {
    setAddRange(set, 0x41, 0x5a, fold);
    setAddRange(set, 0x61, 0x7a, fold);
  } else if (isName(name, length, "ascii")) {
    setAddRange(set, 0x00, 0x7f, fold);
  } else if (isName(name, length, "blank")) {
    setAddRange(set, 0x09, 0x09, fold);
    setAddRange(set, 0x20, 0x20, fold);
  } else if (isName(name, length, "cntrl")) {
    setAddRange(set, 0x00, 0x1f, fold);
    setAddRange(set, 0x7f, 0x7f, fold);
  } else if (isName(name, length, "digit")) {
    setAddRange(set, 0x30, 0x39, fold);
  } else if (isName(name, length, "graph")) {
    setAddRange(set, 0x21, 0x7e, fold);
  } else if (isName(name, length, "lower")) {
    setAddRange(set, 0x61, 0x7a, fold);
  } else if (isName(name, length, "print")) {
    setAddRange(set, 0x20, 0x7e, fold);
  } else if (isName(name, length, "punct")) {
    setAddRange(set, 0x21, 0x2f, fold);
    setAddRange(set, 0x3a, 0x40, fold);
    setAddRange(set, 0x5b, 0x60, fold);
    setAddRange(set, 0x7b, 0x7e, fold);
  } else if (isName(name, length, "space")) {
    setAddRange(set, 0x09, 0x0d, fold);
    setAddRange(set, 0x20, 0x20, fold);
  } else if (isName(name, length, "upper")) {
    setAddRange(set, 0x41, 0x5a, fold);
  } else if (isName(name, length, "word")) {
    setAddPerlClass(set, 0x77, fold);
  } else if (isName(name, length, "xdigit")) {
    setAddRange(set, 0x30, 0x39, fold);
    setAddRange(set, 0x41, 0x46, fold);
    setAddRange(set, 0x61, 0x66, fold);
  } else {
    return false;
  }
  return true;
}

function isName(name: usize, length: u32, word: string): bool {
  if (length !== <u32>word.length) return false;
  for (let i: u32 = 0; i < length; i++) if (load<u8>(name + i) !== <u8>word.charCodeAt(i)) return false;
  return true;
}
