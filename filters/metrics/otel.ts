// OpenTelemetry's http.server.request.duration, as Prometheus writes such names: with underscores and the unit. The
// convention counts seconds; a histogram of Envoy's holds whole numbers, so that this one is in milliseconds, says so in
// its name, and becomes the convention's by a division (docs/metrics.md).

import { proxy_record_metric } from "../../assembly/abi/hostcalls";
import { equalsAscii, findByte, literal } from "../../assembly/bytes";
import { stableHash } from "../../assembly/hash";
import { beginName, defineHistogram, label, Metric } from "../../assembly/metrics";
import { method, scheme } from "../../assembly/request/view";
import { ByteString } from "../../assembly/set";
import { admitOrClass, isBeyond } from "./beyond";
import { readHeaders } from "./dimension";
import { countFailure, UNDEFINED_METRIC } from "./failures";
import {
  classLabel,
  code,
  codeClass,
  codeLabel,
  copy,
  high,
  labelDimensions,
  low,
  mix,
  needNames,
  OTHER,
  pathValue,
  resetHash,
  routeLabel,
  virtualHostLabel,
} from "./labels";
import { responseFlags } from "./outcome";
import { OTEL_NAMES } from "./reserved";
import { DEFINED, OTEL, Series } from "./series";

/** What the convention has for a method or an error that is none of the known ones. */
const UNKNOWN: ByteString = literal("_OTHER");

const methodLabel: ByteString = changetype<ByteString>(memory.data(8, 4));
const schemeLabel: ByteString = changetype<ByteString>(memory.data(8, 4));
const routeText: ByteString = changetype<ByteString>(memory.data(8, 4));
const hostText: ByteString = changetype<ByteString>(memory.data(8, 4));
const errorLabel: ByteString = changetype<ByteString>(memory.data(8, 4));
const defined: Metric = changetype<Metric>(memory.data(32, 8));

/** Counts the stream whose labels are at hand; the hash is that of before afterwards. */
export function countOtel(durationMs: u64, maxSeries: u32): void {
  const baseLow = low;
  const baseHigh = high;
  readMethodAndScheme();
  readError();
  mix(code);
  mix(stableHash(methodLabel.start, methodLabel.length, 10));
  mix(stableHash(schemeLabel.start, schemeLabel.length, 11));
  mix(stableHash(errorLabel.start, errorLabel.length, 12));
  const series = findOrDefine(maxSeries);
  resetHash(baseLow, baseHigh);
  if (series === null) return countFailure(UNDEFINED_METRIC);
  if (series.duration !== 0) proxy_record_metric(series.duration, durationMs);
}

function findOrDefine(maxSeries: u32): Series | null {
  const series = admitOrClass(OTEL, maxSeries, 13);
  if (series === null || series.state === DEFINED) return series;
  series.state = DEFINED;
  nameLabels();
  defined.id = 0;
  defineHistogram(defined);
  series.duration = defined.id;
  return series;
}

/** Clients choose both: only the convention's methods and the web's schemes are told apart. */
function readMethodAndScheme(): void {
  const isRead = readHeaders();
  copy(methodLabel, isRead && isKnownMethod(method.start, method.length) ? method : UNKNOWN);
  schemeLabel.start = 0;
  schemeLabel.length = 0;
  if (!isRead || scheme.length === 0) return;
  const isWeb = equalsAscii(scheme.start, scheme.length, "http");
  copy(schemeLabel, isWeb || equalsAscii(scheme.start, scheme.length, "https") ? scheme : UNKNOWN);
}

function isKnownMethod(start: usize, length: u32): bool {
  return (
    equalsAscii(start, length, "GET") ||
    equalsAscii(start, length, "POST") ||
    equalsAscii(start, length, "PUT") ||
    equalsAscii(start, length, "HEAD") ||
    equalsAscii(start, length, "DELETE") ||
    equalsAscii(start, length, "OPTIONS") ||
    equalsAscii(start, length, "PATCH") ||
    equalsAscii(start, length, "CONNECT") ||
    equalsAscii(start, length, "TRACE")
  );
}

/** An answer of 500 or more is an error by its status, none at all by Envoy's flags; others are none. */
function readError(): void {
  errorLabel.start = 0;
  errorLabel.length = 0;
  if (codeClass === 5) return copy(errorLabel, codeLabel);
  if (code !== 0) return;
  responseFlags(errorLabel);
  if (errorLabel.length === 0) copy(errorLabel, UNKNOWN);
}

/** The virtual host's name without its port is the address; a path of a dimension is the route before Envoy's name. */
function readRoute(): void {
  needNames();
  copy(hostText, virtualHostLabel);
  const end = hostText.start + hostText.length;
  const colon = findByte(hostText.start, end, 58);
  if (findByte(min(colon + 1, end), end, 58) === end) hostText.length = <u32>(colon - hostText.start);
  if (!pathValue(routeText)) copy(routeText, routeLabel);
}

/** Begins the metric's name and writes its labels; what is empty is no label. Beyond maxSeries the class stays. */
function nameLabels(): void {
  readRoute();
  beginName("http_server_request_duration_milliseconds");
  add("http_request_method", isBeyond ? OTHER : methodLabel);
  if (code !== 0) add("http_response_status_code", isBeyond ? classLabel : codeLabel);
  add("http_route", isBeyond ? OTHER : routeText);
  add("server_address", isBeyond ? OTHER : hostText);
  add("url_scheme", isBeyond ? OTHER : schemeLabel);
  add("error_type", isBeyond && errorLabel.length > 0 ? OTHER : errorLabel);
  if (!isBeyond) labelDimensions(OTEL_NAMES);
}

// @ts-ignore: decorator
@inline
function add(name: string, value: ByteString): void {
  if (value.length > 0) label(name, value.start, min(value.length, 128));
}
