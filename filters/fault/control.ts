// Faults that callers ask for, by Envoy's headers and rules: the first value of a header counts, a number that does
// not read as one is no wish, a percentage can only be lowered, an HTTP status goes before a gRPC one.
//
// The headers never reach the service, whether they had an effect or not.

import { proxy_remove_header_map_value, REQUEST_HEADERS } from "../../assembly/abi/hostcalls";
import { literal, sameBytes } from "../../assembly/bytes";
import { firstHeader, headerAt, headerCount } from "../../assembly/request/view";
import { ByteString } from "../../assembly/set";
import { FaultHeaderControl } from "./generated/config";

const PREFIX: ByteString = literal("x-envoy-fault-");
const DELAY: ByteString = literal("x-envoy-fault-delay-request");
const DELAY_SHARE: ByteString = literal("x-envoy-fault-delay-request-percentage");
const ABORT: ByteString = literal("x-envoy-fault-abort-request");
const ABORT_GRPC: ByteString = literal("x-envoy-fault-abort-grpc-request");
const ABORT_SHARE: ByteString = literal("x-envoy-fault-abort-request-percentage");
export const THROUGHPUT: ByteString = literal("x-envoy-fault-throughput-response");
const THROUGHPUT_SHARE: ByteString = literal("x-envoy-fault-throughput-response-percentage");

const MILLIONTHS_OF_PERCENT: u32 = 10_000;
const MS: u64 = 1_000_000;
/** As far as the fault filter of Envoy goes, in KiB per second. */
const FASTEST: u64 = 4_194_304;

/** The number that readNumber has read. */
let number: u64 = 0;

/** What the last of the `wants` functions has found. */
export let wantedShare: u32 = 0;
export let wantedNs: u64 = 0;
export let wantedStatus: u32 = 0;
export let wantedGrpcStatus: i32 = -1;
export let wantedKib: u32 = 0;

export function wantsDelay(control: FaultHeaderControl): bool {
  if (!control.delay || !readNumber(DELAY, u64.MAX_VALUE) || number === 0) return false;
  const most = <u64>control.maxDelayNs;
  wantedNs = number > most / MS ? most : number * MS;
  readShare(DELAY_SHARE, control);
  return true;
}

export function wantsAbort(control: FaultHeaderControl): bool {
  if (!control.abort) return false;
  wantedGrpcStatus = -1;
  if (readNumber(ABORT, u64.MAX_VALUE) && number >= 200 && number < 600) wantedStatus = <u32>number;
  else if (readNumber(ABORT_GRPC, u64.MAX_VALUE)) {
    wantedStatus = 200;
    wantedGrpcStatus = <i32>number;
  } else return false;
  readShare(ABORT_SHARE, control);
  return true;
}

export function wantsThrottle(control: FaultHeaderControl): bool {
  if (!control.throttle || !readNumber(THROUGHPUT, u64.MAX_VALUE) || number === 0) return false;
  wantedKib = <u32>min(number, FASTEST);
  readShare(THROUGHPUT_SHARE, control);
  return true;
}

function readShare(name: ByteString, control: FaultHeaderControl): void {
  const most = control.maxPercentageMillionths;
  const isGiven = readNumber(name, u32.MAX_VALUE);
  wantedShare = isGiven && number < most / MILLIONTHS_OF_PERCENT ? <u32>number * MILLIONTHS_OF_PERCENT : most;
}

/** Reads a header as Envoy does: white space around, a plus sign, digits; false: it is none, or above `most`. */
function readNumber(name: ByteString, most: u64): bool {
  const header = firstHeader(name.start, name.length);
  let at = header.value;
  let end = at + header.valueLength;
  while (at < end && isSpace(load<u8>(at))) at += 1;
  while (at < end && isSpace(load<u8>(end - 1))) end -= 1;
  if (at < end && load<u8>(at) === 43) at += 1;
  if (at === end) return false;
  number = 0;
  for (; at < end; at++) {
    const digit = <u64>load<u8>(at) - 48;
    if (digit > 9 || number > (most - digit) / 10) return false;
    number = number * 10 + digit;
  }
  return true;
}

function isSpace(byte: u32): bool {
  return byte === 32 || byte - 9 < 5;
}

/** Takes every control header off the request. */
export function removeControls(): void {
  for (let i: u32 = 0; i < headerCount; i++) {
    const header = headerAt(i);
    if (header.nameLength <= PREFIX.length || !sameBytes(header.name, PREFIX.start, PREFIX.length)) continue;
    proxy_remove_header_map_value(REQUEST_HEADERS, header.name, header.nameLength);
  }
}
