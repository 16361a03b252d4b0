// The suite's floor: the callbacks and hostcalls that the suite makes for a request with all four kinds on its route,
// and nothing done with what they return. bench/same-calls.ts checks in host/ that the calls are the same.

import { hostMemory } from "../../assembly/abi/arena";
import { monotonicNs } from "../../assembly/abi/clock";
import {
  COUNTER,
  HISTOGRAM,
  proxy_define_metric,
  proxy_get_header_map_pairs,
  proxy_increment_metric,
  proxy_record_metric,
  REQUEST_HEADERS,
} from "../../assembly/abi/hostcalls";
import { enter, LOG, REQUEST } from "../../assembly/abi/phase";
import { readProperty, ROUTE_NAME } from "../../assembly/abi/property";
import { literal } from "../../assembly/bytes";
import { ByteString } from "../../assembly/set";

const COUNTED: ByteString = literal("bare_counter");
const TIMED: ByteString = literal("bare_histogram");
const ROUTE_ID: ByteString = literal("xds\0route_metadata\0filter_metadata\0sluice\0id");
const CODE: ByteString = literal("response\0code");
const DURATION: ByteString = literal("request\0duration");

const text: ByteString = changetype<ByteString>(memory.data(8, 4));
const result: usize = memory.data(8, 4);
const counter: usize = memory.data(4, 4);
const histogram: usize = memory.data(4, 4);

export function proxy_abi_version_0_2_1(): void {}

export function proxy_on_memory_allocate(size: usize): usize {
  return hostMemory(size);
}

export function proxy_on_configure(root: u32, size: u32): u32 {
  proxy_define_metric(COUNTER, COUNTED.start, COUNTED.length, counter);
  proxy_define_metric(HISTOGRAM, TIMED.start, TIMED.length, histogram);
  return 1;
}

export function proxy_on_request_headers(stream: u32, count: u32, endOfStream: u32): u32 {
  enter(REQUEST);
  readProperty(ROUTE_NAME, text);
  monotonicNs();
  proxy_increment_metric(load<u32>(counter), 1);
  proxy_get_header_map_pairs(REQUEST_HEADERS, result, result + 4);
  return 0;
}

export function proxy_on_log(stream: u32): void {
  enter(LOG);
  readProperty(ROUTE_ID, text);
  readProperty(CODE, text);
  readProperty(DURATION, text);
  proxy_increment_metric(load<u32>(counter), 1);
  proxy_record_metric(load<u32>(histogram), 1);
}
