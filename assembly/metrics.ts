// Metrics: found by name at configure time, defined when first counted, and never twice.
//
// Envoy gives a new id at every definition and never frees one, so ids are kept for the life of the VM, over all
// configurations. A name carries its labels: NAME, then for each the byte 0x1F, LABEL, `=`, VALUE; rules in
// Envoy's stats_tags take them out again.

import { COUNTER, GAUGE, HISTOGRAM, OK, proxy_define_metric, proxy_increment_metric } from "./abi/hostcalls";
import { writeAscii, writeBytes } from "./bytes";
import { stableHash } from "./hash";

/** A metric that is, or can be, counted. */
@unmanaged
export class Metric {
  next: Metric | null;
  state: u32;
  id: u32;
  unused: u32;
  low: u64;
  high: u64;
}

const UNDEFINED: u32 = 0;
const DEFINED: u32 = 1;
const FAILED: u32 = 2;

/** Bytes around a label and its value at most. */
const AROUND: u32 = 8;
const MAX_NAME: usize = 8192;
const name: usize = memory.data(8192, 4);
let end: usize = name;

let buckets: usize = 0;
let mask: u32 = 0;
let count: u32 = 0;

/** Whether labels are written for the rules of Istio's bootstrap. */
export let isIstio: bool = false;

let wasIstio: bool = false;

/** Configure only. Before a configuration is read, which may be refused. */
export function beginLabelEncoding(): void {
  wasIstio = isIstio;
}

/** Configure only. The configuration is refused: labels are written as before it. */
export function restoreLabelEncoding(): void {
  isIstio = wasIstio;
}

/**
 * Configure only. Labels are written for the rules of Istio's bootstrap: LABEL, `=.=`, VALUE, `;.;`. They find a label
 * wherever it stands, also at the end of a longer one.
 */
export function useIstioLabels(uses: bool): void {
  isIstio = uses;
}

/** Begins the name of a metric; label follows as often as needed. */
export function beginName(text: string): void {
  end = writeAscii(name, text);
}

/** Adds a label to the name. What does not fit is cut. */
export function label(text: string, start: usize, length: u32): void {
  if (!beginLabel(<u32>text.length)) return;
  end = writeAscii(end, text);
  labelValue(start, length);
}

/** As label, with a name of at most 64 bytes that is not known before. */
export function labelNamed(labelStart: usize, labelLength: u32, start: usize, length: u32): void {
  if (!beginLabel(labelLength)) return;
  end = writeBytes(end, labelStart, labelLength);
  labelValue(start, length);
}

/** Whether there is room for a label and what stands around it; then what stands before it is written. */
function beginLabel(length: u32): bool {
  if (end + length + AROUND > name + MAX_NAME) return false;
  if (isIstio) return true;
  store<u8>(end, 0x1f);
  end += 1;
  return true;
}

function labelValue(start: usize, length: u32): void {
  if (isIstio) {
    end = writeAscii(end, "=.=");
    length = min(length, <u32>(name + MAX_NAME - 3 - end));
    copyIstioValue(start, length);
    end = writeAscii(end, ";.;");
    return;
  }
  store<u8>(end, 61);
  end += 1;
  addValue(start, length);
}

/** In a value `;.` becomes `_.`: the rules take a value to end at `;.;`. */
function copyIstioValue(start: usize, length: u32): void {
  for (let i: u32 = 0; i < length; i++) {
    const byte = <u32>load<u8>(start + i);
    const ends = byte === 59 && i + 1 < length && load<u8>(start + i, 1) === 46;
    store<u8>(end + i, ends || byte === 0 ? 95 : byte);
  }
  end += length;
}

/** Copies a value; 0x1F in it becomes `_`. */
function addValue(start: usize, length: u32): void {
  length = min(length, <u32>(name + MAX_NAME - end));
  for (let i: u32 = 0; i < length; i++) {
    const byte = <u32>load<u8>(start + i);
    store<u8>(end + i, byte === 0x1f || byte === 0 ? 95 : byte);
  }
  end += length;
}

/** Configure or module start only. The metric of the name just built; it may be undefined yet. */
export function findMetric(): Metric {
  const length = <u32>(end - name);
  const low = stableHash(name, length, 1);
  const high = stableHash(name, length, 2);
  if (count >= mask) grow();
  const link = buckets + (((<usize>low) & mask) << 2);
  let metric = changetype<Metric | null>(load<usize>(link));
  while (metric !== null) {
    if (metric.low === low && metric.high === high) return metric;
    metric = metric.next;
  }
  const made = changetype<Metric>(heap.alloc(offsetof<Metric>()));
  made.next = changetype<Metric | null>(load<usize>(link));
  made.state = UNDEFINED;
  made.low = low;
  made.high = high;
  store<usize>(link, changetype<usize>(made));
  count += 1;
  return made;
}

function grow(): void {
  const old = buckets;
  const oldSize: u32 = buckets === 0 ? 0 : mask + 1;
  const size: u32 = oldSize === 0 ? 64 : oldSize << 1;
  buckets = heap.alloc(size << 2);
  memory.fill(buckets, 0, size << 2);
  mask = size - 1;
  for (let i: u32 = 0; i < oldSize; i++) {
    let metric = changetype<Metric | null>(load<usize>(old + (i << 2)));
    while (metric !== null) {
      const next = metric.next;
      const link = buckets + (((<usize>metric.low) & mask) << 2);
      metric.next = changetype<Metric | null>(load<usize>(link));
      store<usize>(link, changetype<usize>(metric));
      metric = next;
    }
  }
  if (old !== 0) heap.free(old);
}

/** Whether the metric's name must be built and defineCounter called before it can be counted. */
// @ts-ignore: decorator
@inline
export function isUndefined(metric: Metric): bool {
  return metric.state === UNDEFINED;
}

/** Whether the metric has an id. */
// @ts-ignore: decorator
@inline
export function isDefined(metric: Metric): bool {
  return metric.state === DEFINED;
}

/** Defines the metric by the name just built; on failure it stays uncounted. */
export function defineCounter(metric: Metric): void {
  define(metric, COUNTER);
}

/** As defineCounter. A gauge is one number of the whole process. */
export function defineGauge(metric: Metric): void {
  define(metric, GAUGE);
}

/** As defineCounter. A histogram keeps whole numbers. */
export function defineHistogram(metric: Metric): void {
  define(metric, HISTOGRAM);
}

function define(metric: Metric, kind: i32): void {
  const id = changetype<usize>(metric) + offsetof<Metric>("id");
  const defined = proxy_define_metric(kind, name, end - name, id);
  metric.state = defined === OK ? DEFINED : FAILED;
}

/** Counts one. */
export function increment(metric: Metric): void {
  if (metric.state === DEFINED) proxy_increment_metric(metric.id, 1);
}

/** Adds to a gauge; the offset may be negative. */
export function addToGauge(metric: Metric, offset: i64): void {
  if (metric.state === DEFINED) proxy_increment_metric(metric.id, offset);
}
