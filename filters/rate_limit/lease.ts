// A worker's lease: tokens taken ahead from a cell, spent without touching anything shared.
//
// A worker asks for no more than it has used in a window, so what it strands when its traffic stops is what it
// would have used in 50 ms. Tokens that are left when the lease expires are lost.

import { WINDOW } from "./cell";


@unmanaged
export class Lease {
  left: i64;
  /** From this moment on the tokens are void. */
  until: i64;
  window: i64;
  usedNow: i64;
  usedBefore: i64;
}

/** How many of `cost` units the lease can pay at `now`; the rest is charged to the cell. */
export function payable(lease: Lease, now: i64, cost: i64): i64 {
  return now < lease.until ? min(lease.left, cost) : 0;
}

/** Spends tokens that payable has found. */
export function spend(lease: Lease, tokens: i64): void {
  lease.left -= tokens;
}

/** Puts back tokens of a request that was refused elsewhere; void if their lease has been replaced. */
export function unspend(lease: Lease, until: i64, tokens: i64): void {
  if (lease.until === until) lease.left += tokens;
}

/** Adds what was leased. Tokens of an older lease keep their own expiry, so they are dropped. */
export function extend(lease: Lease, tokens: i64, until: i64): void {
  if (tokens === 0) return;
  lease.left = lease.until === until ? lease.left + tokens : tokens;
  lease.until = until;
}

/** Notes units that a request used, from the lease or from the cell. */
export function noteUse(lease: Lease, now: i64, cost: i64): void {
  roll(lease, now);
  lease.usedNow += cost;
}

/** What this worker uses in a window: the greater of the last one and of the present one so far. */
export function wantedTokens(lease: Lease, now: i64): i64 {
  roll(lease, now);
  return max(lease.usedNow, lease.usedBefore);
}

function roll(lease: Lease, now: i64): void {
  const window = now / WINDOW;
  if (window === lease.window) return;
  lease.usedBefore = window === lease.window + 1 ? lease.usedNow : 0;
  lease.usedNow = 0;
  lease.window = window;
}
