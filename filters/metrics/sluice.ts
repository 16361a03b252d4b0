// sluice_requests_total and sluice_request_duration_milliseconds.

import { proxy_increment_metric, proxy_record_metric } from "../../assembly/abi/hostcalls";
import { beginName, defineCounter, defineHistogram, label, Metric } from "../../assembly/metrics";
import { BAD_LIST, countFailure, SERIES_FULL, UNDEFINED_METRIC } from "./failures";
import {
  classLabel,
  code,
  codeClass,
  codeLabel,
  forgetDimensions,
  forgetLabels,
  high,
  labelDimensions,
  labelRoute,
  low,
  mix,
  resetHash,
} from "./labels";
import { SLUICE_NAMES } from "./reserved";
import {
  admitSeries,
  DEFINED,
  DURATIONS,
  findSeries,
  isListDamaged,
  REQUESTS,
  reserveSeries,
  Series,
  SeriesList,
} from "./series";

const defined: Metric = changetype<Metric>(memory.data(32, 8));

/** Told apart from codes in the hash. */
const CLASS: u64 = 0x10000;

export function countSluice(durationMs: u64, maxSeries: u32): void {
  const series = requestSeries(maxSeries);
  if (series === null) return countFailure(UNDEFINED_METRIC);
  if (series.counter !== 0) proxy_increment_metric(series.counter, 1);
  if (series.duration !== 0) proxy_record_metric(series.duration, durationMs);
}

/** The series of the labels at hand, both its metrics defined. */
function requestSeries(maxSeries: u32): Series | null {
  const baseLow = low;
  const baseHigh = high;
  mix(code);
  const known = findSeries(low, high);
  if (known !== null && known.state === DEFINED) return known;
  let series = admitSeries(REQUESTS, low, high, maxSeries);
  resetHash(baseLow, baseHigh);
  if (series !== null) return defineSeries(series, maxSeries);
  countFailure(isListDamaged ? BAD_LIST : SERIES_FULL);
  forgetLabels();
  series = reserve(codeClass);
  if (series === null) {
    forgetDimensions();
    series = reserve(codeClass);
  }
  return series === null ? null : defineSeries(series, maxSeries);
}

function reserve(part: u64): Series | null {
  const baseLow = low;
  const baseHigh = high;
  mix(part);
  const series = reserveSeries(low, high);
  resetHash(baseLow, baseHigh);
  return series;
}

/** Defines the counter; the histogram is that of the class, which several series share. */
function defineSeries(series: Series, maxSeries: u32): Series {
  if (series.state === DEFINED) return series;
  series.state = DEFINED;
  beginName("sluice_requests_total");
  labelRoute();
  label("response_code", codeLabel.start, codeLabel.length);
  labelDimensions(SLUICE_NAMES);
  defined.id = 0;
  defineCounter(defined);
  series.counter = defined.id;
  series.duration = durationMetric(maxSeries);
  return series;
}

/** The id of the histogram for the labels at hand; 0: there is none. */
function durationMetric(maxSeries: u32): u32 {
  const baseLow = low;
  const baseHigh = high;
  mix(CLASS | codeClass);
  let series = findSeries(low, high);
  if (series === null) series = admitSeries(DURATIONS, low, high, maxSeries);
  resetHash(baseLow, baseHigh);
  if (series === null) {
    // The counter has its labels already, so that these may go.
    forgetLabels();
    series = reserve(CLASS | codeClass);
  }
  if (series === null) return 0;
  if (series.state === DEFINED) return series.duration;
  series.state = DEFINED;
  beginName("sluice_request_duration_milliseconds");
  labelRoute();
  label("response_code", classLabel.start, classLabel.length);
  labelDimensions(SLUICE_NAMES);
  defined.id = 0;
  defineHistogram(defined);
  series.duration = defined.id;
  return series.duration;
}
