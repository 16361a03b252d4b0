// Counters and gauges of limits. A counter is defined when it first counts.

import { proxy_record_metric } from "../../assembly/abi/hostcalls";
import { literal } from "../../assembly/bytes";
import { allocate } from "../../assembly/config/blocks";
import {
  beginName,
  defineCounter,
  defineGauge,
  increment,
  isDefined,
  isUndefined,
  label,
  Metric,
} from "../../assembly/metrics";
import { ByteString } from "../../assembly/set";
import { LimitPlan } from "./plan";

export const ALLOWED: u32 = 0;
export const LIMITED: u32 = 1;
export const SHADOW_LIMITED: u32 = 2;
export const EVICTED: u32 = 3;
export const CONTENDED: u32 = 4;
const REMAINING: u32 = 5;
const COUNTERS: u32 = 6;

const allowed: ByteString = literal("allowed");
const limited: ByteString = literal("limited");
const shadowLimited: ByteString = literal("shadow_limited");

function nameCounter(limit: LimitPlan, which: u32): void {
  const policy = limit.policy.policy;
  if (which === EVICTED) beginName("sluice_rate_limit_evicted_total");
  else if (which === CONTENDED) beginName("sluice_rate_limit_contended_total");
  else if (which === REMAINING) beginName("sluice_rate_limit_remaining");
  else beginName("sluice_rate_limit_decisions_total");
  label("policy", policy.nameStart, limit.policy.labelLength);
  label("limit", limit.limit.nameStart, limit.limit.nameLength);
  if (which === ALLOWED) label("decision", allowed.start, allowed.length);
  else if (which === LIMITED) label("decision", limited.start, limited.length);
  else if (which === SHADOW_LIMITED) label("decision", shadowLimited.start, shadowLimited.length);
}

/**
 * Configure only. Counters of a limit, undefined yet, or those that the limit of the same label had in the plan before:
 * a name is defined at most once while it is configured, and renamed limits leave nothing behind.
 */
export function makeCounters(limit: LimitPlan, before: LimitPlan | null): void {
  const size = COUNTERS * offsetof<Metric>();
  limit.counters = allocate(size);
  if (before !== null) memory.copy(limit.counters, before.counters, size);
}

// @ts-ignore: decorator
@inline
function counterOf(limit: LimitPlan, which: u32): Metric {
  return changetype<Metric>(limit.counters + which * offsetof<Metric>());
}

export function count(limit: LimitPlan, which: u32): void {
  const metric = counterOf(limit, which);
  if (isUndefined(metric)) {
    nameCounter(limit, which);
    defineCounter(metric);
  }
  increment(metric);
}

/** Sets the gauge: units left in the cell, tokens on lease not among them. */
export function recordRemaining(limit: LimitPlan, units: i64): void {
  const gauge = counterOf(limit, REMAINING);
  if (isUndefined(gauge)) {
    nameCounter(limit, REMAINING);
    defineGauge(gauge);
  }
  if (isDefined(gauge)) proxy_record_metric(gauge.id, units);
}
