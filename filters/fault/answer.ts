// What clients see of a fault: the answer in the service's place, and x-sluice-fault on the service's own.

import {
  OK,
  proxy_add_header_map_value,
  proxy_get_header_map_value,
  RESPONSE_HEADERS,
} from "../../assembly/abi/hostcalls";
import { localReply } from "../../assembly/abi/phase";
import { literal } from "../../assembly/bytes";
import { ByteString } from "../../assembly/set";
import { ABORT, count } from "./counters";
import { findHeld, Held } from "./held";
import { AbortPlan, FaultPlan } from "./plan";
import { ANSWERS, countWatched, ERRORS, Watch } from "./watch";

const DETAILS: ByteString = literal("sluice_fault_abort");
export const FAULT_HEADER: ByteString = literal("x-sluice-fault");
const STATUS: ByteString = literal(":status");

const result: usize = memory.data(8, 4);

/** Answers in the service's place. */
export function answer(by: FaultPlan, abort: AbortPlan, status: u32, grpcStatus: u32): void {
  count(by, ABORT);
  localReply(
    status,
    DETAILS.start,
    DETAILS.length,
    abort.bodyStart,
    abort.bodyLength,
    abort.headersStart,
    abort.headersLength,
    grpcStatus,
  );
}

/** The abort that follows a delay. */
export function sendAbort(held: Held): void {
  const by = held.abortBy;
  const abort = held.abort;
  if (by === null || abort === null) return;
  held.isAnswered = true;
  answer(by, abort, held.abortStatus, held.abortGrpcStatus);
}

/** Response headers of a stream: names its faults, and counts the answer where a stopWhen looks at it. */
export function markResponse(id: u32): void {
  const held = findHeld(id);
  // Our own answer has its header already, and is none of upstream's.
  if (held === null || held.isAnswered) return;
  show(held.shown);
  show(held.shownToo);
  if (held.watch0 === null) return;
  const isError = isServerError();
  look(held.watch0, isError);
  look(held.watch1, isError);
  look(held.watch2, isError);
  look(held.watch3, isError);
}

function show(fault: FaultPlan | null): void {
  if (fault === null) return;
  const title = fault.titleStart;
  proxy_add_header_map_value(
    RESPONSE_HEADERS,
    FAULT_HEADER.start,
    FAULT_HEADER.length,
    title,
    fault.titleLength,
  );
}

function look(watch: Watch | null, isError: bool): void {
  if (watch === null) return;
  countWatched(watch, ANSWERS);
  if (isError) countWatched(watch, ERRORS);
}

function isServerError(): bool {
  store<u64>(result, 0);
  const status = proxy_get_header_map_value(
    RESPONSE_HEADERS,
    STATUS.start,
    STATUS.length,
    result,
    result + 4,
  );
  return status === OK && load<u32>(result, 4) === 3 && load<u8>(load<usize>(result)) === 53;
}
