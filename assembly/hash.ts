// Two 64-bit hashes of bytes: a stable one for sticky choices, and a keyed one for keys that clients choose.
//
// The stable hash (XXH64) decides which user is on which destination in every replica and release: it never
// changes. It is not secret, so whoever picks the input can aim at a result. The keyed hash (SipHash-1-3)
// cannot be aimed without its 128-bit key, which comes from random_get.

const P1: u64 = 0x9e3779b185ebca87;
const P2: u64 = 0xc2b2ae3d27d4eb4f;
const P3: u64 = 0x165667b19e3779f9;
const P4: u64 = 0x85ebca77c2b2ae63;
const P5: u64 = 0x27d4eb2f165667c5;

/** XXH64 of `length` bytes at `start`. */
export function stableHash(start: usize, length: u32, seed: u64): u64 {
  let at = start;
  const end = start + length;
  let hash: u64;
  if (length >= 32) {
    let a = seed + P1 + P2;
    let b = seed + P2;
    let c = seed;
    let d = seed - P1;
    const limit = end - 32;
    do {
      a = round(a, load<u64>(at));
      b = round(b, load<u64>(at, 8));
      c = round(c, load<u64>(at, 16));
      d = round(d, load<u64>(at, 24));
      at += 32;
    } while (at <= limit);
    hash = rotl<u64>(a, 1) + rotl<u64>(b, 7) + rotl<u64>(c, 12) + rotl<u64>(d, 18);
    hash = merge(merge(merge(merge(hash, a), b), c), d);
  } else {
    hash = seed + P5;
  }
  hash += length;
  while (at + 8 <= end) {
    hash = rotl<u64>(hash ^ round(0, load<u64>(at)), 27) * P1 + P4;
    at += 8;
  }
  if (at + 4 <= end) {
    hash = rotl<u64>(hash ^ (<u64>load<u32>(at) * P1), 23) * P2 + P3;
    at += 4;
  }
  while (at < end) {
    hash = rotl<u64>(hash ^ (<u64>load<u8>(at) * P5), 11) * P1;
    at += 1;
  }
  return avalanche(hash);
}

/** Every bit of the result depends on every bit of `hash`; one to one. */
// @ts-ignore: decorator
@inline
export function avalanche(hash: u64): u64 {
  hash = (hash ^ (hash >> 33)) * P2;
  hash = (hash ^ (hash >> 29)) * P3;
  return hash ^ (hash >> 32);
}

function round(lane: u64, input: u64): u64 {
  return rotl<u64>(lane + input * P2, 31) * P1;
}

function merge(hash: u64, lane: u64): u64 {
  return (hash ^ round(0, lane)) * P1 + P4;
}

// SipHash keeps four words; bytes that do not fill a word yet wait in `pending`. One hash is under way at a
// time: the module has one thread, and a callback finishes what it starts.
let v0: u64 = 0;
let v1: u64 = 0;
let v2: u64 = 0;
let v3: u64 = 0;
let pending: u64 = 0;
let total: u64 = 0;

/** Starts a keyed hash over several parts: begin, add or addPart as often as needed, finish. */
export function keyedHashBegin(key0: u64, key1: u64): void {
  v0 = key0 ^ 0x736f6d6570736575;
  v1 = key1 ^ 0x646f72616e646f6d;
  v2 = key0 ^ 0x6c7967656e657261;
  v3 = key1 ^ 0x7465646279746573;
  pending = 0;
  total = 0;
}

/** Adds bytes; two calls are as one call with both texts joined. */
export function keyedHashAdd(start: usize, length: u32): void {
  let at = start;
  const end = start + length;
  const shift = (total & 7) << 3;
  total += length;
  while (at + 8 <= end) {
    const word = load<u64>(at);
    // A shift by 64 is a shift by 0 in WebAssembly: the aligned case stands apart.
    if (shift === 0) {
      absorb(word);
    } else {
      absorb(pending | (word << shift));
      pending = word >> (64 - shift);
    }
    at += 8;
  }
  let used = shift;
  while (at < end) {
    pending |= (<u64>load<u8>(at)) << used;
    used += 8;
    if (used === 64) {
      absorb(pending);
      pending = 0;
      used = 0;
    }
    at += 1;
  }
}

/** Adds a number of 64 bits, little-endian. */
export function keyedHashAddNumber(value: u64): void {
  const shift = (total & 7) << 3;
  total += 8;
  if (shift === 0) {
    absorb(value);
  } else {
    absorb(pending | (value << shift));
    pending = value >> (64 - shift);
  }
}

/** Adds a part after its length, so that the parts `a`, `bc` and `ab`, `c` differ. */
export function keyedHashAddPart(start: usize, length: u32): void {
  keyedHashAddNumber(length);
  keyedHashAdd(start, length);
}

/** The hash of all that was added, with one round per word and three at the end (SipHash-1-3). */
export function keyedHashFinish(): u64 {
  absorb(pending | (total << 56));
  v2 ^= 0xff;
  sipRound();
  sipRound();
  sipRound();
  return v0 ^ v1 ^ v2 ^ v3;
}

/** SipHash-1-3 of one text. */
export function keyedHash(start: usize, length: u32, key0: u64, key1: u64): u64 {
  keyedHashBegin(key0, key1);
  keyedHashAdd(start, length);
  return keyedHashFinish();
}

// @ts-ignore: decorator
@inline
function absorb(word: u64): void {
  v3 ^= word;
  sipRound();
  v0 ^= word;
}

function sipRound(): void {
  let a = v0 + v1;
  let b = rotl<u64>(v1, 13) ^ a;
  a = rotl<u64>(a, 32);
  let c = v2 + v3;
  let d = rotl<u64>(v3, 16) ^ c;
  a += d;
  d = rotl<u64>(d, 21) ^ a;
  c += b;
  b = rotl<u64>(b, 17) ^ c;
  c = rotl<u64>(c, 32);
  v0 = a;
  v1 = b;
  v2 = c;
  v3 = d;
}
