// What a worker remembers of refusals, so that a flood is refused without touching anything shared.
//
// A bucket that was seen with TAT x admits a cost c no earlier than x - tolerance + c x spacing, whatever others do,
// because a TAT only grows. Only a give-back or an edit lowers it: so a memory is good for 100 ms at most.
// Keyed limits share a table of 1,024 slots, indexed by the key's hash; a slot holds the newest refusal.

/** How long a refusal is remembered; a bucket that was given something back is looked at again by then. */
export const MEMORY_NS: i64 = 100_000_000;

const SLOTS: u32 = 1024;


@unmanaged
export class Refusal {
  /** The key's hash; 0: empty. For limits without a key any number but 0. */
  hash: u64;
  /** TAT less tolerance. */
  base: i64;
  spacing: i64;
  seen: i64;
}

const table: usize = memory.data(1024 * 32, 8);

/** The slot of a key. */
export function refusalOf(hash: u64): Refusal {
  const slot = (<u32>(hash >> 20)) & (SLOTS - 1);
  return changetype<Refusal>(table + <usize>slot * offsetof<Refusal>());
}

export function remember(refusal: Refusal, hash: u64, base: i64, spacing: i64, now: i64): void {
  refusal.hash = hash;
  refusal.base = base;
  refusal.spacing = spacing;
  refusal.seen = now;
}

export function forget(refusal: Refusal): void {
  refusal.hash = 0;
}

/** Nanoseconds until `cost` can be admitted, by what is remembered; 0: ask the bucket. */
export function remembered(refusal: Refusal, hash: u64, now: i64, cost: i64): i64 {
  if (refusal.hash !== hash || now - refusal.seen >= MEMORY_NS || now < refusal.seen) return 0;
  return max(<i64>0, refusal.base + cost * refusal.spacing - now);
}

/** Forgets everything, at each new configuration. */
export function forgetAll(): void {
  memory.fill(table, 0, 1024 * 32);
}
