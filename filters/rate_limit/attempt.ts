// One limit on one request: look at its bucket, charge it, give back.
//
// A bucket without a key is a cell, charged ahead by leases; one with a key is an entry on a page. Looking changes
// only a copy; charging writes the copy by compare-and-set, and looks again where another worker was faster.

import { monotonicNs } from "../../assembly/abi/clock";
import {
  Cell,
  CELL_SIZE,
  charge,
  giveBack,
  hasRoom,
  isCell,
  leaseExpiry,
  leaseSize,
  settle,
  unitsLeft,
} from "./cell";
import { CONTENDED, count, EVICTED, recordRemaining } from "./counters";
import { BAD_CELL, COST_ABOVE_BURST, countFailure, NO_ROOM_FOR_KEY } from "./failures";
import { extend, payable, spend, unspend, wantedTokens } from "./lease";
import { isNewest } from "./marker";
import {
  chargeEntry,
  claimEntry,
  Entry,
  entryRoom,
  evicted,
  findEntry,
  giveBackEntry,
  isPage,
  nextFree,
  Page,
  PAGE_SIZE,
  pageIndex,
  rewriteEntry,
} from "./page";
import { Bucket, LimitPlan, Plan, Rates } from "./plan";
import { MAX_LEVEL } from "./pool";
import { refusalOf, remember, remembered } from "./refusals";
import { CELL, PAGE, readShared, replaceShared, sharedCas, sharedSize } from "./shared";

/** After so many lost races a request is refused and counted. */
export const MAX_TRIES: i32 = 256;


@unmanaged
export class Attempt {
  limit: LimitPlan;
  rates: Rates;
  bucket: Bucket | null;
  cost: i64;
  /** Of the key. */
  hash: u64;
  /** Whether the limit refuses whatever its bucket says: a key is missing. */
  isDenied: bool;
  /** What has been charged: tokens of the lease, and units of the cell or page. */
  spent: i64;
  charged: i64;
  /** The bucket's rates, which may be newer than the plan's, and its TAT after the decision. */
  spacing: i64;
  burst: i64;
  tat: i64;
  /** The moment of the decision. */
  moment: i64;
  /** Of a refusal: nanoseconds until the cost can be admitted; 0: unknown or never. */
  waitNs: i64;
  leaseUntil: i64;
  generation: u32;
  cas: u32;
  page: u32;
  entry: Entry | null;
  evicts: bool;
  /** The copy: a cell or a page. */
  copy0: u64;
}

/** Size of a record with its copy. */
export const ATTEMPT_SIZE: usize = 384;

// @ts-ignore: decorator
@inline
function copyOf(a: Attempt): usize {
  return changetype<usize>(a) + offsetof<Attempt>("copy0");
}

/** Whether what this worker knows is enough to refuse; nothing shared is touched. */
export function refusesLocally(a: Attempt, now: i64): bool {
  if (a.isDenied) return true;
  const bucket = a.bucket;
  if (bucket !== null) {
    const rest = a.cost - payable(bucket.lease, now, a.cost);
    a.waitNs = rest === 0 ? 0 : remembered(bucket.refusal, 1, now, rest);
    if (a.waitNs === 0) return false;
    noteSeen(a, bucket.spacing, bucket.burst, bucket.refusal.base + bucket.burst * bucket.spacing, now);
    return true;
  }
  const refusal = refusalOf(a.hash);
  a.waitNs = remembered(refusal, a.hash, now, a.cost);
  if (a.waitNs === 0) return false;
  noteSeen(a, refusal.spacing, a.rates.burst, refusal.base + a.rates.burst * refusal.spacing, now);
  return true;
}

/** Whether the lease pays for all, so that nothing shared need be read. */
export function isOnLease(a: Attempt, now: i64): bool {
  const bucket = a.bucket;
  return bucket !== null && payable(bucket.lease, now, a.cost) === a.cost;
}

/** Reads the bucket; whether it admits the request. */
export function look(plan: Plan, a: Attempt, now: i64): bool {
  const bucket = a.bucket;
  return bucket !== null ? lookAtCell(a, bucket, now) : lookAtPage(plan, a, now);
}

