// Answers of aborts, made ready when the filter is configured: sending one only names memory. Configure only.

import { NO_GRPC_STATUS } from "../../assembly/abi/hostcalls";
import { literal, writeBytes } from "../../assembly/bytes";
import { allocate } from "../../assembly/config/blocks";
import { itemAt } from "../../assembly/config/records";
import { ByteString } from "../../assembly/set";
import { FAULT_HEADER } from "./answer";
import { FaultAbort, FaultAbortHas } from "./generated/config";
import { AbortPlan, FaultPlan } from "./plan";

const CONTENT_TYPE: ByteString = literal("content-type");
const ABORT_BODY: ByteString = literal("fault filter abort");


@unmanaged
class NamedText {
  name: usize;
  nameLength: u32;
  value: usize;
  valueLength: u32;
}

/** `given` null: the answer of a caller's fault, whose status comes with the request. */
export function planAbort(fault: FaultPlan, given: FaultAbort | null): AbortPlan {
  const to = changetype<AbortPlan>(allocate(offsetof<AbortPlan>()));
  to.grpcStatus = NO_GRPC_STATUS;
  to.bodyStart = ABORT_BODY.start;
  to.bodyLength = ABORT_BODY.length;
  if (given !== null) {
    const has = given.present;
    to.status = has & FaultAbortHas.httpStatus_ ? given.httpStatus : 200;
    if (has & FaultAbortHas.grpcStatus_) to.grpcStatus = given.grpcStatus;
    else if (has & FaultAbortHas.grpcCode_) to.grpcStatus = given.grpcCode;
    to.bodyStart = given.bodyStart;
    to.bodyLength = given.bodyLength;
  }
  writeHeaders(fault, given, to);
  return to;
}

let pairsAt: usize = 0;
let textsAt: usize = 0;

/** The answer's headers in the host's form: assembly/request/view.ts draws it. */
function writeHeaders(fault: FaultPlan, given: FaultAbort | null, to: AbortPlan): void {
  const showsHeader = fault.policy.showsHeader;
  const own: u32 = given === null ? 0 : given.headersCount;
  const hasType = given !== null && given.contentTypeLength > 0;
  const count = own + u32(hasType) + u32(showsHeader);
  if (count === 0) return;
  let size: usize = 4 + <usize>count * 10;
  if (showsHeader) size += FAULT_HEADER.length + fault.titleLength;
  if (given !== null) {
    size += CONTENT_TYPE.length + given.contentTypeLength;
    for (let i: u32 = 0; i < own; i++) {
      const header = itemAt<NamedText>(given.headersStart, i);
      size += header.nameLength + header.valueLength;
    }
  }
  to.headersStart = allocate(size);
  store<u32>(to.headersStart, count);
  pairsAt = to.headersStart + 4;
  textsAt = pairsAt + ((<usize>count) << 3);
  if (showsHeader) pair(FAULT_HEADER.start, FAULT_HEADER.length, fault.titleStart, fault.titleLength);
  if (given !== null && hasType)
    pair(CONTENT_TYPE.start, CONTENT_TYPE.length, given.contentTypeStart, given.contentTypeLength);
  if (given !== null)
    for (let i: u32 = 0; i < own; i++) {
      const header = itemAt<NamedText>(given.headersStart, i);
      pair(header.name, header.nameLength, header.value, header.valueLength);
    }
  to.headersLength = <u32>(textsAt - to.headersStart);
}

/** Blocks are zeroed: the byte after each text is the 0 that ends it. */
function pair(name: usize, nameLength: u32, value: usize, valueLength: u32): void {
  store<u32>(pairsAt, nameLength);
  store<u32>(pairsAt, valueLength, 4);
  pairsAt += 8;
  textsAt = writeBytes(textsAt, name, nameLength) + 1;
  textsAt = writeBytes(textsAt, value, valueLength) + 1;
}
