// Counters and gauges of limits. A counter is defined when it first counts.

import { scratch } from "../../assembly/abi/arena";
import { GAUGE, OK, proxy_define_metric, proxy_record_metric } from "../../assembly/abi/hostcalls";
import { literal, writeBytes } from "../../assembly/bytes";
import {
  beginName,
  defineCounter,
  findMetric,
  increment,
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
export const COUNTERS: u32 = 5;

const GAUGE_NAME: ByteString = literal("sluice_rate_limit_remaining\x1fpolicy=");
const LIMIT_LABEL: ByteString = literal("\x1flimit=");

function nameCounter(limit: LimitPlan, which: u32): void {
  const policy = limit.policy.policy;
  if (which === EVICTED) beginName("sluice_rate_limit_evicted_total");
  else if (which === CONTENDED) beginName("sluice_rate_limit_contended_total");
  else beginName("sluice_rate_limit_decisions_total");
  label("policy", policy.nameStart, limit.policy.labelLength);
  label("limit", limit.limit.nameStart, limit.limit.nameLength);
  if (which === ALLOWED) label("decision", allowed.start, allowed.length);
  else if (which === LIMITED) label("decision", limited.start, limited.length);
  else if (which === SHADOW_LIMITED) label("decision", shadowLimited.start, shadowLimited.length);
}

const allowed: ByteString = literal("allowed");
const limited: ByteString = literal("limited");
const shadowLimited: ByteString = literal("shadow_limited");

/** Configure only. Finds the limit's counters, and the gauge of one without a key. */
export function findCounters(limit: LimitPlan): void {
  for (let which: u32 = 0; which < COUNTERS; which++) {
    nameCounter(limit, which);
    store<usize>(limit.counters + ((<usize>which) << 2), changetype<usize>(findMetric()));
  }
  beginName("sluice_rate_limit_remaining");
  label("policy", limit.policy.policy.nameStart, limit.policy.labelLength);
  label("limit", limit.limit.nameStart, limit.limit.nameLength);
  limit.remaining = findMetric();
}

export function count(limit: LimitPlan, which: u32): void {
  const metric = changetype<Metric>(load<usize>(limit.counters + ((<usize>which) << 2)));
  if (isUndefined(metric)) {
    nameCounter(limit, which);
    defineCounter(metric);
  }
  increment(metric);
}

/** Sets the gauge: units left in the cell, tokens on lease not among them. */
export function recordRemaining(limit: LimitPlan, units: i64): void {
  const gauge = limit.remaining;
  if (isUndefined(gauge) && !defineGauge(limit, gauge)) return;
  proxy_record_metric(gauge.id, units);
}

function defineGauge(limit: LimitPlan, gauge: Metric): bool {
  const policy = limit.policy.policy;
  const size = GAUGE_NAME.length + limit.policy.labelLength + LIMIT_LABEL.length + limit.limit.nameLength;
  const name = scratch(size);
  if (name === 0) return false;
  let at = writeBytes(name, GAUGE_NAME.start, GAUGE_NAME.length);
  at = writeBytes(at, policy.nameStart, limit.policy.labelLength);
  at = writeBytes(at, LIMIT_LABEL.start, LIMIT_LABEL.length);
  writeBytes(at, limit.limit.nameStart, limit.limit.nameLength);
  // An id is 0 only here: a gauge that cannot be defined is tried again, which costs little and harms nothing.
  const id = changetype<usize>(gauge) + offsetof<Metric>("id");
  if (proxy_define_metric(GAUGE, name, size, id) !== OK) return false;
  gauge.state = 1;
  return true;
}
