// Lists of address ranges: parsed strictly and sorted at configure time, searched by bisection on the request path.
//
// A list is laid out as
//   0  count of IPv4 ranges u32 | 4 count of IPv6 ranges u32 | 8 IPv4 ranges, then IPv6 ranges
// and a range as  0 first, upper half u64 | 8 first, lower half u64 | 16 last, upper | 24 last, lower.
// IPv4 uses the lower half only. The families are apart: `::/0` holds no IPv4 address. An IPv4-mapped address
// (::ffff:1.2.3.4) counts as IPv4 and is then tried as IPv6; a mapped range is an IPv4 range.

import { addressHigh, addressLow, ADDRESS_IPV4, ADDRESS_NONE, parseAddress, setAddress } from "./ip";
import { ByteString } from "./set";


@unmanaged
export class CidrList {
  count4: u32;
  count6: u32;
}


@unmanaged
class Range {
  firstHigh: u64;
  firstLow: u64;
  lastHigh: u64;
  lastLow: u64;
}

const HEADER_SIZE: usize = 8;
const RANGE_SIZE: usize = 32;
const MAPPED_PREFIX: u64 = 0x0000ffff00000000;

/** Why the last call of buildCidrList refused, and which of its texts, counted from 0. */
export let cidrError: string = "";
export let cidrErrorIndex: u32 = 0;

/** Bytes that a list of `count` ranges takes. */
export function cidrListSize(count: u32): usize {
  return HEADER_SIZE + <usize>count * RANGE_SIZE;
}

/**
 * Builds the list in `block`, which has cidrListSize(count) bytes aligned to 8, from `count` ByteString records
 * such as `10.0.0.0/8`, `2001:db8::/32`, or one address. False: refused, and cidrError says why.
 */
export function buildCidrList(block: usize, texts: usize, count: u32): bool {
  const list = changetype<CidrList>(block);
  const ranges = block + HEADER_SIZE;
  list.count4 = 0;
  list.count6 = 0;
  // IPv4 ranges grow from the front and IPv6 ranges from the back; the gap closes after merging.
  let front: u32 = 0;
  let back = count;
  for (let index: u32 = 0; index < count; index++) {
    const text = changetype<ByteString>(texts + <usize>index * offsetof<ByteString>());
    if (!parseRange(text.start, text.start + text.length)) {
      cidrErrorIndex = index;
      return false;
    }
    const place = rangeFamily === ADDRESS_IPV4 ? front++ : --back;
    const range = changetype<Range>(ranges + <usize>place * RANGE_SIZE);
    range.firstHigh = addressHigh;
    range.firstLow = addressLow;
    range.lastHigh = addressHigh | wildcardHigh;
    range.lastLow = addressLow | wildcardLow;
  }
  const second = ranges + <usize>back * RANGE_SIZE;
  list.count4 = sortAndMerge(ranges, front);
  list.count6 = sortAndMerge(second, count - back);
  memory.copy(ranges + <usize>list.count4 * RANGE_SIZE, second, <usize>list.count6 * RANGE_SIZE);
  return true;
}

/**
 * Whether an address is in the list. `start` is a text as Envoy's `source.address` gives it: `127.0.0.1:1234`,
 * `[::1]:1234`, also without port. What is no IP address (a Unix socket) is in no list.
 */
export function cidrListHas(block: usize, start: usize, length: u32): bool {
  const list = changetype<CidrList>(block);
  const family = parseAddressAndPort(start, length);
  if (family === ADDRESS_NONE) return false;
  const ranges = block + HEADER_SIZE;
  if (family === ADDRESS_IPV4) return covers(ranges, list.count4, 0, addressLow);
  if (addressHigh === 0 && (addressLow & 0xffffffff00000000) === MAPPED_PREFIX) {
    if (covers(ranges, list.count4, 0, addressLow & 0xffffffff)) return true;
  }
  return covers(ranges + <usize>list.count4 * RANGE_SIZE, list.count6, addressHigh, addressLow);
}

let rangeFamily: u32 = 0;
let wildcardHigh: u64 = 0;
let wildcardLow: u64 = 0;

/** Reads ADDRESS or ADDRESS/PREFIX; the address and the bits beyond the prefix are left in the globals. */
function parseRange(start: usize, end: usize): bool {
  let slash = start;
  while (slash < end && load<u8>(slash) !== 0x2f) slash += 1;
  rangeFamily = parseAddress(start, slash);
  if (rangeFamily === ADDRESS_NONE) {
    cidrError = "not an IPv4 or IPv6 address or CIDR range, such as 10.0.0.0/8 or 2001:db8::/32";
    return false;
  }
  const bits: u32 = rangeFamily === ADDRESS_IPV4 ? 32 : 128;
  let prefix = bits;
  if (slash < end) {
    prefix = parsePrefix(slash + 1, end);
    if (prefix > bits) {
      cidrError =
        bits === 32
          ? "the prefix length of an IPv4 range is a number from 0 to 32"
          : "the prefix length of an IPv6 range is a number from 0 to 128";
      return false;
    }
  }
  if (bits === 128 && prefix >= 96 && addressHigh === 0) {
    if ((addressLow & 0xffffffff00000000) === MAPPED_PREFIX) {
      rangeFamily = ADDRESS_IPV4;
      prefix -= 96;
      setAddress(0, addressLow & 0xffffffff);
    }
  }
  const free = (rangeFamily === ADDRESS_IPV4 ? 32 : 128) - prefix;
  // A shift by 64 is a shift by 0 in WebAssembly.
  wildcardLow = free >= 64 ? u64.MAX_VALUE : ((<u64>1) << free) - 1;
  wildcardHigh = free <= 64 ? 0 : free === 128 ? u64.MAX_VALUE : ((<u64>1) << (free - 64)) - 1;
  if ((addressLow & wildcardLow) !== 0 || (addressHigh & wildcardHigh) !== 0) {
    cidrError =
      "the address has bits set beyond the prefix length; write the range's first address, or a longer prefix";
    return false;
  }
  return true;
}

