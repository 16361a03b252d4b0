// Carries a decision out, as far as maxActive and the table of streams allow: what has no place passes and is
// counted as overflow.

import { scratch } from "../../assembly/abi/arena";
import {
  CONTINUE,
  proxy_replace_header_map_value,
  REQUEST_HEADERS,
  STOP_ITERATION,
} from "../../assembly/abi/hostcalls";
import { Generation } from "../../assembly/attach/plugins";
import { writeDecimal } from "../../assembly/bytes";
import { isTracing } from "../../assembly/trace";
import { isFull, takeActive } from "./active";
import { answer } from "./answer";
import { removeControls, THROUGHPUT } from "./control";
import { count, DELAY, enterActive, OVERFLOW, THROTTLE } from "./counters";
import {
  abortBy,
  abortGrpcStatus,
  abortStatus,
  decide,
  delayBy,
  dropAbort,
  dropDelay,
  dropThrottle,
  heldNs,
  monotonicTime,
  throttleBy,
  throttleKib,
  watchAt,
  watchCount,
} from "./decide";
import { ARENA_FULL, countFailure, STREAMS_FULL } from "./failures";
import { addHeld, Held, removeHeld } from "./held";
import { FaultPlan, Plan } from "./plan";
import { beginBeating, beginWaiting } from "./timer";
import { traceFaults } from "./trace";

/** Tells requests apart for the policies, each of which is asked for room once. */
let request: u32 = 0;

/** Lets befall the request in view what is decided; what the request headers callback returns. */
export function injectFaults(stream: u32, plan: Plan, generation: Generation): u32 {
  removeControls();
  if (plan.isDisabled) return CONTINUE;
  decide(plan);
  const action = inject(stream, plan, generation);
  if (isTracing) traceFaults(plan);
  return action;
}

function inject(stream: u32, plan: Plan, generation: Generation): u32 {
  request += 1;
  const held = remember(stream, generation);
  admitAll(held);
  const throttle = throttleBy;
  if (throttle !== null && held !== null) slowDown(held, throttle, plan);
  const delay = delayBy;
  if (delay !== null && held !== null) {
    hold(held, delay, plan);
    return STOP_ITERATION;
  }
  if (held !== null && throttle === null && watchCount === 0) removeHeld(held);
  const abort = abortBy;
  if (abort === null) return CONTINUE;
  const ready = abort.abort;
  if (ready === null) return CONTINUE;
  if (held !== null) held.isAnswered = true;
  answer(abort, ready, abortStatus, abortGrpcStatus);
  return STOP_ITERATION;
}

/** A record for what lasts longer than this callback; null: nothing does, or there is no room. */
function remember(stream: u32, generation: Generation): Held | null {
  if (delayBy === null && throttleBy === null && watchCount === 0) return null;
  const held = addHeld(stream, generation);
  if (held === null) {
    countFailure(STREAMS_FULL);
    refuse(delayBy);
    refuse(throttleBy);
    dropDelay();
    dropThrottle();
    return null;
  }
  held.watch0 = watchAt(0);
  held.watch1 = watchAt(1);
  held.watch2 = watchAt(2);
  held.watch3 = watchAt(3);
  return held;
}

function refuse(fault: FaultPlan | null): void {
  if (fault !== null) count(fault, OVERFLOW);
}

/** Drops what its policy has no room for. An answer of ours is not worth throttling. */
function admitAll(held: Held | null): void {
  const delay = delayBy;
  if (delay !== null && !admit(delay, true)) {
    count(delay, OVERFLOW);
    dropDelay();
  }
  const abort = abortBy;
  if (abort !== null && !admit(abort, false)) {
    if (abort !== delay) count(abort, OVERFLOW);
    dropAbort();
  }
  if (abortBy !== null) dropThrottle();
  const throttle = throttleBy;
  if (throttle === null || admit(throttle, true)) return;
  count(throttle, OVERFLOW);
  dropThrottle();
}

/** Whether the fault's policy has room for this request; `takes`: it then has one less. */
function admit(fault: FaultPlan, takes: bool): bool {
  const policy = fault.policy;
  const active = policy.active;
  if (active === null) return true;
  if (policy.askedBy === request) return policy.isAdmitted;
  policy.askedBy = request;
  policy.isAdmitted = takes
    ? takeActive(active, policy.maxActive, monotonicTime())
    : !isFull(active, policy.maxActive, monotonicTime());
  return policy.isAdmitted;
}

function hold(held: Held, fault: FaultPlan, plan: Plan): void {
  count(fault, DELAY);
  const policy = fault.policy;
  const throttle = throttleBy;
  // One policy that delays and throttles counts the request once, until its end.
  if (throttle === null || throttle.policy !== policy) {
    enterActive(policy);
    held.waitingGauge = policy.gauge;
    held.waitingActive = policy.active;
  }
  if (policy.showsHeader) {
    if (held.shown !== null && held.shown !== fault) held.shownToo = held.shown;
    held.shown = fault;
  }
  const abort = abortBy;
  if (abort !== null) {
    held.abortBy = abort;
    held.abort = abort.abort;
    held.abortStatus = abortStatus;
    held.abortGrpcStatus = abortGrpcStatus;
  }
  const now = monotonicTime();
  held.dueNs = now + heldNs;
  beginWaiting(held, plan, now);
}

/** Asks Envoy's own fault filter, which stands after this one, to throttle the response. */
function slowDown(held: Held, fault: FaultPlan, plan: Plan): void {
  const policy = fault.policy;
  enterActive(policy);
  held.throttledGauge = policy.gauge;
  held.throttledActive = policy.active;
  if (policy.showsHeader) held.shown = fault;
  if (policy.active !== null) beginBeating(held, plan, monotonicTime());
  const digits = scratch(20);
  if (digits === 0) {
    countFailure(ARENA_FULL);
    return;
  }
  count(fault, THROTTLE);
  const end = writeDecimal(digits, throttleKib);
  proxy_replace_header_map_value(
    REQUEST_HEADERS,
    THROUGHPUT.start,
    THROUGHPUT.length,
    digits,
    <u32>(end - digits),
  );
}
