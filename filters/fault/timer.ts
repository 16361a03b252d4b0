// Ticks: on while a stream waits, or counts as active over all workers; off otherwise, and so always off on the
// main thread, which has no streams. A root context ticks in its own time; every tick wakes all streams of this
// VM that are due, whichever configuration they belong to.

import {
  OK,
  proxy_set_effective_context,
  proxy_set_tick_period_milliseconds,
} from "../../assembly/abi/hostcalls";
import { monotonicNs } from "../../assembly/abi/clock";
import { continueRequest } from "../../assembly/abi/phase";
import { beatActive, isAnyActive } from "./active";
import { sendAbort } from "./answer";
import { endWaiting, Held, removeHeld } from "./held";
import { Plan } from "./plan";
import { enterWheel, msUntilNext, takeDue, Waiting, waitingCount } from "./wheel";

const MS: u64 = 1_000_000;
/** While streams wait: how far the wheel is looked ahead. */
const LONGEST_MS: u32 = 100;
/** While none waits and some are active. */
const BEAT_MS: u32 = 500;

/**
 * Streams woken by one tick. The host lets them go after the callback, one inside the other where a stream is
 * answered at once, as by a direct response or an abort: hundreds of them exceed its stack, which kills the VM.
 */
const MOST_WOKEN: u32 = 32;
/** Whether the last tick has left streams that were due. */
let isBehind: bool = false;

/** Plans whose root context ticks. */
let firstTicking: Plan | null = null;

/** The stream waits until its `dueNs`. */
export function beginWaiting(held: Held, plan: Plan, nowNs: u64): void {
  enterWheel(changetype<Waiting>(changetype<usize>(held)), nowNs);
  tickBy(plan, held.id, held.dueNs, nowNs);
}

/** The stream is active though it does not wait: its count needs a heartbeat. */
export function beginBeating(held: Held, plan: Plan, nowNs: u64): void {
  tickBy(plan, held.id, nowNs + <u64>BEAT_MS * MS, nowNs);
}

/** The plan's root context ticks at `dueNs` or before. A running timer is only ever moved forward. */
function tickBy(plan: Plan, stream: u32, dueNs: u64, nowNs: u64): void {
  if (plan.isTicking && plan.tickNs <= dueNs) return;
  const wanted = dueNs > nowNs ? (dueNs - nowNs + MS - 1) / MS : 1;
  const period = <u32>max<u64>(1, min<u64>(wanted, LONGEST_MS));
  if (plan.isTicking && plan.tickNs <= nowNs + <u64>period * MS) return;
  if (proxy_set_effective_context(plan.root) !== OK) return;
  setPeriod(plan, period, nowNs);
  proxy_set_effective_context(stream);
  if (plan.isTicking) return;
  plan.isTicking = true;
  plan.nextTicking = firstTicking;
  firstTicking = plan;
}

function setPeriod(plan: Plan, period: u32, nowNs: u64): void {
  plan.periodMs = period;
  plan.tickNs = nowNs + <u64>period * MS;
  proxy_set_tick_period_milliseconds(period);
}

/** A tick of a root context. */
export function tick(root: u32): void {
  const now = monotonicNs();
  wakeDue(root, now);
  beatActive(now);
  const plan = tickingPlan(root);
  const after = monotonicNs();
  const period: u32 = isBehind ? 1 : waitingCount > 0 ? msUntilNext(after, LONGEST_MS) : BEAT_MS;
  if (plan === null || (waitingCount === 0 && !isAnyActive())) {
    proxy_set_tick_period_milliseconds(0);
    if (plan !== null) stopTicking(plan);
  } else if (period !== plan.periodMs) setPeriod(plan, period, after);
  else plan.tickNs = after + <u64>period * MS;
}

/**
 * Configure only. The new root context takes over the ticks, since the one that it replaces may go at any time: a
 * root context whose plan is in the list no more switches its ticks off by itself.
 */
export function takeOverTicks(plan: Plan): void {
  let other = firstTicking;
  while (other !== null) {
    other.isTicking = false;
    other = other.nextTicking;
  }
  firstTicking = null;
  if (waitingCount === 0 && !isAnyActive()) return;
  setPeriod(plan, 1, monotonicNs());
  plan.isTicking = true;
  firstTicking = plan;
}

function wakeDue(root: u32, nowNs: u64): void {
  isBehind = false;
  let woken: u32 = 0;
  for (; woken < MOST_WOKEN; woken++) {
    const due = takeDue(nowNs);
    if (due === null) break;
    wake(changetype<Held>(changetype<usize>(due)));
  }
  if (woken === 0) return;
  isBehind = woken === MOST_WOKEN && waitingCount > 0;
  proxy_set_effective_context(root);
}

function wake(held: Held): void {
  endWaiting(held);
  // Anything but OK: the stream is gone, and may not be acted upon.
  if (proxy_set_effective_context(held.id) !== OK) {
    removeHeld(held);
    return;
  }
  if (held.abort === null) continueRequest();
  else sendAbort(held);
}

function tickingPlan(root: u32): Plan | null {
  let plan = firstTicking;
  while (plan !== null && plan.root !== root) plan = plan.nextTicking;
  return plan;
}

function stopTicking(plan: Plan): void {
  plan.isTicking = false;
  if (firstTicking === plan) {
    firstTicking = plan.nextTicking;
    return;
  }
  let before = firstTicking;
  while (before !== null) {
    if (before.nextTicking === plan) {
      before.nextTicking = plan.nextTicking;
      return;
    }
    before = before.nextTicking;
  }
}
