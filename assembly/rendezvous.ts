// Weighted rendezvous: every destination draws a number from the key and its own name, and the smallest
// -ln(u) / weight wins. Changing one weight moves keys only to or from that destination, the order of the
// destinations is irrelevant, and only the weights' ratios count.
//
// These properties hold exactly, not up to rounding: the logarithm is rounded to an integer, and two
// destinations are compared by cross-multiplied integers. It uses only IEEE additions, multiplications and
// one division, which WebAssembly defines to the bit, so every build and replica chooses alike.

import { avalanche, stableHash } from "./hash";

/** Weights stay at or below 2^20: the largest -ln(u) x 2^38 is below 2^44, and the product must fit 64 bits. */
export const maxWeight: u32 = 1_048_576;

/** One destination, 16 bytes, in a contiguous array. Larger records may begin with these fields. */
@unmanaged
export class WeightedChoice {
  /** From destinationId. */
  id: u64;
  /** 0 to maxWeight; 0 is never chosen. */
  weight: u32;
  reserved: u32;
}

/** What a destination's name contributes; the same name gives the same id in every policy. */
export function destinationId(name: usize, length: u32): u64 {
  return stableHash(name, length, 0x736c756963652e31);
}

/** What a policy's name or seed contributes. */
export function choiceSeed(name: usize, length: u32): u64 {
  return stableHash(name, length, 0x736c756963652e32);
}

/** What a request contributes: its sticky key under the policy's seed. Any even 64 bits draw at random. */
export function choiceKey(key: usize, length: u32, seed: u64): u64 {
  return stableHash(key, length, seed);
}

/**
 * The index of the chosen one among `count` records of `stride` bytes, -1 when there is none or all weights
 * are 0. Equal scores, about one in 10^10, go to the smaller id; equal ids to the earlier record.
 */
export function chooseWeighted(key: u64, choices: usize, count: u32, stride: usize): i32 {
  let best: i32 = -1;
  let bestScore: u64 = 0;
  let bestWeight: u64 = 0;
  let bestId: u64 = 0;
  for (let index: u32 = 0; index < count; index++) {
    const choice = changetype<WeightedChoice>(choices + <usize>index * stride);
    const weight = <u64>choice.weight;
    if (weight === 0) continue;
    const id = choice.id;
    const score = negativeLog(avalanche(avalanche(key ^ id) + id));
    const mine = score * bestWeight;
    const theirs = bestScore * weight;
    if (best < 0 || mine < theirs || (mine === theirs && id < bestId)) {
      best = index;
      bestScore = score;
      bestWeight = weight;
      bestId = id;
    }
  }
  return best;
}

/**
 * -ln(u) x 2^38 rounded down, for u = (the upper 52 bits of `bits` + 1/2) / 2^52: never 0 and below 2^44.
 */
export function negativeLog(bits: u64): u64 {
  // 53 significant bits: the conversion is exact.
  const u = <f64>(((bits >> 12) << 1) | 1);
  let raw = reinterpret<u64>(u);
  let exponent = <i32>(raw >> 52) - 1023;
  // The mantissa goes to [sqrt(1/2), sqrt(2)), where the series below converges fastest.
  raw &= 0x000fffffffffffff;
  if (raw >= 0x6a09e667f3bcd) {
    exponent += 1;
    raw |= 0x3fe0000000000000;
  } else {
    raw |= 0x3ff0000000000000;
  }
  const m = reinterpret<f64>(raw);
  // ln(m) = 2 (s + s^3/3 + s^5/5 ...), s = (m-1)/(m+1), |s| < 0.1716: the first term left out is below 2^-57.
  const s = (m - 1.0) / (m + 1.0);
  const q = s * s;
  let sum: f64 = 1.0 / 21.0;
  sum = sum * q + 1.0 / 19.0;
  sum = sum * q + 1.0 / 17.0;
  sum = sum * q + 1.0 / 15.0;
  sum = sum * q + 1.0 / 13.0;
  sum = sum * q + 1.0 / 11.0;
  sum = sum * q + 1.0 / 9.0;
  sum = sum * q + 1.0 / 7.0;
  sum = sum * q + 1.0 / 5.0;
  sum = sum * q + 1.0 / 3.0;
  sum = sum * q + 1.0;
  const ln = <f64>(exponent - 53) * 0.6931471805599453 + 2.0 * s * sum;
  const scaled = -ln * 274877906944.0;
  // A result this small would tie with others; it is one in 2^38.
  return scaled >= 1.0 ? <u64>scaled : 1;
}
