// Who is hit: a share in millionths against 64 even bits. Delay and abort roll dice of their own; with
// `stickyBy` the bits come from the client's key, so that the same clients are hit each time.

import { avalanche } from "../../assembly/hash";

/** 100 %. */
export const ALL_MILLIONTHS: u32 = 1_000_000;

/** Whether a share of `millionths` hits; exact to one part in 2^32 of a millionth. */
// @ts-ignore: decorator
@inline
export function hits(bits: u64, millionths: u32): bool {
  return <u32>(((bits >> 32) * <u64>ALL_MILLIONTHS) >> 32) < millionths;
}

/** Bits of the die numbered `die` for a client's key: even, and independent of the other dice. */
// @ts-ignore: decorator
@inline
export function stickyBits(key: u64, die: u64): u64 {
  return avalanche(key ^ avalanche(die + 0x9e3779b97f4a7c15));
}

/** An even number in (0, 1), never 0 nor 1. */
// @ts-ignore: decorator
@inline
export function unit(bits: u64): f64 {
  return (<f64>(bits >> 11) + 0.5) * (1.0 / 9007199254740992.0);
}
