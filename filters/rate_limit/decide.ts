// The decision on a request: every limit that applies is looked at, and none is charged unless all admit it.

import { anyMatches } from "../../assembly/match/request";
import { nextPolicy } from "../../assembly/attach/lookup";
import { firstHeader, needRequestHeaders } from "../../assembly/request/view";
import { byteSetHas } from "../../assembly/set";
import { isTracing } from "../../assembly/trace";
import { Attempt, ATTEMPT_SIZE, isOnLease, look, refusesLocally, take, undo } from "./attempt";
import { badCost, parseCost } from "./cost";
import { ALLOWED, count, LIMITED, SHADOW_LIMITED } from "./counters";
import { BAD_COST, countFailure, TOO_MANY_LIMITS } from "./failures";
import { RateLimitWhenKeyMissingIs } from "./generated/config";
import { firstPart, hashKey, isKeyIncomplete, readFirstPart } from "./key";
import { noteUse } from "./lease";
import { LimitPlan, limitAt, Plan, policyAt, Rates, ratesAt } from "./plan";
import { countKey } from "./shown";
import { traceLimit } from "./trace";

/** Limits that may apply to one request. */
const MAX_ATTEMPTS: u32 = 64;

const attempts: usize = memory.data(24576, 8);
let attemptCount: u32 = 0;
let overflows: bool = false;
/** The first limit that refuses by what this worker remembers. */
let refusedLocally: Attempt | null = null;

/** Whether a limit needs headers that do not fit the arena: nothing was decided. */
export let isUndecided: bool = false;

/** The limit that has refused; null: the request is admitted. */
export let refusedBy: Attempt | null = null;
/** The limit with the least left, of those that admitted the request and are to be announced; null: none. */
export let tightest: Attempt | null = null;

// @ts-ignore: decorator
@inline
function attemptAt(index: u32): Attempt {
  return changetype<Attempt>(attempts + <usize>index * ATTEMPT_SIZE);
}

/** Decides on the request in view, at `now`. False: it is refused, by refusedBy or by none for want of room. */
export function decide(plan: Plan, now: i64): bool {
  attemptCount = 0;
  overflows = false;
  isUndecided = false;
  refusedLocally = null;
  refusedBy = null;
  tightest = null;
  if (!prepareAll(plan, now)) return false;
  if (overflows) {
    countFailure(TOO_MANY_LIMITS);
    return false;
  }
  const admitted = decideEnforced(plan, now);
  for (let i: u32 = 0; i < attemptCount; i++)
    if (!attemptAt(i).limit.enforce) decideAlone(plan, attemptAt(i), now);
  return admitted;
}

/** False: the decision has fallen, or cannot. Headers are read when the first limit needs them. */
function prepareAll(plan: Plan, now: i64): bool {
  for (let index = nextPolicy(); index >= 0; index = nextPolicy()) {
    const policy = policyAt(plan, index);
    for (let l: u32 = 0; l < policy.limitCount; l++) {
      const limit = limitAt(policy, l);
      if (limit.readsHeaders && !needRequestHeaders()) {
        isUndecided = true;
        return false;
      }
      const a = prepare(limit);
      if (a === null || refusedLocally !== null || !limit.enforce || !refusesLocally(a, now)) continue;
      refusedLocally = a;
      // A flood costs no more than this; limits that only count want to see every request.
      if (!plan.hasShadow) return refuseBy(a);
    }
    if (!policy.policy.inherit) break;
  }
  return true;
}

function decideEnforced(plan: Plan, now: i64): bool {
  const refused = refusedLocally;
  if (refused !== null) return refuseBy(refused);
  for (let i: u32 = 0; i < attemptCount; i++) {
    const a = attemptAt(i);
    if (a.limit.enforce && !isOnLease(a, now) && !look(plan, a, now)) return refuseBy(a);
  }
  for (let i: u32 = 0; i < attemptCount; i++) {
    const a = attemptAt(i);
    if (!a.limit.enforce || take(plan, a, now)) continue;
    while (i > 0) {
      i -= 1;
      if (attemptAt(i).limit.enforce) undo(plan, attemptAt(i));
    }
    return refuseBy(a);
  }
  for (let i: u32 = 0; i < attemptCount; i++) if (attemptAt(i).limit.enforce) admit(attemptAt(i), now);
  return true;
}

