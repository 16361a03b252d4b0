// The metrics under the names and labels that Istio's dashboards and Kiali ask for, as a proxy at the source reports
// them: istio_requests_total, istio_request_duration_milliseconds, istio_request_bytes, istio_response_bytes.
//
// Where a request went is read from the cluster's name, outbound|PORT|SUBSET|HOST. Workloads behind a service are not
// known to this proxy, nor are those before it: `unknown`, as Istio says itself where it does not know.

import { proxy_increment_metric, proxy_record_metric } from "../../assembly/abi/hostcalls";
import { readProperty } from "../../assembly/abi/property";
import { equalsAscii, findByte, literal } from "../../assembly/bytes";
import { stableHash } from "../../assembly/hash";
import { beginName, defineCounter, defineHistogram, label, Metric } from "../../assembly/metrics";
import { ByteString } from "../../assembly/set";
import { admitOrClass, isBeyond } from "./beyond";
import { readHeaders } from "./dimension";
import { countFailure, UNDEFINED_METRIC } from "./failures";
import {
  classLabel,
  code,
  codeLabel,
  copy,
  high,
  labelDimensions,
  low,
  mix,
  mixDimensions,
  NONE,
  OTHER,
  resetHash,
} from "./labels";
import { grpcStatusNumber, isGrpc, readRequestBytes, readResponseBytes, responseFlags } from "./outcome";
import { ISTIO_NAMES } from "./reserved";
import { DEFINED, ISTIO, Series } from "./series";

const CLUSTER_NAME: ByteString = literal("xds\0cluster_name");
const NODE_CLUSTER: ByteString = literal("xds\0node\0cluster");
const SOURCE: ByteString = literal("source");
const UNKNOWN: ByteString = literal("unknown");
const LATEST: ByteString = literal("latest");
const HTTP: ByteString = literal("http");
const GRPC: ByteString = literal("grpc");

const host: ByteString = changetype<ByteString>(memory.data(8, 4));
const service: ByteString = changetype<ByteString>(memory.data(8, 4));
const namespace: ByteString = changetype<ByteString>(memory.data(8, 4));
const subset: ByteString = changetype<ByteString>(memory.data(8, 4));
const flags: ByteString = changetype<ByteString>(memory.data(8, 4));
const status: ByteString = changetype<ByteString>(memory.data(8, 4));
const cluster: ByteString = changetype<ByteString>(memory.data(8, 4));
const source: ByteString = changetype<ByteString>(memory.data(8, 4));
const defined: Metric = changetype<Metric>(memory.data(32, 8));

let isGrpcRequest: bool = false;

/** Counts the stream whose labels are at hand; the hash is that of before afterwards. */
export function countIstio(durationMs: u64, maxSeries: u32): void {
  const baseLow = low;
  const baseHigh = high;
  readDestination();
  flags.start = 0;
  flags.length = 0;
  responseFlags(flags);
  if (flags.start === 0) copy(flags, NONE);
  isGrpcRequest = readHeaders() && isGrpc();
  status.start = 0;
  status.length = 0;
  if (isGrpcRequest) grpcStatusNumber(status);
  const series = findOrDefine(maxSeries);
  resetHash(baseLow, baseHigh);
  if (series === null) return countFailure(UNDEFINED_METRIC);
  if (series.counter !== 0) proxy_increment_metric(series.counter, 1);
  if (series.duration !== 0) proxy_record_metric(series.duration, durationMs);
  if (series.requestBytes !== 0) proxy_record_metric(series.requestBytes, readRequestBytes());
  if (series.responseBytes !== 0) proxy_record_metric(series.responseBytes, readResponseBytes());
}

function findOrDefine(maxSeries: u32): Series | null {
  resetHash(
    stableHash(host.start, host.length, stableHash(subset.start, subset.length, 5)),
    stableHash(flags.start, flags.length, 6),
  );
  mix(code | (isGrpcRequest ? 0x10000 : 0));
  mix(stableHash(status.start, status.length, 7));
  mixDimensions();
  const series = admitOrClass(ISTIO, maxSeries, 8);
  if (series === null || series.state === DEFINED) return series;
  series.state = DEFINED;
  nameLabels("istio_requests_total");
  series.counter = define(true);
  nameLabels("istio_request_duration_milliseconds");
  series.duration = define(false);
  nameLabels("istio_request_bytes");
  series.requestBytes = define(false);
  nameLabels("istio_response_bytes");
  series.responseBytes = define(false);
  return series;
}

function define(isCounter: bool): u32 {
  defined.id = 0;
  if (isCounter) defineCounter(defined);
  else defineHistogram(defined);
  return defined.id;
}

/** Reads the cluster's name and takes it apart; a name of another form is the host. */
function readDestination(): void {
  copy(host, UNKNOWN);
  copy(subset, UNKNOWN);
  copy(namespace, UNKNOWN);
  const name = cluster;
  if (readProperty(CLUSTER_NAME, name) && name.length > 0) {
    copy(host, name);
    const end = name.start + name.length;
    const direction = findByte(name.start, end, 124);
    const port = direction < end ? findByte(direction + 1, end, 124) : end;
    const part = port < end ? findByte(port + 1, end, 124) : end;
    if (part < end) {
      setText(host, part + 1, end);
      if (part > port + 1) setText(subset, port + 1, part);
    }
  }
  copy(service, host);
  const hostEnd = host.start + host.length;
  const first = findByte(host.start, hostEnd, 46);
  const second = first < hostEnd ? findByte(first + 1, hostEnd, 46) : hostEnd;
  const third = second < hostEnd ? findByte(second + 1, hostEnd, 46) : hostEnd;
  // NAME.NAMESPACE.svc...
  if (second === hostEnd || !equalsAscii(second + 1, <u32>(third - second - 1), "svc")) return;
  setText(service, host.start, first);
  setText(namespace, first + 1, second);
}

function setText(to: ByteString, start: usize, end: usize): void {
  to.start = start;
  to.length = <u32>(end - start);
}

/** Begins a metric's name and writes the labels; beyond maxSeries only the response's class stays. */
function nameLabels(name: string): void {
  beginName(name);
  add("reporter", SOURCE);
  // The name of this proxy's cluster is the same for all requests, and only read where a metric is defined.
  if (!readProperty(NODE_CLUSTER, source) || source.length === 0) copy(source, UNKNOWN);
  add("source_workload", source);
  add("source_workload_namespace", UNKNOWN);
  add("source_canonical_service", source);
  add("source_canonical_revision", LATEST);
  add("destination_workload", UNKNOWN);
  add("destination_workload_namespace", isBeyond ? OTHER : namespace);
  add("destination_service", isBeyond ? OTHER : host);
  add("destination_service_name", isBeyond ? OTHER : service);
  add("destination_service_namespace", isBeyond ? OTHER : namespace);
  add("destination_canonical_service", isBeyond ? OTHER : service);
  add("destination_canonical_revision", isBeyond ? OTHER : subset);
  add("destination_version", isBeyond ? OTHER : subset);
  add("request_protocol", isBeyond ? OTHER : isGrpcRequest ? GRPC : HTTP);
  add("response_code", isBeyond ? classLabel : codeLabel);
  add("grpc_response_status", isBeyond ? OTHER : status);
  add("response_flags", isBeyond ? OTHER : flags);
  add("connection_security_policy", UNKNOWN);
  if (!isBeyond) labelDimensions(ISTIO_NAMES);
}

// @ts-ignore: decorator
@inline
function add(name: string, value: ByteString): void {
  label(name, value.start, min(value.length, 128));
}
