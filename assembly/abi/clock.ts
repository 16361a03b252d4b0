// Time and chance from the host. The monotonic clock is one for all workers and never steps; the wall clock is
// for dates only.

import { clock_time_get, random_get } from "./hostcalls";

const cell: usize = memory.data(8, 8);

/** Nanoseconds of the monotonic clock. */
export function monotonicNs(): u64 {
  clock_time_get(1, 0, cell);
  return load<u64>(cell);
}

/** Nanoseconds since 1970; may step. */
export function wallNs(): u64 {
  clock_time_get(0, 0, cell);
  return load<u64>(cell);
}

/** 64 bits that cannot be guessed. */
export function secretU64(): u64 {
  random_get(cell, 8);
  return load<u64>(cell);
}
