// What matching needs beyond the records: sets of values, sorted address ranges. Configure only.

import { buildCidrList, cidrListSize } from "../cidr";
import { equalsAscii, literal } from "../bytes";
import { allocate } from "../config/blocks";
import { itemAt, keyAt, valueAt } from "../config/records";
import { RequestMatch, StringMatch, StringMatchHas } from "../generated/records";
import { buildByteSet, byteSetSize, ByteString } from "../set";

const AUTHORITY: ByteString = literal(":authority");

export function compileMatches(start: usize, count: u32): void {
  for (let i: u32 = 0; i < count; i++) compileMatch(itemAt<RequestMatch>(start, i));
}

function compileMatch(match: RequestMatch): void {
  compileText(match.uri);
  compileText(match.scheme);
  compileText(match.method);
  compileText(match.authority);
  compileNamed(match.headersStart, match.headersCount);
  compileNamed(match.withoutHeadersStart, match.withoutHeadersCount);
  nameAuthority(match.headersStart, match.headersCount);
  nameAuthority(match.withoutHeadersStart, match.withoutHeadersCount);
  compileNamed(match.queryParamsStart, match.queryParamsCount);
  compileNamed(match.cookiesStart, match.cookiesCount);
  if (match.sourceIpCount === 0) return;
  match.sourceIpIndex = allocate(cidrListSize(match.sourceIpCount));
  // Every range was read once by the decoder, so this does not refuse.
  buildCidrList(match.sourceIpIndex, match.sourceIpStart, match.sourceIpCount);
}

/** Whether one of `count` matches asks for more than the client's address. */
export function readsHeaders(start: usize, count: u32): bool {
  for (let i: u32 = 0; i < count; i++) {
    const match = itemAt<RequestMatch>(start, i);
    const texts =
      match.uri !== null || match.scheme !== null || match.method !== null || match.authority !== null;
    if (
      texts ||
      match.headersCount + match.withoutHeadersCount + match.queryParamsCount + match.cookiesCount > 0
    )
      return true;
  }
  return false;
}

export function compileText(condition: StringMatch | null): void {
  if (condition === null || (condition.present & StringMatchHas.in_) === 0) return;
  const block = allocate(byteSetSize(condition.inCount));
  condition.inIndex = changetype<usize>(buildByteSet(block, condition.inStart, condition.inCount));
}

function compileNamed(start: usize, count: u32): void {
  for (let i: u32 = 0; i < count; i++) compileText(valueAt<StringMatch>(start, i));
}

/** Envoy holds the Host header as :authority and finds it by either name. */
function nameAuthority(start: usize, count: u32): void {
  for (let i: u32 = 0; i < count; i++) {
    const key = keyAt<StringMatch>(start, i);
    if (!equalsAscii(key.start, key.length, "host")) continue;
    key.start = AUTHORITY.start;
    key.length = AUTHORITY.length;
  }
}
