// Hostcalls, and nothing done with what they return. The plugin's configuration says which, a letter for each: those of
// the request headers, and, after a bar, those of the log callback.
//
//   n route's number k response code             x value of a histogram
//   c clock          i increment of a counter    m header that is missing    h header that is there
//   p route's name   a all headers               d shared data, 80 bytes, read
//   r local reply    s with three headers        b with three headers and a body

import { hostMemory } from "../../assembly/abi/arena";
import { monotonicNs } from "../../assembly/abi/clock";
import {
  COUNTER,
  HISTOGRAM,
  NO_GRPC_STATUS,
  PLUGIN_CONFIGURATION,
  proxy_define_metric,
  proxy_get_buffer_bytes,
  proxy_get_header_map_pairs,
  proxy_get_header_map_value,
  proxy_get_shared_data,
  proxy_increment_metric,
  proxy_record_metric,
  proxy_send_local_response,
  proxy_set_shared_data,
  REQUEST_HEADERS,
} from "../../assembly/abi/hostcalls";
import { enter, LOG, REQUEST } from "../../assembly/abi/phase";
import { readProperty, ROUTE_NAME } from "../../assembly/abi/property";
import { findByte, literal, writeAscii } from "../../assembly/bytes";
import { ByteString } from "../../assembly/set";

const NAME: ByteString = literal("calls");
const TIMES: ByteString = literal("times");
const NUMBER: ByteString = literal("xds\0route_metadata\0filter_metadata\0sluice\0id");
const CODE: ByteString = literal("response\0code");
const FOUND: ByteString = literal("uid");
const MISSING: ByteString = literal("x-missing");
const BODY: ByteString = literal("rate limited\n");

const result: usize = memory.data(12, 8);
const counter: usize = memory.data(4, 4);
const histogram: usize = memory.data(4, 4);
const letters: usize = memory.data(64, 4);
const cell: usize = memory.data(80, 8);
const headers: usize = memory.data(256, 4);
const text: ByteString = changetype<ByteString>(memory.data(8, 4));
let count: u32 = 0;
/** How many of the letters are for the request headers. */
let early: u32 = 0;
let headersLength: u32 = 0;

export function proxy_abi_version_0_2_1(): void {}

export function proxy_on_memory_allocate(size: usize): usize {
  return hostMemory(size);
}

export function proxy_on_configure(root: u32, size: u32): u32 {
  proxy_define_metric(COUNTER, NAME.start, NAME.length, counter);
  proxy_define_metric(HISTOGRAM, TIMES.start, TIMES.length, histogram);
  proxy_set_shared_data(NAME.start, NAME.length, cell, 80, 0);
  proxy_get_buffer_bytes(PLUGIN_CONFIGURATION, 0, size, result, result + 4);
  count = min(load<u32>(result, 4), 64);
  memory.copy(letters, load<usize>(result), count);
  early = <u32>(findByte(letters, letters + count, 0x7c) - letters);
  writeHeaders();
  return 1;
}

/** Pairs in the host's form: count, lengths, then each text with a 0 after it. */
function writeHeaders(): void {
  const texts: string[] = [
    "retry-after",
    "1",
    "ratelimit-policy",
    '"all";q=1;w=1',
    "ratelimit",
    '"all";r=0;t=1',
  ];
  store<u32>(headers, 3);
  let at = headers + 28;
  for (let i = 0; i < 6; i++) {
    store<u32>(headers + 4 + (i << 2), texts[i].length);
    at = writeAscii(at, texts[i]) + 1;
  }
  headersLength = <u32>(at - headers);
}

export function proxy_on_request_headers(stream: u32, size: u32, endOfStream: u32): u32 {
  enter(REQUEST);
  let action: u32 = 0;
  for (let i: u32 = 0; i < early; i++) action |= call(load<u8>(letters + i));
  return action;
}

function call(letter: u32): u32 {
  switch (letter) {
    case 0x63:
      monotonicNs();
      return 0;
    case 0x69:
      proxy_increment_metric(load<u32>(counter), 1);
      return 0;
    case 0x6d:
      proxy_get_header_map_value(REQUEST_HEADERS, MISSING.start, MISSING.length, result, result + 4);
      return 0;
    case 0x68:
      proxy_get_header_map_value(REQUEST_HEADERS, FOUND.start, FOUND.length, result, result + 4);
      return 0;
    case 0x70:
      readProperty(ROUTE_NAME, text);
      return 0;
    case 0x6e:
      readProperty(NUMBER, text);
      return 0;
    case 0x6b:
      readProperty(CODE, text);
      return 0;
    case 0x78:
      proxy_record_metric(load<u32>(histogram), 1);
      return 0;
    case 0x61:
      proxy_get_header_map_pairs(REQUEST_HEADERS, result, result + 4);
      return 0;
    case 0x64:
      proxy_get_shared_data(NAME.start, NAME.length, result, result + 4, result + 8);
      return 0;
    case 0x72:
      return reply(0, 0);
    case 0x73:
      return reply(headersLength, 0);
    case 0x62:
      return reply(headersLength, BODY.length);
  }
  return 0;
}

function reply(size: u32, bodySize: u32): u32 {
  proxy_send_local_response(
    429,
    NAME.start,
    NAME.length,
    BODY.start,
    bodySize,
    size === 0 ? 0 : headers,
    size,
    NO_GRPC_STATUS,
  );
  return 1;
}

export function proxy_on_log(stream: u32): void {
  enter(LOG);
  for (let i = early + 1; i < count; i++) call(load<u8>(letters + i));
}
