// The pure parts of the rate limit filter as functions of numbers, for models in TypeScript: records are addresses,
// and every copy of a cell or page lies where the model says.

import {
  Cell,
  CELL_SIZE,
  charge,
  giveBack,
  hasRoom,
  initializeCell,
  isCell,
  leaseExpiry,
  leaseSize,
  rewrite,
  settle,
  unitsLeft,
  WINDOW,
} from "../../filters/rate_limit/cell";
import { spacingNs } from "../../filters/rate_limit/gcra";
import {
  extend,
  Lease,
  noteUse,
  payable,
  spend,
  unspend,
  wantedTokens,
} from "../../filters/rate_limit/lease";
import {
  chargeEntry,
  claimEntry,
  Entry,
  entryRoom,
  evicted,
  findEntry,
  giveBackEntry,
  initializePage,
  Page,
  PAGE_SIZE,
  pageIndex,
  rewriteEntry,
  splitPage,
} from "../../filters/rate_limit/page";
import { Refusal, remember, remembered } from "../../filters/rate_limit/refusals";

export const cellSize: u32 = CELL_SIZE;
export const pageSize: u32 = PAGE_SIZE;
export const windowNs: i64 = WINDOW;

export function spacing(requests: i64, perNs: i64): i64 {
  return spacingNs(requests, perNs);
}

export function newCell(at: usize, clock: i64, step: i64, burst: i64): void {
  initializeCell(changetype<Cell>(at), 7, clock, step, burst);
}

/** Settles the copy; the moment of the decision on what the lease does not pay, or -1 where there is no room. */
export function lookAtCell(at: usize, now: i64, clock: i64, cost: i64, lease: usize, refusal: usize): i64 {
  if (!isCell(at, CELL_SIZE, 7)) unreachable();
  const cell = changetype<Cell>(at);
  let moment = settle(cell, now);
  let rest = cost - payable(changetype<Lease>(lease), moment, cost);
  if (!hasRoom(cell, moment, rest)) {
    moment = settle(cell, clock);
    rest = cost - payable(changetype<Lease>(lease), moment, cost);
  }
  if (hasRoom(cell, moment, rest)) return moment;
  if (cost <= cell.burst)
    remember(changetype<Refusal>(refusal), 1, cell.tat - cell.burst * cell.spacing, cell.spacing, moment);
  return -1;
}

/** Charges the copy with what the lease does not pay; tokens leased beside. */
export function chargeCell(at: usize, moment: i64, cost: i64, lease: usize): i64 {
  const cell = changetype<Cell>(at);
  const l = changetype<Lease>(lease);
  const spent = payable(l, moment, cost);
  const left = moment < l.until ? l.left - spent : 0;
  const tokens = leaseSize(cell, moment, cost - spent, wantedTokens(l, moment) - left);
  charge(cell, cost - spent, tokens);
  return tokens;
}

export function extendLease(lease: usize, at: usize, tokens: i64): void {
  extend(changetype<Lease>(lease), tokens, leaseExpiry(changetype<Cell>(at)));
}

export function payableBy(lease: usize, now: i64, cost: i64): i64 {
  return payable(changetype<Lease>(lease), now, cost);
}

export function spendLease(lease: usize, tokens: i64): i64 {
  spend(changetype<Lease>(lease), tokens);
  return changetype<Lease>(lease).until;
}

export function unspendLease(lease: usize, until: i64, cost: i64): void {
  unspend(changetype<Lease>(lease), until, cost);
}

export function noteLeaseUse(lease: usize, now: i64, cost: i64): void {
  noteUse(changetype<Lease>(lease), now, cost);
}

export function isRemembered(refusal: usize, now: i64, cost: i64): bool {
  return remembered(changetype<Refusal>(refusal), 1, now, cost) > 0;
}

export function generationOf(at: usize): u32 {
  return changetype<Cell>(at).generation;
}

export function tokensIn(at: usize, now: i64): i64 {
  return unitsLeft(changetype<Cell>(at), settle(changetype<Cell>(at), now));
}

export function leasedOf(at: usize): i64 {
  return changetype<Cell>(at).leasedNow + changetype<Cell>(at).leasedBefore;
}

export function giveBackToCell(at: usize, clock: i64, moment: i64, cost: i64, generation: u32): void {
  giveBack(changetype<Cell>(at), clock, moment, cost, generation);
}

export function rewriteCell(at: usize, clock: i64, step: i64, burst: i64): void {
  rewrite(changetype<Cell>(at), clock, step, burst);
}

export function newPage(at: usize, level: u32): void {
  initializePage(changetype<Page>(at), level);
}

export function levelOf(at: usize): u32 {
  return changetype<Page>(at).level;
}

export function indexOf(hash: u64, level: u32): u32 {
  return pageIndex(hash, level);
}

let entry: Entry | null = null;

/** The moment of the decision; -1: no room in the bucket, -2: no room on the page. Converts other rates if `newest`. */
export function lookAtPage(
  at: usize,
  hash: u64,
  now: i64,
  clock: i64,
  cost: i64,
  spacingNs: i64,
  burst: i64,
  mayEvict: bool,
  newest: bool,
): i64 {
  const page = changetype<Page>(at);
  let moment = max(now, page.horizon);
  entry = findEntry(page, hash);
  let e = entry;
  if (e === null) {
    e = claimEntry(page, hash, moment, spacingNs, burst, mayEvict);
    if (e === null) return -2;
    moment = max(now, page.horizon);
  } else if (e.spacing !== spacingNs || e.burst !== burst) {
    if (e.tat <= moment) e.setRates(spacingNs, burst);
    else if (newest) {
      rewriteEntry(page, e, clock, spacingNs, burst);
      moment = max(now, page.horizon);
    }
  }
  entry = e;
  return cost <= e.burst && cost * e.spacing <= entryRoom(e, moment) ? moment : -1;
}

export function chargePage(moment: i64, cost: i64): void {
  const e = entry;
  if (e !== null) chargeEntry(e, moment, cost);
}

export function hasEvicted(): bool {
  return evicted;
}

export function hasKey(at: usize, hash: u64): bool {
  return findEntry(changetype<Page>(at), hash) !== null;
}

export function giveBackToPage(at: usize, hash: u64, clock: i64, moment: i64, cost: i64): void {
  giveBackEntry(changetype<Page>(at), hash, clock, moment, cost);
}

export function split(lower: usize, upper: usize): void {
  splitPage(changetype<Page>(lower), changetype<Page>(upper));
}