/** Charges what look has admitted, or the lease. False: not admitted any longer; nothing is charged then. */
export function take(plan: Plan, a: Attempt, now: i64): bool {
  const bucket = a.bucket;
  if (bucket !== null && isOnLease(a, now)) {
    spendLease(a, bucket, a.cost);
    noteSeen(a, bucket.spacing, bucket.burst, bucket.seenTat - bucket.lease.left * bucket.spacing, now);
    return true;
  }
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    if (bucket !== null ? writeCell(a, bucket) : writePage(a)) return true;
    // A worker that lost the race has waited: its moment is now.
    now = <i64>monotonicNs();
    if (!look(plan, a, now)) return false;
  }
  count(a.limit, CONTENDED);
  a.waitNs = 1;
  return false;
}

function spendLease(a: Attempt, bucket: Bucket, tokens: i64): void {
  spend(bucket.lease, tokens);
  a.spent = tokens;
  a.leaseUntil = bucket.lease.until;
}

/** Gives back what take has charged, for a request that another limit refuses. */
export function undo(plan: Plan, a: Attempt): void {
  const bucket = a.bucket;
  if (bucket !== null && a.spent > 0) unspend(bucket.lease, a.leaseUntil, a.spent);
  if (a.charged > 0)
    for (let tries = 0; tries < MAX_TRIES; tries++)
      if (bucket !== null ? giveBackToCell(a, bucket) : giveBackToPage(plan, a)) break;
  a.spent = 0;
  a.charged = 0;
}

function noteSeen(a: Attempt, spacing: i64, burst: i64, tat: i64, moment: i64): void {
  a.spacing = spacing;
  a.burst = burst;
  a.tat = tat;
  a.moment = moment;
}

/** A cost that the bucket can never hold. */
function refuseCost(a: Attempt): bool {
  countFailure(COST_ABOVE_BURST);
  a.waitNs = 0;
  return false;
}

function lookAtCell(a: Attempt, bucket: Bucket, now: i64): bool {
  a.waitNs = 0;
  const copy = copyOf(a);
  const known = bucket.slot >= 0 && readShared(CELL, bucket.slot, copy, CELL_SIZE);
  if (!known || !isCell(copy, sharedSize, bucket.identity)) {
    noteSeen(a, bucket.spacing, bucket.burst, now + bucket.burst * bucket.spacing, now);
    countFailure(BAD_CELL);
    return false;
  }
  a.cas = sharedCas;
  const cell = changetype<Cell>(copy);
  a.generation = cell.generation;
  let moment = settle(cell, now);
  let rest = a.cost - payable(bucket.lease, moment, a.cost);
  if (rest <= cell.burst && !hasRoom(cell, moment, rest)) {
    // Others may have decided since `now` was read; by a clock read after the cell a refusal is final.
    moment = settle(cell, <i64>monotonicNs());
    rest = a.cost - payable(bucket.lease, moment, a.cost);
  }
  noteSeen(a, cell.spacing, cell.burst, cell.tat, moment);
  bucket.spacing = cell.spacing;
  bucket.burst = cell.burst;
  bucket.seenTat = cell.tat;
  if (a.cost > cell.burst) return refuseCost(a);
  if (hasRoom(cell, moment, rest)) return true;
  const base = cell.tat - cell.burst * cell.spacing;
  a.waitNs = base + rest * cell.spacing - moment;
  remember(bucket.refusal, 1, base, cell.spacing, moment);
  return false;
}

/** Pays with what is left of the lease, charges the cell for the rest, and leases anew. */
function writeCell(a: Attempt, bucket: Bucket): bool {
  const cell = changetype<Cell>(copyOf(a));
  const lease = bucket.lease;
  const moment = a.moment;
  const spent = payable(lease, moment, a.cost);
  const rest = a.cost - spent;
  const left = moment < lease.until ? lease.left - spent : 0;
  const tokens = leaseSize(cell, moment, rest, wantedTokens(lease, moment) - left);
  charge(cell, rest, tokens);
  if (!replaceShared(CELL, bucket.slot, changetype<usize>(cell), CELL_SIZE, a.cas)) return false;
  spendLease(a, bucket, spent);
  a.charged = rest;
  extend(lease, tokens, leaseExpiry(cell));
  bucket.seenTat = cell.tat;
  a.tat = cell.tat - tokens * cell.spacing;
  recordRemaining(a.limit, unitsLeft(cell, a.moment));
  return true;
}

