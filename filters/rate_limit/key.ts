// The key of a request: its parts, hashed with their lengths, after the identity of the limit.

import { writeDecimal } from "../../assembly/bytes";
import { ADDRESS_IPV4, ADDRESS_NONE, addressHigh, addressLow, parseAddress } from "../../assembly/ip";
import { itemAt } from "../../assembly/config/records";
import { keyedHashAddNumber, keyedHashAddPart, keyedHashBegin, keyedHashFinish } from "../../assembly/hash";
import { readSourceAddress, sourceAddress } from "../../assembly/match/request";
import { cookieValue, findCookie } from "../../assembly/request/cookies";
import { findQueryParam, queryValue } from "../../assembly/request/query";
import { firstHeader, method, uri } from "../../assembly/request/view";
import { ByteString } from "../../assembly/set";
import { RateLimitKeyPart, RateLimitKeyPartHas, RateLimitSourceIp } from "./generated/config";
import { LimitPlan } from "./plan";
import { hashKey0, hashKey1 } from "./pool";

// No part is this long, so it tells an absent part from an empty one.
const ABSENT: u64 = u64.MAX_VALUE;

const part: ByteString = changetype<ByteString>(memory.data(8, 4));
const network: usize = memory.data(24, 8);

/** Whether a part of the key that hashKey has read was absent. */
export let isKeyIncomplete: bool = false;

/** The value of the key's first part, for overrides; its address is 0 when it is absent. */
export const firstPart: ByteString = changetype<ByteString>(memory.data(8, 4));

/** Reads the first part of the key into firstPart. */
export function readFirstPart(limit: LimitPlan): void {
  readPart(itemAt<RateLimitKeyPart>(limit.limit.keyStart, 0));
  firstPart.start = part.start;
  firstPart.length = part.length;
}

/** The key's hash; `salt` tells overrides by match apart. Never 0. */
export function hashKey(limit: LimitPlan, salt: u32): u64 {
  isKeyIncomplete = false;
  keyedHashBegin(hashKey0, hashKey1);
  keyedHashAddNumber(limit.identity);
  keyedHashAddNumber(salt);
  for (let i: u32 = 0; i < limit.limit.keyCount; i++) {
    readPart(itemAt<RateLimitKeyPart>(limit.limit.keyStart, i));
    if (part.start === 0) {
      isKeyIncomplete = true;
      keyedHashAddNumber(ABSENT);
    } else keyedHashAddPart(part.start, part.length);
  }
  return keyedHashFinish() | 1;
}

const addressText: usize = memory.data(48);

/** A part of the key as people read it; its address is 0 when it is absent. */
export function readKeyText(spec: RateLimitKeyPart, to: ByteString): void {
  readPart(spec);
  to.start = part.start;
  to.length = part.length;
  if (part.start !== network) return;
  to.start = addressText;
  to.length = <u32>(writeNetwork(addressText) - addressText);
}

/** Writes the network that readNetwork has found: 192.0.2.0, or eight groups of hexadecimal digits. */
function writeNetwork(to: usize): usize {
  const isIpv4 = load<u64>(network) === 4;
  const low = load<u64>(network, 16);
  if (isIpv4) {
    for (let shift: i32 = 24; shift >= 0; shift -= 8) {
      to = writeDecimal(to, (low >> shift) & 0xff);
      if (shift > 0) store<u8>(to++, 46);
    }
    return to;
  }
  for (let group = 0; group < 8; group++) {
    const half = group < 4 ? load<u64>(network, 8) : low;
    const value = (<u32>(half >> ((3 - (group & 3)) << 4))) & 0xffff;
    let shift: u32 = value > 0xfff ? 12 : value > 0xff ? 8 : value > 0xf ? 4 : 0;
    for (; ; shift -= 4) {
      const digit = (value >> shift) & 15;
      store<u8>(to++, digit < 10 ? 48 + digit : 87 + digit);
      if (shift === 0) break;
    }
    if (group < 7) store<u8>(to++, 58);
  }
  return to;
}

function readPart(spec: RateLimitKeyPart): void {
  const given = spec.present;
  part.start = 0;
  part.length = 0;
  if (given & RateLimitKeyPartHas.header_) {
    const header = firstHeader(spec.headerStart, spec.headerLength);
    take(header.value, header.valueLength);
  } else if (given & RateLimitKeyPartHas.queryParam_) {
    if (findQueryParam(spec.queryParamStart, spec.queryParamLength))
      take(queryValue.start, queryValue.length);
  } else if (given & RateLimitKeyPartHas.cookie_) {
    if (findCookie(spec.cookieStart, spec.cookieLength)) take(cookieValue.start, cookieValue.length);
  } else if (given & RateLimitKeyPartHas.path_) take(uri.start, uri.length);
  else if (given & RateLimitKeyPartHas.method_) take(method.start, method.length);
  else {
    const source = spec.sourceIp;
    if (source !== null) readNetwork(source);
  }
}

// @ts-ignore: decorator
@inline
function take(start: usize, length: u32): void {
  part.start = start;
  part.length = length;
}

/** The client's address without the bits that do not count; an address that is none, such as a pipe, as it stands. */
function readNetwork(source: RateLimitSourceIp): void {
  readSourceAddress();
  const start = sourceAddress.start;
  if (start === 0) return;
  const end = endOfAddress(start, start + sourceAddress.length);
  const isBracketed = load<u8>(start) === 0x5b;
  const family = parseAddress(isBracketed ? start + 1 : start, end);
  if (family === ADDRESS_NONE) {
    take(start, sourceAddress.length);
    return;
  }
  // An IPv4 client of an IPv6 listener is the same client.
  const isMapped = family !== ADDRESS_IPV4 && addressHigh === 0 && addressLow >> 32 === 0xffff;
  if (family === ADDRESS_IPV4 || isMapped) {
    const kept = source.ipv4Prefix;
    store<u64>(network, 4);
    store<u64>(network, 0, 8);
    store<u64>(network, ((addressLow & 0xffffffff) >> (32 - kept)) << (32 - kept), 16);
  } else {
    const kept = source.ipv6Prefix;
    store<u64>(network, 6);
    store<u64>(network, kept >= 64 ? addressHigh : (addressHigh >> (64 - kept)) << (64 - kept), 8);
    // A shift by 64 is one by 0, so the two ends stand apart.
    const low = kept <= 64 ? 0 : (addressLow >> (128 - kept)) << (128 - kept);
    store<u64>(network, low, 16);
  }
  take(network, 24);
}

/** Envoy gives ADDRESS:PORT, or [ADDRESS]:PORT for IPv6. */
function endOfAddress(start: usize, end: usize): usize {
  if (end > start && load<u8>(start) === 0x5b) {
    let at = start;
    while (at < end && load<u8>(at) !== 0x5d) at += 1;
    return at;
  }
  let colon = end;
  for (let at = start; at < end; at++) {
    if (load<u8>(at) !== 0x3a) continue;
    // Two colons and no bracket: an IPv6 address alone.
    if (colon !== end) return end;
    colon = at;
  }
  return colon;
}