/** One to three digits without a leading 0; 255, which no family has, for anything else. */
function parsePrefix(start: usize, end: usize): u32 {
  const length = end - start;
  if (length === 0 || length > 3) return 255;
  if (length > 1 && load<u8>(start) === 0x30) return 255;
  let value: u32 = 0;
  for (let at = start; at < end; at++) {
    const digit = <u32>load<u8>(at) - 0x30;
    if (digit > 9) return 255;
    value = value * 10 + digit;
  }
  return min<u32>(value, 255);
}

/** Takes off brackets, port and zone. Colons alone tell `1.2.3.4:80` from `::1`: an IPv6 address has two. */
function parseAddressAndPort(start: usize, length: u32): u32 {
  if (length === 0 || length > 64) return ADDRESS_NONE;
  let end = start + length;
  if (load<u8>(start) === 0x5b) {
    start += 1;
    let close = start;
    while (close < end && load<u8>(close) !== 0x5d && load<u8>(close) !== 0x25) close += 1;
    if (close === end) return ADDRESS_NONE;
    return parseAddress(start, close);
  }
  let colon: usize = 0;
  let colons = 0;
  for (let at = start; at < end; at++) {
    if (load<u8>(at) === 0x3a) {
      colon = at;
      colons += 1;
    }
  }
  return parseAddress(start, colons === 1 ? colon : end);
}

function covers(ranges: usize, count: u32, high: u64, low: u64): bool {
  let from: u32 = 0;
  let to = count;
  while (from < to) {
    const middle = (from + to) >> 1;
    const range = changetype<Range>(ranges + <usize>middle * RANGE_SIZE);
    if (isBelow(high, low, range.firstHigh, range.firstLow)) to = middle;
    else from = middle + 1;
  }
  if (from === 0) return false;
  const range = changetype<Range>(ranges + <usize>(from - 1) * RANGE_SIZE);
  return !isBelow(range.lastHigh, range.lastLow, high, low);
}

// @ts-ignore: decorator
@inline
function isBelow(aHigh: u64, aLow: u64, bHigh: u64, bLow: u64): bool {
  return aHigh < bHigh || (aHigh === bHigh && aLow < bLow);
}

/**
 * Sorts by first address (Shell's sort, Ciura's gaps), drops what lies within another range, and returns how many
 * are left. Two CIDR ranges are nested or apart, never crossed.
 */
function sortAndMerge(ranges: usize, count: u32): u32 {
  sortWithGap(ranges, count, 701);
  sortWithGap(ranges, count, 301);
  sortWithGap(ranges, count, 132);
  sortWithGap(ranges, count, 57);
  sortWithGap(ranges, count, 23);
  sortWithGap(ranges, count, 10);
  sortWithGap(ranges, count, 4);
  sortWithGap(ranges, count, 1);
  let kept: u32 = 0;
  for (let index: u32 = 0; index < count; index++) {
    const range = changetype<Range>(ranges + <usize>index * RANGE_SIZE);
    if (kept > 0) {
      const last = changetype<Range>(ranges + <usize>(kept - 1) * RANGE_SIZE);
      // Equal first addresses: the longer range swallows the shorter, whichever came first.
      if (range.firstHigh === last.firstHigh && range.firstLow === last.firstLow) {
        if (isBelow(last.lastHigh, last.lastLow, range.lastHigh, range.lastLow)) {
          last.lastHigh = range.lastHigh;
          last.lastLow = range.lastLow;
        }
        continue;
      }
      if (!isBelow(last.lastHigh, last.lastLow, range.firstHigh, range.firstLow)) continue;
    }
    memory.copy(ranges + <usize>kept * RANGE_SIZE, changetype<usize>(range), RANGE_SIZE);
    kept += 1;
  }
  return kept;
}

function sortWithGap(ranges: usize, count: u32, gap: u32): void {
  for (let index = gap; index < count; index++) {
    const source = changetype<Range>(ranges + <usize>index * RANGE_SIZE);
    const firstHigh = source.firstHigh;
    const firstLow = source.firstLow;
    const lastHigh = source.lastHigh;
    const lastLow = source.lastLow;
    let place = index;
    while (place >= gap) {
      const other = changetype<Range>(ranges + <usize>(place - gap) * RANGE_SIZE);
      if (!isBelow(firstHigh, firstLow, other.firstHigh, other.firstLow)) break;
      memory.copy(ranges + <usize>place * RANGE_SIZE, changetype<usize>(other), RANGE_SIZE);
      place -= gap;
    }
    const target = changetype<Range>(ranges + <usize>place * RANGE_SIZE);
    target.firstHigh = firstHigh;
    target.firstLow = firstLow;
    target.lastHigh = lastHigh;
    target.lastLow = lastLow;
  }
}
