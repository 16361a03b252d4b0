// IP addresses as texts, read strictly: what inet_pton reads, and nothing else.
//
// The result is left in two words, since WebAssembly functions of this dialect return one value.

export const ADDRESS_NONE: u32 = 0;
export const ADDRESS_IPV4: u32 = 4;
export const ADDRESS_IPV6: u32 = 6;

/** The address last parsed, big-endian as a number; IPv4 is in the lower 32 bits of addressLow. */
export let addressHigh: u64 = 0;
export let addressLow: u64 = 0;

export function setAddress(high: u64, low: u64): void {
  addressHigh = high;
  addressLow = low;
}

/** Reads the whole of [start, end): ADDRESS_IPV4, ADDRESS_IPV6, or ADDRESS_NONE when it is neither. */
export function parseAddress(start: usize, end: usize): u32 {
  for (let at = start; at < end; at++) {
    if (load<u8>(at) === 0x3a) return parseIpv6(start, end) ? ADDRESS_IPV6 : ADDRESS_NONE;
  }
  const value = parseIpv4(start, end);
  if (value < 0) return ADDRESS_NONE;
  setAddress(0, value);
  return ADDRESS_IPV4;
}

/** Four decimal numbers of 0 to 255 without leading zeros; -1 for anything else. */
function parseIpv4(start: usize, end: usize): i64 {
  let value: u32 = 0;
  let at = start;
  for (let part = 0; part < 4; part++) {
    if (part > 0) {
      if (at >= end || load<u8>(at) !== 0x2e) return -1;
      at += 1;
    }
    const first = at;
    let number: u32 = 0;
    while (at < end) {
      const digit = <u32>load<u8>(at) - 0x30;
      if (digit > 9) break;
      number = number * 10 + digit;
      at += 1;
      if (at - first > 3) return -1;
    }
    if (at === first || number > 255) return -1;
    if (at - first > 1 && load<u8>(first) === 0x30) return -1;
    value = (value << 8) | number;
  }
  return at === end ? <i64>value : -1;
}

/** Eight groups of hex digits, one run of them as `::`, the last two perhaps as a dotted quad. */
function parseIpv6(start: usize, end: usize): bool {
  let high: u64 = 0;
  let low: u64 = 0;
  let groups: u32 = 0;
  // How many groups stand before `::`.
  let gap: i32 = -1;
  let at = start;
  if (at + 1 < end && load<u8>(at) === 0x3a) {
    if (load<u8>(at, 1) !== 0x3a) return false;
    gap = 0;
    at += 2;
  }
  while (at < end) {
    if (groups >= 8) return false;
    const first = at;
    let number: u32 = 0;
    while (at < end) {
      const digit = hexValue(load<u8>(at));
      if (digit > 15) break;
      if (at - first >= 4) return false;
      number = (number << 4) | digit;
      at += 1;
    }
    if (at < end && load<u8>(at) === 0x2e) {
      const quad = parseIpv4(first, end);
      if (quad < 0 || groups > 6) return false;
      high = (high << 32) | (low >> 32);
      low = (low << 32) | (<u64>quad);
      groups += 2;
      at = end;
      break;
    }
    if (at === first) return false;
    high = (high << 16) | (low >> 48);
    low = (low << 16) | number;
    groups += 1;
    if (at === end) break;
    if (load<u8>(at) !== 0x3a) return false;
    at += 1;
    if (at === end) return false;
    if (load<u8>(at) === 0x3a) {
      if (gap >= 0) return false;
      gap = groups;
      at += 1;
    }
  }
  if (gap < 0) {
    setAddress(high, low);
    return groups === 8;
  }
  // `::` stands for at least one group.
  if (groups > 7) return false;
  spread(high, low, gap, groups - gap);
  return true;
}

/** Puts `before` groups at the front and `after` groups at the end of the address, zeros between. */
function spread(high: u64, low: u64, before: u32, after: u32): void {
  setAddress(0, 0);
  for (let group: u32 = 0; group < before + after; group++) {
    const back = before + after - 1 - group;
    const value = back >= 4 ? high >> ((back - 4) << 4) : low >> (back << 4);
    const place = group < before ? group : 8 - after + (group - before);
    const shift: u64 = (3 - (place & 3)) << 4;
    const bits = (value & 0xffff) << shift;
    if (place < 4) addressHigh |= bits;
    else addressLow |= bits;
  }
}

// @ts-ignore: decorator
@inline
function hexValue(byte: u32): u32 {
  if (byte - 0x30 <= 9) return byte - 0x30;
  const letter = (byte | 0x20) - 0x61;
  return letter <= 5 ? letter + 10 : 16;
}
