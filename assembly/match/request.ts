// Whether a request meets a list of matches: an OR of ANDs, as Envoy's router decides it for a VirtualService.
//
// A repeated header meets a condition when one of its values does. `withoutHeaders` asks that none does, and tries
// an absent header as the empty text, unless presence is all that is asked for.

import { readProperty, SOURCE_ADDRESS } from "../abi/property";
import { cidrListHas } from "../cidr";
import { itemAt, keyAt, valueAt } from "../config/records";
import { RequestMatch, StringMatch } from "../generated/records";
import { cookieValue, findCookie } from "../request/cookies";
import { findQueryParam, queryValue } from "../request/query";
import { authority, headerAt, headerCount, method, nextHeader, scheme, uri } from "../request/view";
import { ByteString } from "../set";
import { asked } from "../trace";
import { textMatches, textMatchesIgnoringCase } from "./text";

/** The client's address as Envoy gives it, read at most once per request. */
export const sourceAddress: ByteString = changetype<ByteString>(memory.data(8, 4));
let isSourceRead: bool = false;

/** A new request: what was read of the last one is forgotten. */
// @ts-ignore: decorator
@inline
export function beginMatching(): void {
  isSourceRead = false;
}

/** Whether one of `count` matches holds; none given: true. */
export function anyMatches(start: usize, count: u32): bool {
  if (count === 0) return true;
  for (let i: u32 = 0; i < count; i++) if (requestMatches(itemAt<RequestMatch>(start, i))) return true;
  return false;
}

/** Whether every condition of one match holds; the cheap ones are asked first. */
export function requestMatches(match: RequestMatch): bool {
  return (
    holds(match.method, method) &&
    holds(match.scheme, scheme) &&
    holds(match.authority, authority) &&
    uriMatches(match) &&
    headersMatch(match) &&
    withoutHeadersMatch(match) &&
    queryMatches(match) &&
    cookiesMatch(match) &&
    sourceMatches(match)
  );
}

function holds(condition: StringMatch | null, text: ByteString): bool {
  if (condition === null) return true;
  return asked(text.start !== 0 && textMatches(condition, text.start, text.length));
}

function uriMatches(match: RequestMatch): bool {
  const condition = match.uri;
  if (condition === null) return true;
  return asked(uri.start !== 0 && uriMeets(condition, match.ignoreUriCase));
}

function uriMeets(condition: StringMatch, ignoreCase: bool): bool {
  return ignoreCase
    ? textMatchesIgnoringCase(condition, uri.start, uri.length)
    : textMatches(condition, uri.start, uri.length);
}

function headersMatch(match: RequestMatch): bool {
  const start = match.headersStart;
  for (let i: u32 = 0; i < match.headersCount; i++)
    if (!asked(oneValueMatches(keyAt<StringMatch>(start, i), valueAt<StringMatch>(start, i)))) return false;
  return true;
}

function oneValueMatches(name: ByteString, condition: StringMatch): bool {
  let i = nextHeader(name.start, name.length, 0);
  while (i < headerCount) {
    const header = headerAt(i);
    if (textMatches(condition, header.value, header.valueLength)) return true;
    i = nextHeader(name.start, name.length, i + 1);
  }
  return false;
}

function withoutHeadersMatch(match: RequestMatch): bool {
  const start = match.withoutHeadersStart;
  for (let i: u32 = 0; i < match.withoutHeadersCount; i++)
    if (!asked(noValueMatches(keyAt<StringMatch>(start, i), valueAt<StringMatch>(start, i)))) return false;
  return true;
}

function noValueMatches(name: ByteString, condition: StringMatch): bool {
  if (oneValueMatches(name, condition)) return false;
  const isAbsent = nextHeader(name.start, name.length, 0) === headerCount;
  return !(isAbsent && condition.present !== 0 && textMatches(condition, name.start, 0));
}

function queryMatches(match: RequestMatch): bool {
  const start = match.queryParamsStart;
  for (let i: u32 = 0; i < match.queryParamsCount; i++) {
    const name = keyAt<StringMatch>(start, i);
    const found = findQueryParam(name.start, name.length);
    if (!asked(found && textMatches(valueAt<StringMatch>(start, i), queryValue.start, queryValue.length)))
      return false;
  }
  return true;
}

function cookiesMatch(match: RequestMatch): bool {
  const start = match.cookiesStart;
  for (let i: u32 = 0; i < match.cookiesCount; i++) {
    const name = keyAt<StringMatch>(start, i);
    const found = findCookie(name.start, name.length);
    if (!asked(found && textMatches(valueAt<StringMatch>(start, i), cookieValue.start, cookieValue.length)))
      return false;
  }
  return true;
}

function sourceMatches(match: RequestMatch): bool {
  if (match.sourceIpCount === 0) return true;
  readSourceAddress();
  return asked(cidrListHas(match.sourceIpIndex, sourceAddress.start, sourceAddress.length));
}

/** Reads source.address, unless this request has done so; empty when there is none. */
export function readSourceAddress(): void {
  if (isSourceRead) return;
  isSourceRead = true;
  readProperty(SOURCE_ADDRESS, sourceAddress);
}
