// stopWhen: a fault that switches itself off when too many of upstream's answers are errors, or too few requests
// come. The numbers are counters of the whole process; each worker compares them with those of its last look, at
// most once a second and only when a request comes. Who sees a bound crossed writes into a cell until when the
// fault is off. Answers that the filter gives by itself are no answers of upstream's.
//
//   the cell:  0 magic u32 | 4 layout u32 | 8 until i64 (monotonic ns)

import { OK, proxy_get_metric } from "../../assembly/abi/hostcalls";
import {
  beginName,
  defineCounter,
  findMetric,
  increment,
  isDefined,
  isUndefined,
  label,
  Metric,
} from "../../assembly/metrics";
import { FaultPlan } from "./plan";
import { readShared, WATCH, writeShared } from "./shared";

/** A fault's bounds, and what this worker saw of them at its last look. */
@unmanaged
export class Watch {
  fault: FaultPlan;
  identity: u64;
  requests: Metric;
  answers: Metric;
  errors: Metric;
  /** Share of errors in millionths; above 1,000,000: no bound. */
  errorMillionths: u32;
  /** Requests in `perNs`; 0: no bound. */
  least: u32;
  perNs: u64;
  coolDownNs: u64;
  /** The fault is off until then. */
  untilNs: u64;
  lookedNs: u64;
  sinceRequestsNs: u64;
  sinceAnswersNs: u64;
  seenRequests: u64;
  seenAnswers: u64;
  seenErrors: u64;
}

const LOOK_NS: u64 = 1_000_000_000;
/** A share of fewer answers says nothing. */
const LEAST_ANSWERS: u64 = 10;

const MAGIC: u32 = 0x57465353;
const LAYOUT: u32 = 1;
const CELL_SIZE: u32 = 16;
const cell: usize = memory.data(16, 8);
const value: usize = memory.data(8, 8);

export const REQUESTS: u32 = 0;
export const ANSWERS: u32 = 1;
export const ERRORS: u32 = 2;

function nameCounter(watch: Watch, which: u32): void {
  if (which === REQUESTS) beginName("sluice_fault_requests_total");
  else if (which === ANSWERS) beginName("sluice_fault_upstream_answers_total");
  else beginName("sluice_fault_upstream_errors_total");
  const fault = watch.fault;
  label("policy", fault.policy.nameStart, fault.policy.nameLength);
  label("fault", fault.nameStart, fault.nameLength);
}

/** Configure only. */
export function beginWatch(watch: Watch): void {
  nameCounter(watch, REQUESTS);
  watch.requests = findMetric();
  nameCounter(watch, ANSWERS);
  watch.answers = findMetric();
  nameCounter(watch, ERRORS);
  watch.errors = findMetric();
  if (readShared(WATCH, watch.identity, cell, CELL_SIZE) === 0) writeUntil(watch, 0);
  else watch.untilNs = readUntil(watch);
}

/** Counts a request that matches, looks where a second has passed, and says whether the fault is off. */
export function isStopped(watch: Watch, nowNs: u64): bool {
  countWatched(watch, REQUESTS);
  if (watch.lookedNs === 0) begin(watch, nowNs);
  if (nowNs - watch.lookedNs >= LOOK_NS) look(watch, nowNs);
  return nowNs < watch.untilNs;
}

export function countWatched(watch: Watch, which: u32): void {
  const metric = metricOf(watch, which);
  define(watch, which);
  increment(metric);
}

// @ts-ignore: decorator
@inline
function metricOf(watch: Watch, which: u32): Metric {
  return which === REQUESTS ? watch.requests : which === ANSWERS ? watch.answers : watch.errors;
}

function define(watch: Watch, which: u32): void {
  const metric = metricOf(watch, which);
  if (!isUndefined(metric)) return;
  nameCounter(watch, which);
  defineCounter(metric);
}

function read(watch: Watch, which: u32): u64 {
  define(watch, which);
  const metric = metricOf(watch, which);
  if (!isDefined(metric) || proxy_get_metric(metric.id, value) !== OK) return 0;
  return load<u64>(value);
}

function begin(watch: Watch, nowNs: u64): void {
  watch.lookedNs = nowNs;
  watch.untilNs = readUntil(watch);
  beginRequests(watch, nowNs);
  beginAnswers(watch, nowNs);
}

function beginRequests(watch: Watch, nowNs: u64): void {
  watch.sinceRequestsNs = nowNs;
  watch.seenRequests = read(watch, REQUESTS);
}

function beginAnswers(watch: Watch, nowNs: u64): void {
  watch.sinceAnswersNs = nowNs;
  watch.seenAnswers = read(watch, ANSWERS);
  watch.seenErrors = read(watch, ERRORS);
}

function look(watch: Watch, nowNs: u64): void {
  watch.lookedNs = nowNs;
  watch.untilNs = max(watch.untilNs, readUntil(watch));
  if (nowNs < watch.untilNs) {
    // What happens during the cool-down is not held against the fault.
    beginRequests(watch, nowNs);
    beginAnswers(watch, nowNs);
    return;
  }
  const crossed = tooManyErrors(watch, nowNs) || tooFewRequests(watch, nowNs);
  if (!crossed) return;
  watch.untilNs = nowNs + watch.coolDownNs;
  writeUntil(watch, watch.untilNs);
}

function tooManyErrors(watch: Watch, nowNs: u64): bool {
  const answers = read(watch, ANSWERS) - watch.seenAnswers;
  if (answers < LEAST_ANSWERS) return false;
  const errors = read(watch, ERRORS) - watch.seenErrors;
  beginAnswers(watch, nowNs);
  return errors * 1_000_000 > answers * <u64>watch.errorMillionths;
}

function tooFewRequests(watch: Watch, nowNs: u64): bool {
  const requests = read(watch, REQUESTS) - watch.seenRequests;
  const time = nowNs - watch.sinceRequestsNs;
  beginRequests(watch, nowNs);
  return <f64>requests * <f64>watch.perNs < <f64>watch.least * <f64>time;
}

function readUntil(watch: Watch): u64 {
  if (readShared(WATCH, watch.identity, cell, CELL_SIZE) !== CELL_SIZE) return 0;
  return load<u32>(cell) === MAGIC && load<u32>(cell, 4) === LAYOUT ? load<u64>(cell, 8) : 0;
}

function writeUntil(watch: Watch, until: u64): void {
  store<u32>(cell, MAGIC);
  store<u32>(cell, LAYOUT, 4);
  store<u64>(cell, until, 8);
  writeShared(WATCH, watch.identity, cell, CELL_SIZE);
}
