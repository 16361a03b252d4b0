// Answers: what a refused request gets, and the rate limit headers of those that are let through.
//
// RateLimit and RateLimit-Policy follow the httpapi working group's draft (structured fields): the quota q is the burst,
// w the seconds in which it refills, r what is left, t the seconds until the next request may come (when refused) or
// until all of it is there again. x-ratelimit-* say the same in the words of its third draft.

import { proxy_add_header_map_value, RESPONSE_HEADERS } from "../../assembly/abi/hostcalls";
import { localReply } from "../../assembly/abi/phase";
import { Generation, release, retain } from "../../assembly/attach/plugins";
import { literal } from "../../assembly/bytes";
import { itemAt } from "../../assembly/config/records";
import { ByteString } from "../../assembly/set";
import { addStream, findStream, removeStream, Stream } from "../../assembly/streams";
import { Attempt } from "./attempt";
import { unitsAfter } from "./decide";
import { ARENA_FULL, countFailure, STREAMS_FULL } from "./failures";
import { PolicyPlan, Rates, streams } from "./plan";
import { NamedText, writeTemplate } from "./template";
import {
  beginWriting,
  block,
  finishHeaders,
  overflowed,
  say,
  sayByte,
  sayDecimal,
  sayText,
  takeHeader,
  takeText,
  writtenHeader,
  writtenHeaders,
} from "./writer";

const SECOND: i64 = 1_000_000_000;
/** What gRPC calls a quota that is used up; Envoy's own mapping of 429 would be retried at once. */
const RESOURCE_EXHAUSTED: u32 = 8;

const DETAILS: ByteString = literal("sluice_rate_limited");
const RETRY_AFTER: ByteString = literal("retry-after");
const RATE_LIMIT: ByteString = literal("ratelimit");
const RATE_LIMIT_POLICY: ByteString = literal("ratelimit-policy");
const X_LIMIT: ByteString = literal("x-ratelimit-limit");
const X_REMAINING: ByteString = literal("x-ratelimit-remaining");
const X_RESET: ByteString = literal("x-ratelimit-reset");
const QUOTA: ByteString = literal(";q=");
const WINDOW: ByteString = literal(";w=");
const LEFT: ByteString = literal(";r=");
const TIME: ByteString = literal(";t=");
const COMMA: ByteString = literal(", ");

const body: ByteString = changetype<ByteString>(memory.data(8, 4));

/** Answers a request that no limit could be asked about, for want of room: 429 and nothing else. */
export function refuseWithoutLimit(): void {
  localReply(429, DETAILS.start, DETAILS.length, 0, 0, 0, 0, RESOURCE_EXHAUSTED);
}

/** Answers a request that a limit has refused. */
export function refuseRequest(a: Attempt): void {
  const policy = a.limit.policy;
  const retryAfter = a.waitNs > 0 ? (a.waitNs + SECOND - 1) / SECOND : 0;
  beginWriting();
  if (retryAfter > 0) {
    sayDecimal(retryAfter);
    takeHeader(RETRY_AFTER.start, RETRY_AFTER.length);
  }
  writeRateLimit(policy, a.rates, a.burst, a.spacing, unitsAfter(a), retryAfter);
  body.start = 0;
  body.length = 0;
  const response = policy.response;
  if (response !== null) {
    for (let i: u32 = 0; i < response.headersCount; i++) {
      const header = itemAt<NamedText>(response.headersStart, i);
      writeTemplate(header.value, header.valueLength, a, retryAfter);
      takeHeader(header.name, header.nameLength);
    }
    writeTemplate(response.bodyStart, response.bodyLength, a, retryAfter);
    takeText(body);
  }
  if (!finishHeaders()) {
    countFailure(ARENA_FULL);
    localReply(policy.status, DETAILS.start, DETAILS.length, 0, 0, 0, 0, RESOURCE_EXHAUSTED);
    return;
  }
  localReply(
    policy.status,
    DETAILS.start,
    DETAILS.length,
    body.start,
    body.length,
    block.start,
    block.length,
    RESOURCE_EXHAUSTED,
  );
}

/** Keeps for the response what it is to say of the limit with the least left. */
export function announceLater(id: u32, a: Attempt, generation: Generation): void {
  const stream = addStream(streams, id);
  if (stream === null) {
    countFailure(STREAMS_FULL);
    return;
  }
  const reset = max(<i64>0, a.tat - a.moment + SECOND - 1) / SECOND;
  stream.owner = changetype<usize>(generation);
  stream.record = changetype<usize>(a.rates);
  stream.value = ((<u64>unitsAfter(a)) << 32) | (<u64>min(reset, <i64>u32.MAX_VALUE));
  retain(generation);
}

/** Adds the headers that announceLater has kept. */
export function announce(id: u32): void {
  const stream = findStream(streams, id);
  if (stream === null) return;
  const rates = changetype<Rates>(stream.record);
  beginWriting();
  const left = <i64>(stream.value >> 32);
  const reset = <i64>(stream.value & 0xffff_ffff);
  writeRateLimit(rates.limit.policy, rates, rates.burst, rates.spacing, left, reset);
  if (overflowed) countFailure(ARENA_FULL);
  else
    for (let i: u32 = 0; i < writtenHeaders(); i++) {
      const header = changetype<NamedText>(writtenHeader(i));
      proxy_add_header_map_value(
        RESPONSE_HEADERS,
        header.name,
        header.nameLength,
        header.value,
        header.valueLength,
      );
    }
  forget(stream);
}

/** The stream has ended, whether it had a response or not. */
export function forgetStream(id: u32): void {
  const stream = findStream(streams, id);
  if (stream !== null) forget(stream);
}

function forget(stream: Stream): void {
  const generation = changetype<Generation>(stream.owner);
  removeStream(streams, stream);
  release(generation);
}

function writeRateLimit(
  policy: PolicyPlan,
  rates: Rates,
  burst: i64,
  spacing: i64,
  left: i64,
  reset: i64,
): void {
  const name = rates.limit.limit;
  const window = max(<i64>1, (burst * spacing + SECOND - 1) / SECOND);
  if (policy.sendsIetf) {
    sayName(name.nameStart, name.nameLength);
    sayParameter(QUOTA, burst);
    sayParameter(WINDOW, window);
    takeHeader(RATE_LIMIT_POLICY.start, RATE_LIMIT_POLICY.length);
    sayName(name.nameStart, name.nameLength);
    sayParameter(LEFT, left);
    sayParameter(TIME, reset);
    takeHeader(RATE_LIMIT.start, RATE_LIMIT.length);
  }
  if (!policy.sendsDraft03) return;
  sayDecimal(burst);
  sayText(COMMA);
  sayDecimal(burst);
  sayParameter(WINDOW, window);
  takeHeader(X_LIMIT.start, X_LIMIT.length);
  sayDecimal(left);
  takeHeader(X_REMAINING.start, X_REMAINING.length);
  sayDecimal(reset);
  takeHeader(X_RESET.start, X_RESET.length);
}

// @ts-ignore: decorator
@inline
function sayParameter(name: ByteString, value: i64): void {
  sayText(name);
  sayDecimal(value);
}

/** A structured field's string: printable ASCII, quotation marks and backslashes escaped, anything else as `_`. */
function sayName(start: usize, length: u32): void {
  sayByte(34);
  for (let i: u32 = 0; i < length; i++) {
    const byte = <u32>load<u8>(start + i);
    if (byte === 34 || byte === 92) sayByte(92);
    if (byte < 32 || byte > 126) sayByte(95);
    else say(start + i, 1);
  }
  sayByte(34);
}
