// What befalls a request: at most one delay, one abort and one throttle, each of the first fault that hits, from the
// most specific policy to the least. All dice are rolled here, when the headers arrive; a delay only postpones what
// was decided.

import { monotonicNs, wallNs } from "../../assembly/abi/clock";
import { nextPolicy } from "../../assembly/attach/lookup";
import { itemAt } from "../../assembly/config/records";
import { anyMatches } from "../../assembly/match/request";
import { randomU64 } from "../../assembly/random";
import {
  wantedGrpcStatus,
  wantedKib,
  wantedNs,
  wantedShare,
  wantedStatus,
  wantsAbort,
  wantsDelay,
  wantsThrottle,
} from "./control";
import { delayNs } from "./delay";
import { hits, stickyBits, unit } from "./dice";
import { countFailure, TOO_MANY_WATCHED } from "./failures";
import { Fault, FaultHeaderControl } from "./generated/config";
import { AbortPlan, FaultPlan, faultAt, Plan, PolicyPlan } from "./plan";
import { isActive } from "./schedule";
import { clientKey, findKey } from "./sticky";
import { isStopped, Watch } from "./watch";

const MS: u64 = 1_000_000;

/** Numbers of the dice. */
const DELAY_DIE: u64 = 0;
const ABORT_DIE: u64 = 1;
const THROTTLE_DIE: u64 = 2;

export let delayBy: FaultPlan | null = null;
export let heldNs: u64 = 0;
export let abortBy: FaultPlan | null = null;
export let abortStatus: u32 = 0;
export let abortGrpcStatus: u32 = 0;
export let throttleBy: FaultPlan | null = null;
export let throttleKib: u32 = 0;

export const MOST_WATCHES: u32 = 4;
const watches: usize = memory.data(16, 4);
/** Faults with stopWhen that match, whether they hit or not. */
export let watchCount: u32 = 0;

let wallMs: u64 = 0;
let nowNs: u64 = 0;

// @ts-ignore: decorator
@inline
export function watchAt(index: u32): Watch | null {
  return index < watchCount ? changetype<Watch | null>(load<usize>(watches + ((<usize>index) << 2))) : null;
}

/** Decides for the request in view, whose policies beginPolicies has found. */
export function decide(plan: Plan): void {
  delayBy = null;
  abortBy = null;
  throttleBy = null;
  watchCount = 0;
  wallMs = 0;
  nowNs = 0;
  for (let i = nextPolicy(); i >= 0; i = nextPolicy()) {
    const policy = itemAt<PolicyPlan>(plan.policies, i);
    const ends = policy.expiresAtMs;
    if (ends === 0 || wallTime() < ends) tryPolicy(policy);
    if (!policy.inherit) break;
  }
}

function tryPolicy(policy: PolicyPlan): void {
  const control = policy.control;
  if (control !== null) askCaller(policy, control);
  for (let i: u32 = 0; i < policy.faultCount; i++) {
    const fault = faultAt(policy, i);
    const record = fault.fault;
    if (record !== null && isOfUse(fault)) tryFault(fault, record);
  }
}

/** Whether there is anything left that the fault could decide, or see. */
function isOfUse(fault: FaultPlan): bool {
  return (
    (delayBy === null && fault.delay !== null) ||
    (abortBy === null && fault.abort !== null) ||
    (throttleBy === null && fault.throttle !== 0) ||
    fault.watch !== null
  );
}

function tryFault(fault: FaultPlan, record: Fault): void {
  if (!anyMatches(record.matchStart, record.matchCount)) return;
  const watch = fault.watch;
  const schedule = fault.schedule;
  if (schedule !== null && !isActive(schedule, wallTime())) {
    // Time in which the fault is not there says nothing about it.
    if (watch !== null) watch.lookedNs = 0;
    return;
  }
  if (watch !== null && !watched(watch)) return;
  const sticky = record.stickyBy;
  const isSticky = sticky !== null && findKey(sticky, fault.policy.seed);
  const key = isSticky ? clientKey ^ fault.id : 0;
  const share = fault.millionths;
  const delay = fault.delay;
  if (delay !== null && delayBy === null && roll(isSticky, key, DELAY_DIE, share)) {
    delayBy = fault;
    heldNs = delayNs(delay, unit(randomU64()));
  }
  const abort = fault.abort;
  if (abort !== null && abortBy === null && roll(isSticky, key, ABORT_DIE, share))
    setAbort(fault, abort.status, abort.grpcStatus);
  if (fault.throttle !== 0 && throttleBy === null && roll(isSticky, key, THROTTLE_DIE, share)) {
    throttleBy = fault;
    throttleKib = fault.throttle;
  }
}

function roll(isSticky: bool, key: u64, die: u64, millionths: u32): bool {
  if (millionths === 0) return false;
  return hits(isSticky ? stickyBits(key, die) : randomU64(), millionths);
}

/** Keeps the watch for the answer; whether the fault is on. */
function watched(watch: Watch): bool {
  if (watchCount === MOST_WATCHES) countFailure(TOO_MANY_WATCHED);
  else {
    store<usize>(watches + ((<usize>watchCount) << 2), changetype<usize>(watch));
    watchCount += 1;
  }
  return !isStopped(watch, monotonicTime());
}

function askCaller(policy: PolicyPlan, control: FaultHeaderControl): void {
  const fault = policy.controlPlan;
  if (delayBy === null && wantsDelay(control) && hits(randomU64(), wantedShare)) {
    delayBy = fault;
    heldNs = wantedNs;
  }
  if (abortBy === null && wantsAbort(control) && hits(randomU64(), wantedShare))
    setAbort(fault, wantedStatus, <u32>wantedGrpcStatus);
  if (throttleBy === null && wantsThrottle(control) && hits(randomU64(), wantedShare)) {
    throttleBy = fault;
    throttleKib = wantedKib;
  }
}

function setAbort(fault: FaultPlan, status: u32, grpcStatus: u32): void {
  abortBy = fault;
  abortStatus = status;
  abortGrpcStatus = grpcStatus;
}

/** Milliseconds since 1970, read once per request and only where something depends on it. */
function wallTime(): u64 {
  if (wallMs === 0) wallMs = wallNs() / MS;
  return wallMs;
}

/** The monotonic clock, read once per request and only where something depends on it. */
export function monotonicTime(): u64 {
  if (nowNs === 0) nowNs = monotonicNs();
  return nowNs;
}

/** What was decided does not come about. */
export function dropDelay(): void {
  delayBy = null;
}

export function dropAbort(): void {
  abortBy = null;
}

export function dropThrottle(): void {
  throttleBy = null;
}
