// How a stream ended, in the words of gRPC and of Envoy's access log.

import { scratch } from "../../assembly/abi/arena";
import { OK, proxy_get_property } from "../../assembly/abi/hostcalls";
import { literal, sameBytes, writeBytes, writeDecimal } from "../../assembly/bytes";
import { firstHeader } from "../../assembly/request/view";
import { ByteString } from "../../assembly/set";

const RESPONSE_CODE: ByteString = literal("response\0code");
const DURATION: ByteString = literal("request\0duration");
const GRPC: ByteString = literal("response\0grpc_status");
const REQUEST_BYTES: ByteString = literal("request\0total_size");
const RESPONSE_BYTES: ByteString = literal("response\0total_size");
const FLAGS: ByteString = literal("response\0flags");

const result: usize = memory.data(8, 4);

/** Reads a property that is a number; -1: there is none. */
function readNumber(name: ByteString): i64 {
  store<u64>(result, 0);
  if (proxy_get_property(name.start, name.length, result, result + 4) !== OK) return -1;
  return load<u32>(result, 4) === 8 ? load<i64>(load<usize>(result)) : -1;
}

/** The response's status; -1: there was no response. */
export function readCode(): i64 {
  return readNumber(RESPONSE_CODE);
}

/** Whole milliseconds from the request's first byte to the stream's end. */
export function readDurationMs(): u64 {
  const ns = readNumber(DURATION);
  return ns < 0 ? 0 : <u64>ns / 1_000_000;
}

/** Bytes of the request, its headers among them. */
export function readRequestBytes(): u64 {
  return <u64>max<i64>(readNumber(REQUEST_BYTES), 0);
}

/** Bytes of the response, its headers among them. */
export function readResponseBytes(): u64 {
  return <u64>max<i64>(readNumber(RESPONSE_BYTES), 0);
}

const CONTENT_TYPE: ByteString = literal("content-type");
const APPLICATION_GRPC: ByteString = literal("application/grpc");

// Each name after its length, by status.
const grpcNames: ByteString = literal(
  "\x02OK\x08Canceled\x07Unknown\x0fInvalidArgument\x10DeadlineExceeded\x08NotFound\x0dAlreadyExists" +
    "\x10PermissionDenied\x11ResourceExhausted\x12FailedPrecondition\x07Aborted\x0aOutOfRange\x0dUnimplemented" +
    "\x08Internal\x0bUnavailable\x08DataLoss\x0fUnauthenticated",
);
const GRPC_STATUSES: i64 = 17;

/** Writes the status of a gRPC request by name; what is no gRPC has none, though Envoy makes one up. */
export function grpcStatusName(to: ByteString): void {
  if (!isGrpc()) return;
  const status = readNumber(GRPC);
  if (status < 0) return;
  if (status >= GRPC_STATUSES) return writeNumber(<u64>status, to);
  nameAt(grpcNames, <u32>status, to);
}

/** Writes the status of a gRPC request as a number, as Istio's labels have it. */
export function grpcStatusNumber(to: ByteString): void {
  const status = readNumber(GRPC);
  if (status >= 0) writeNumber(<u64>status, to);
}

/** Whether the request, whose headers are in view, is gRPC. */
export function isGrpc(): bool {
  const type = firstHeader(CONTENT_TYPE.start, CONTENT_TYPE.length);
  if (type.valueLength < APPLICATION_GRPC.length) return false;
  if (!sameBytes(type.value, APPLICATION_GRPC.start, APPLICATION_GRPC.length)) return false;
  if (type.valueLength === APPLICATION_GRPC.length) return true;
  const next = <u32>load<u8>(type.value + APPLICATION_GRPC.length);
  return next === 43 || next === 59;
}

function nameAt(names: ByteString, index: u32, to: ByteString): void {
  let at = names.start;
  for (let i: u32 = 0; i < index; i++) at += 1 + <usize>load<u8>(at);
  to.start = at + 1;
  to.length = <u32>load<u8>(at);
}

function writeNumber(value: u64, to: ByteString): void {
  const start = scratch(20);
  if (start === 0) return;
  to.start = start;
  to.length = <u32>(writeDecimal(start, value) - start);
}

// Each name after its length, by bit.
const flagNames: ByteString = literal(
  "\x02LH\x02UH\x02UT\x02LR\x02UR\x02UF\x02UC\x02UO\x02NR\x02DI\x02FI\x02RL\x04UAEX\x04RLSE\x02DC\x03URX\x02SI" +
    "\x02IH\x03DPE\x05UMSDR\x04RFCF\x04NFCF\x02DT\x03UPE\x02NC\x02OM\x02DF\x02DO\x02DR\x03UDO",
);
const FLAGS_COUNT: u32 = 30;

/** Writes Envoy's response flags as its access log does, such as `UF,URX`; none are set: nothing. */
export function responseFlags(to: ByteString): void {
  const flags = readNumber(FLAGS);
  if (flags <= 0) return;
  const start = scratch(128);
  if (start === 0) return;
  let at = start;
  for (let i: u32 = 0; i < FLAGS_COUNT; i++) {
    if (!((flags >> i) & 1)) continue;
    if (at > start) {
      store<u8>(at, 44);
      at += 1;
    }
    nameAt(flagNames, i, to);
    at = writeBytes(at, to.start, to.length);
  }
  to.start = start;
  to.length = <u32>(at - start);
}
