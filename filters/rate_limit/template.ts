// Texts of answers: %PLACEHOLDERS% are replaced as they are written. Nothing of the request goes into them.

import { equalsAscii, literal } from "../../assembly/bytes";
import { byteOf } from "../../assembly/config/json";
import { enterField, enterKey, leave, refuse, sayQuoted, sayText } from "../../assembly/config/refusal";
import { itemAt } from "../../assembly/config/records";
import { ByteString } from "../../assembly/set";
import { Attempt } from "./attempt";
import { unitsAfter } from "./decide";
import { RateLimitOverride, RateLimitOverrideHas, RateLimitResponse } from "./generated/config";
import { Rates, ratesAt } from "./plan";
import { say, sayByte, sayDecimal } from "./writer";

const NONE: u32 = 0;
const POLICY: u32 = 1;
const LIMIT: u32 = 2;
const REQUESTS: u32 = 3;
const PER: u32 = 4;
const BURST: u32 = 5;
const REMAINING: u32 = 6;
const RETRY_AFTER: u32 = 7;
const PERCENT: u32 = 8;

const PERCENT_SIGN: u32 = 37;
const RESPONSE: ByteString = literal("response");
const BODY: ByteString = literal("body");
const HEADERS: ByteString = literal("headers");

/** An entry of a map of texts. */
@unmanaged
export class NamedText {
  name: usize;
  nameLength: u32;
  value: usize;
  valueLength: u32;
}

/** Configure only. Refuses unknown placeholders. */
export function checkTemplates(response: RateLimitResponse): bool {
  enterField(RESPONSE.start, RESPONSE.length);
  enterField(BODY.start, BODY.length);
  if (!checkTemplate(response.bodyStart, response.bodyLength)) return false;
  leave();
  enterField(HEADERS.start, HEADERS.length);
  for (let i: u32 = 0; i < response.headersCount; i++) {
    const header = itemAt<NamedText>(response.headersStart, i);
    enterKey(header.name, header.nameLength);
    if (!checkTemplate(header.value, header.valueLength)) return false;
    leave();
  }
  leave();
  leave();
  return true;
}

function checkTemplate(start: usize, length: u32): bool {
  const end = start + length;
  for (let at = start; at < end; at++) {
    if (load<u8>(at) !== PERCENT_SIGN) continue;
    const close = closing(at + 1, end);
    if (close === end || placeholder(at + 1, <u32>(close - at - 1)) === NONE) {
      refuse(byteOf(start), "unknown placeholder ");
      sayQuoted(at, <u32>(min(close + 1, end) - at));
      sayText("; a percent sign is written %%");
      return false;
    }
    at = close;
  }
  return true;
}

function closing(at: usize, end: usize): usize {
  while (at < end && load<u8>(at) !== PERCENT_SIGN) at += 1;
  return at;
}

function placeholder(start: usize, length: u32): u32 {
  if (length === 0) return PERCENT;
  if (equalsAscii(start, length, "POLICY")) return POLICY;
  if (equalsAscii(start, length, "LIMIT")) return LIMIT;
  if (equalsAscii(start, length, "REQUESTS")) return REQUESTS;
  if (equalsAscii(start, length, "PER")) return PER;
  if (equalsAscii(start, length, "BURST")) return BURST;
  if (equalsAscii(start, length, "REMAINING")) return REMAINING;
  if (equalsAscii(start, length, "RETRY_AFTER")) return RETRY_AFTER;
  return NONE;
}

/** Writes a checked text for the limit that has refused. */
export function writeTemplate(start: usize, length: u32, a: Attempt, retryAfter: i64): void {
  const end = start + length;
  let plain = start;
  for (let at = start; at < end; at++) {
    if (load<u8>(at) !== PERCENT_SIGN) continue;
    say(plain, <u32>(at - plain));
    const close = closing(at + 1, end);
    writePlaceholder(placeholder(at + 1, <u32>(close - at - 1)), a, retryAfter);
    at = close;
    plain = close + 1;
  }
  if (plain < end) say(plain, <u32>(end - plain));
}

function writePlaceholder(which: u32, a: Attempt, retryAfter: i64): void {
  const limit = a.limit.limit;
  if (which === POLICY) say(a.limit.policy.policy.nameStart, a.limit.policy.labelLength);
  else if (which === LIMIT) say(limit.nameStart, limit.nameLength);
  else if (which === BURST) sayDecimal(a.burst);
  else if (which === REMAINING) sayDecimal(unitsAfter(a));
  else if (which === RETRY_AFTER) sayDecimal(retryAfter);
  else if (which === PERCENT) sayByte(PERCENT_SIGN);
  else {
    let requests = limit.requests;
    let perNs = limit.perNs;
    const index = <u32>((changetype<usize>(a.rates) - changetype<usize>(ratesAt(a.limit, 0))) / RATES_SIZE);
    if (index > 0) {
      const other = itemAt<RateLimitOverride>(limit.overridesStart, index - 1);
      requests = other.requests;
      if (other.present & RateLimitOverrideHas.per_) perNs = other.perNs;
    }
    if (which === REQUESTS) sayDecimal(requests);
    else writeDuration(perNs);
  }
}

const RATES_SIZE: usize = offsetof<Rates>();

/** Milliseconds, or whole seconds where it is some. */
function writeDuration(ns: i64): void {
  const ms = ns / 1_000_000;
  const isSeconds = ms % 1000 === 0;
  sayDecimal(isSeconds ? ms / 1000 : ms);
  if (!isSeconds) sayByte(109);
  sayByte(115);
}