function giveBackToCell(a: Attempt, bucket: Bucket): bool {
  const copy = copyOf(a);
  if (!readShared(CELL, bucket.slot, copy, CELL_SIZE) || !isCell(copy, sharedSize, bucket.identity))
    return true;
  const cas = sharedCas;
  // After the cell: no charge in it has a later moment.
  giveBack(changetype<Cell>(copy), <i64>monotonicNs(), a.moment, a.charged, a.generation);
  return replaceShared(CELL, bucket.slot, copy, CELL_SIZE, cas);
}

/** Reads the page of the key into the copy, however often the pool has doubled since it was last seen. */
function readPage(plan: Plan, a: Attempt): bool {
  const copy = copyOf(a);
  while (plan.level >= 0) {
    a.page = pageIndex(a.hash, plan.level);
    if (!readShared(PAGE, a.page, copy, PAGE_SIZE) || !isPage(copy, sharedSize)) return false;
    a.cas = sharedCas;
    const level = <i32>changetype<Page>(copy).level;
    if (level <= plan.level) return true;
    if (level > MAX_LEVEL) return false;
    plan.level = level;
  }
  return false;
}

function lookAtPage(plan: Plan, a: Attempt, now: i64): bool {
  const rates = a.rates;
  a.waitNs = 0;
  a.evicts = false;
  noteSeen(a, rates.spacing, rates.burst, now, now);
  if (!readPage(plan, a)) {
    countFailure(BAD_CELL);
    return false;
  }
  const page = changetype<Page>(copyOf(a));
  let moment = max(now, page.horizon);
  let entry = findEntry(page, a.hash);
  if (entry === null) {
    if (a.cost > rates.burst) return refuseCost(a);
    entry = claimEntry(page, a.hash, moment, rates.spacing, rates.burst, a.limit.mayEvict);
    if (entry === null) {
      countFailure(NO_ROOM_FOR_KEY);
      a.waitNs = nextFree(page) - moment;
      return false;
    }
    a.evicts = evicted;
    moment = max(now, page.horizon);
  } else if (entry.spacing !== rates.spacing || entry.burst !== rates.burst) {
    // A full bucket has no used share to keep. Otherwise the newest configuration decides.
    if (entry.tat <= moment) entry.setRates(rates.spacing, rates.burst);
    else if (isNewest(plan.owner, plan.version)) {
      rewriteEntry(page, entry, <i64>monotonicNs(), rates.spacing, rates.burst);
      moment = max(now, page.horizon);
    }
  }
  a.entry = entry;
  if (a.cost <= entry.burst && a.cost * entry.spacing > entryRoom(entry, moment))
    moment = max(<i64>monotonicNs(), page.horizon);
  const tat = max(entry.tat, moment);
  noteSeen(a, entry.spacing, entry.burst, tat, moment);
  if (a.cost > entry.burst) return refuseCost(a);
  if (a.cost * entry.spacing <= entryRoom(entry, moment)) return true;
  const base = tat - entry.burst * entry.spacing;
  a.waitNs = base + a.cost * entry.spacing - moment;
  remember(refusalOf(a.hash), a.hash, base, entry.spacing, now);
  return false;
}

function writePage(a: Attempt): bool {
  const entry = a.entry;
  if (entry === null) return false;
  chargeEntry(entry, a.moment, a.cost);
  if (!replaceShared(PAGE, a.page, copyOf(a), PAGE_SIZE, a.cas)) return false;
  a.charged = a.cost;
  a.tat = entry.tat;
  if (a.evicts) count(a.limit, EVICTED);
  return true;
}

function giveBackToPage(plan: Plan, a: Attempt): bool {
  if (!readPage(plan, a)) return true;
  const copy = copyOf(a);
  giveBackEntry(changetype<Page>(copy), a.hash, <i64>monotonicNs(), a.moment, a.charged);
  return replaceShared(PAGE, a.page, copy, PAGE_SIZE, a.cas);
}
