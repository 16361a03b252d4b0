// Chance, one generator per worker: xoshiro256++, seeded by the caller from random_get.
//
// Fast and even, not secret: what must not be guessed (keys of hashes) comes from random_get itself.

let s0: u64 = 0x9e3779b97f4a7c15;
let s1: u64 = 0xbf58476d1ce4e5b9;
let s2: u64 = 0x94d049bb133111eb;
let s3: u64 = 0x2545f4914f6cdd1d;

/** Equal seeds give equal sequences. The seed is spread by splitmix64, which never leaves all words 0. */
export function seedRandom(seed: u64): void {
  s0 = splitMix(seed + 0x9e3779b97f4a7c15);
  s1 = splitMix(seed + 0x3c6ef372fe94f82a);
  s2 = splitMix(seed + 0xdaa66d2c7ddf743f);
  s3 = splitMix(seed + 0x78dde6e5fd29f054);
}

/** 64 even bits. */
export function randomU64(): u64 {
  const result = rotl<u64>(s0 + s3, 23) + s0;
  const t = s1 << 17;
  s2 ^= s0;
  s3 ^= s1;
  s1 ^= s2;
  s0 ^= s3;
  s2 ^= t;
  s3 = rotl<u64>(s3, 45);
  return result;
}

/** From 0 to `bound` - 1, each within 2^-32 of even; 0 for a bound of 0. The high part of a 96-bit product. */
export function randomBelow(bound: u32): u32 {
  const bits = randomU64();
  const low = (bits & 0xffffffff) * bound;
  return <u32>(((bits >> 32) * bound + (low >> 32)) >> 32);
}

/** In [0, 1), a multiple of 2^-53. */
export function randomF64(): f64 {
  return <f64>(randomU64() >> 11) * (1.0 / 9007199254740992.0);
}

function splitMix(z: u64): u64 {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}
