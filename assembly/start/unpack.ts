// The release modules carry their data packed (scripts/pack/): texts of refusals, tables of readers. What unpacks it
// runs once, as a module is started; debug modules carry their data as it is.
//
// The packed bytes are matches and literals, bit by bit, each bit coded by how likely it has been in its context (a
// range coder, as LZMA's). scripts/pack/squeeze.mjs writes them: numbers here and there must agree.

// Contexts: 2 bytes each, the chance of a 0 as its distance from a half, so that zeroed memory is the beginning.
const IS_MATCH: u32 = 0;
const IS_SAME_OFFSET: u32 = 2;
const LENGTH: u32 = 8;
const OFFSET: u32 = 72;
const LITERAL: u32 = 136;

const ONE: u32 = 2048;
const HALF: u32 = 1024;
const RATE: u32 = 4;

let next: usize = 0;
let contexts: usize = 0;
let range: u32 = 0xffffffff;
let code: u32 = 0;

/** The packed bytes stand at `start`; `scratch` is 2,320 bytes of zeros. */
export function beginUnpacking(start: usize, scratch: usize): void {
  code = bswap(load<u32>(start));
  next = start + 4;
  contexts = scratch;
}

/** Writes what comes next from `at` up to `end`.. */
export function unpack(at: usize, end: usize): void {
  let offset: u32 = 0;
  let afterMatch: u32 = 0;
  while (at < end) {
    if (readBit(IS_MATCH + afterMatch)) {
      if (afterMatch || !readBit(IS_SAME_OFFSET)) offset = readNumber(OFFSET);
      for (let left = readNumber(LENGTH); left > 0; left--) {
        store<u8>(at, load<u8>(at - offset));
        at += 1;
      }
      afterMatch = 1;
    } else {
      const tree = LITERAL + (((<u32>at) & 3) << 8);
      let byte: u32 = 1;
      while (byte < 256) byte = (byte << 1) | readBit(tree + byte);
      store<u8>(at, byte);
      at += 1;
      afterMatch = 0;
    }
  }
}

/** A number from 1: how many bits follow its first one, in unary, then these. */
function readNumber(context: u32): u32 {
  let size: u32 = 0;
  while (readBit(context + size)) size += 1;
  let value: u32 = 1;
  while (size > 0) {
    size -= 1;
    value = (value << 1) | readBit(context + 32 + size);
  }
  return value;
}

function readBit(context: u32): u32 {
  const place = contexts + (context << 1);
  const distance = <i32>load<i16>(place);
  const chance = HALF + distance;
  const bound = (range >> 11) * chance;
  let bit: u32 = 0;
  if (code < bound) {
    range = bound;
    store<i16>(place, distance + ((ONE - chance) >> RATE));
  } else {
    range -= bound;
    code -= bound;
    store<i16>(place, distance - (chance >> RATE));
    bit = 1;
  }
  if (range < 1 << 24) {
    range <<= 8;
    code = (code << 8) | load<u8>(next);
    next += 1;
  }
  return bit;
}