function refuseBy(a: Attempt): bool {
  refusedBy = a;
  tell(a, LIMITED);
  if (a.limit.shown !== 0) countKey(a.limit, a.hash);
  return false;
}

function admit(a: Attempt, now: i64): void {
  const bucket = a.bucket;
  if (bucket !== null) noteUse(bucket.lease, now, a.cost);
  tell(a, ALLOWED);
  const other = tightest;
  if (a.limit.enforce && a.limit.policy.isAlways && (other === null || unitsAfter(a) < unitsAfter(other)))
    tightest = a;
}

/** A limit that only counts is charged as if there were no other. */
function decideAlone(plan: Plan, a: Attempt, now: i64): void {
  const admitted = !refusesLocally(a, now) && (isOnLease(a, now) || look(plan, a, now)) && take(plan, a, now);
  if (admitted) admit(a, now);
  else tell(a, SHADOW_LIMITED);
}

function tell(a: Attempt, decision: u32): void {
  count(a.limit, decision);
  if (isTracing) traceLimit(a, decision);
}

/** Whole units left after the decision. */
export function unitsAfter(a: Attempt): i64 {
  const room = a.burst * a.spacing - max(<i64>0, a.tat - a.moment);
  return max(<i64>0, room / a.spacing);
}

/** An attempt on the limit; null: it does not apply. */
function prepare(limit: LimitPlan): Attempt | null {
  if (!anyMatches(limit.limit.matchStart, limit.limit.matchCount)) return null;
  // Two entries of one policy may both apply; their buckets are the same.
  for (let i: u32 = 0; i < attemptCount; i++) if (attemptAt(i).limit.identity === limit.identity) return null;
  if (attemptCount >= MAX_ATTEMPTS) {
    overflows = true;
    return null;
  }
  const a = attemptAt(attemptCount);
  memory.fill(changetype<usize>(a), 0, offsetof<Attempt>());
  const rates = chooseRates(limit);
  a.limit = limit;
  a.rates = rates;
  a.bucket = rates.bucket;
  a.spacing = rates.spacing;
  a.burst = rates.burst;
  if (limit.isKeyed) {
    a.hash = hashKey(limit, rates.salt);
    if (isKeyIncomplete) {
      if (limit.whenKeyMissing === RateLimitWhenKeyMissingIs.skip_) return null;
      a.isDenied = limit.whenKeyMissing === RateLimitWhenKeyMissingIs.deny_;
    }
  }
  a.cost = costOf(limit);
  attemptCount += 1;
  return a;
}

/** The first override that applies, else the limit's own rates. */
function chooseRates(limit: LimitPlan): Rates {
  if (limit.rateCount > 1 && limit.isKeyed) readFirstPart(limit);
  for (let i: u32 = 1; i < limit.rateCount; i++) {
    const rates = ratesAt(limit, i);
    const values = rates.values;
    const applies =
      values !== null
        ? firstPart.start !== 0 && byteSetHas(values, firstPart.start, firstPart.length)
        : anyMatches(rates.matchStart, rates.matchCount);
    if (applies) return rates;
  }
  return ratesAt(limit, 0);
}

function costOf(limit: LimitPlan): i64 {
  const cost = limit.limit.cost;
  if (cost === null) return 1;
  const header = firstHeader(cost.headerStart, cost.headerLength);
  if (header.value === 0) return 1;
  const value = parseCost(header.value, header.valueLength, cost.max);
  if (badCost) countFailure(BAD_COST);
  return value;
}
