// Terms of a fault that the schema cannot check alone: delays, windows of the week, rates. Configure only.

import { allocate } from "../../assembly/config/blocks";
import { byteOf } from "../../assembly/config/json";
import { itemAt } from "../../assembly/config/records";
import { refuse } from "../../assembly/config/refusal";
import { Delay, FIXED, NORMAL, PARETO, PERCENTILES, Quantile, UNIFORM } from "./delay";
import { FaultDelay, FaultDelayHas, FaultSchedule, FaultScheduleHas, WeeklyWindow } from "./generated/config";
import { minuteOfDay, Schedule, Window } from "./schedule";

/** Null: refused. */
export function buildDelay(given: FaultDelay): Delay | null {
  const to = changetype<Delay>(allocate(offsetof<Delay>()));
  const has = given.present;
  const uniform = given.uniform;
  const normal = given.normal;
  const pareto = given.pareto;
  if (has & FaultDelayHas.fixed_) {
    to.form = FIXED;
    to.base = <f64>given.fixedNs;
  } else if (uniform !== null) {
    to.form = UNIFORM;
    to.base = <f64>uniform.minNs;
    to.spread = <f64>uniform.maxNs;
    if (uniform.minNs > uniform.maxNs) return tooHigh("uniform: min is above max");
  } else if (normal !== null) {
    to.form = NORMAL;
    to.base = <f64>normal.meanNs;
    to.spread = <f64>normal.stddevNs;
    to.cap = <f64>normal.maxNs;
    if (normal.meanNs > normal.maxNs) return tooHigh("normal: mean is above max");
  } else if (pareto !== null) {
    to.form = PARETO;
    to.base = <f64>pareto.minNs;
    to.spread = pareto.shape;
    to.cap = <f64>pareto.maxNs;
    if (pareto.minNs > pareto.maxNs) return tooHigh("pareto: min is above max");
  } else if (!buildPercentiles(given, to)) return null;
  return to;
}

function tooHigh(message: string): Delay | null {
  refuse(0, message);
  return null;
}

/** An entry of a map of durations. */
@unmanaged
class Entry {
  keyStart: usize;
  keyLength: u32;
  ns: i64;
}

function buildPercentiles(given: FaultDelay, to: Delay): bool {
  to.form = PERCENTILES;
  to.count = given.percentilesCount;
  to.points = allocate(to.count * offsetof<Quantile>());
  if (to.count === 0) return refuse(0, "percentiles: empty");
  for (let i: u32 = 0; i < to.count; i++) {
    const entry = itemAt<Entry>(given.percentilesStart, i);
    const share = readShare(entry.keyStart, entry.keyLength);
    if (share < 0.0)
      return refuse(byteOf(entry.keyStart - 1), "not a percentile from p0 to p100, such as p50 or p99.9");
    insertPoint(to.points, i, share, <f64>entry.ns);
  }
  for (let i: u32 = 1; i < to.count; i++) {
    const before = itemAt<Quantile>(to.points, i - 1);
    const point = itemAt<Quantile>(to.points, i);
    if (before.share === point.share) return refuse(0, "percentiles: one is written twice");
    if (before.value > point.value) return refuse(0, "percentiles: a higher one has a shorter delay");
  }
  return true;
}

function insertPoint(points: usize, count: u32, share: f64, ns: f64): void {
  let at = count;
  for (; at > 0; at--) {
    const before = itemAt<Quantile>(points, at - 1);
    if (before.share <= share) break;
    const after = itemAt<Quantile>(points, at);
    after.share = before.share;
    after.value = before.value;
  }
  const point = itemAt<Quantile>(points, at);
  point.share = share;
  point.value = ns;
}

/** `p` and a percentage with at most four decimals, as a share; below 0: it is none. */
function readShare(start: usize, length: u32): f64 {
  if (length < 2 || length > 9 || load<u8>(start) !== 112) return -1.0;
  let millionths: u32 = 0;
  let decimals: i32 = -1;
  for (let i: u32 = 1; i < length; i++) {
    const byte = <u32>load<u8>(start + i);
    if (byte === 46 && decimals < 0 && i > 1) {
      decimals = 0;
      continue;
    }
    if (byte - 48 > 9) return -1.0;
    millionths = millionths * 10 + (byte - 48);
    if (decimals >= 0) decimals += 1;
  }
  if (decimals === 0 || decimals > 4) return -1.0;
  for (let i = max(decimals, 0); i < 4; i++) millionths *= 10;
  return millionths > 1_000_000 ? -1.0 : <f64>millionths / 1_000_000.0;
}

/** Null: refused. */
export function buildSchedule(given: FaultSchedule): Schedule | null {
  const to = changetype<Schedule>(allocate(offsetof<Schedule>()));
  if (given.present & FaultScheduleHas.from_) to.fromMs = <u64>max<i64>(0, given.fromMs);
  if (given.present & FaultScheduleHas.until_) to.untilMs = <u64>max<i64>(1, given.untilMs);
  if (to.untilMs !== 0 && to.untilMs <= to.fromMs) {
    refuse(0, "until is not after from");
    return null;
  }
  to.count = given.weeklyCount;
  to.windows = allocate(to.count * offsetof<Window>());
  for (let i: u32 = 0; i < to.count; i++) {
    const window = itemAt<WeeklyWindow>(given.weeklyStart, i);
    const start = minuteOfDay(window.startStart, window.startLength);
    const end = minuteOfDay(window.endStart, window.endLength);
    if (start < 0) return noTime(window.startStart);
    if (end < 0) return noTime(window.endStart);
    if (end <= start) {
      refuse(byteOf(window.endStart - 1), "end is not after start; for a window over midnight write two");
      return null;
    }
    const at = itemAt<Window>(to.windows, i);
    at.startMinute = <u16>start;
    at.endMinute = <u16>end;
    for (let d: u32 = 0; d < window.daysCount; d++) at.days |= 1 << load<u8>(window.daysStart + d);
  }
  return to;
}

function noTime(start: usize): Schedule | null {
  refuse(byteOf(start - 1), "not a time of day from 00:00 to 24:00");
  return null;
}

/** What readRate has read. */
export let requests: u32 = 0;
export let perNs: u64 = 0;

/** `N/s` or `N/m`. */
export function readRate(start: usize, length: u32): bool {
  requests = 0;
  let valid = length > 2 && length < 12 && load<u8>(start + length - 2) === 47;
  for (let i: u32 = 0; valid && i < length - 2; i++) {
    const digit = <u32>load<u8>(start + i) - 48;
    valid = digit <= 9;
    requests = requests * 10 + digit;
  }
  const unit: u32 = valid ? load<u8>(start + length - 1) : 0;
  if (unit === 115) perNs = 1_000_000_000;
  else if (unit === 109) perNs = 60_000_000_000;
  else valid = false;
  if (valid && requests > 0) return true;
  return refuse(byteOf(start - 1), "not a number of requests per second or minute, such as 5/s or 30/m");
}
