// Numbers, durations, percentages and moments: exact, or refused. Results are in `scalar`.

import { byteOf, resumeAt } from "./json";
import { exact, exponent, mantissa, negative, readDecimal } from "./number";
import { refuse, sayNumber, sayText } from "./refusal";
import { words } from "./table";

/** What the last of these functions has read. */
export let scalar: i64 = 0;

/** |value| x 10^shift of the number just read as an integer in `scalar`; false when it is none or too large. */
function scaled(shift: i32): bool {
  let value = mantissa;
  let power = exponent + shift;
  if (value === 0) power = 0;
  while (power < 0 && value % 10 === 0) {
    value /= 10;
    power += 1;
  }
  if (power < 0 || !exact) return false;
  while (power > 0) {
    if (value > 900_000_000_000_000_000) return false;
    value *= 10;
    power -= 1;
  }
  if (value > <u64>i64.MAX_VALUE) return false;
  scalar = negative ? -(<i64>value) : <i64>value;
  return true;
}

/** Whether the number just read has a fraction. */
function isFraction(): bool {
  let value = mantissa;
  let power = exponent;
  if (value === 0) return false;
  if (!exact && power <= 0) return true;
  while (power < 0 && value % 10 === 0) {
    value /= 10;
    power += 1;
  }
  return power < 0;
}

export function checkInteger(node: usize, at: usize): bool {
  if (isFraction()) return refuse(byteOf(at), "not a whole number");
  if (!scaled(0)) scalar = negative ? i64.MIN_VALUE : i64.MAX_VALUE;
  return checkRange(scalar, words(node, 2), words(node, 4), at);
}

function checkRange(value: i64, least: i64, most: i64, at: usize): bool {
  if (value >= least && value <= most) return true;
  refuse(byteOf(at), "not between ");
  sayNumber(least);
  sayText(" and ");
  sayNumber(most);
  return false;
}

/** The number just read as a float; correctly rounded up to 15 digits and powers of ten to 22. */
export function readFloat(node: usize, at: usize): bool {
  let value = <f64>mantissa;
  let power = exponent;
  let scale: f64 = 1;
  const steps = min(power < 0 ? -power : power, 400);
  for (let i = 0; i < steps; i++) scale *= 10;
  value = power < 0 ? value / scale : value * scale;
  if (negative) value = -value;
  scalar = reinterpret<i64>(value);
  const least = reinterpret<f64>(words(node, 1));
  const most = reinterpret<f64>(words(node, 3));
  if (value >= least && value <= most) return true;
  return refuse(byteOf(at), "the number is out of range");
}

/** Millionths of the number just read; `at` is where it stands. */
export function checkPercent(at: usize): bool {
  if (negative || !scaled(4) || scalar > 1_000_000)
    return refuse(byteOf(at), "not a percentage from 0 to 100 with at most four decimals");
  return true;
}

/** A percentage as a text, such as `20%`. */
export function readPercentText(start: usize, length: u32, after: usize): bool {
  const end = start + length;
  let at = readDecimal(start);
  if (at > start) {
    if (at < end && load<u8>(at) === 32) at += 1;
    if (at < end && load<u8>(at) === 37) at += 1;
  }
  resumeAt(after);
  if (at !== end || at === start) return refuse(byteOf(start - 1), 'not a percentage, such as 20 or "0.5%"');
  return checkPercent(start - 1);
}

/** A duration such as `1h30m`, in nanoseconds. `after` is where the document goes on. */
export function readDuration(node: usize, start: usize, length: u32, after: usize): bool {
  const end = start + length;
  let at = start;
  let total: i64 = 0;
  let valid = length > 0 && length <= 64;
  while (valid && at < end) {
    const next = readDecimal(at);
    const size: usize = next === at ? 0 : unitSize(next, end);
    valid = size !== 0 && exact && exponent >= -9;
    if (!valid) break;
    const unit = unitNs(next, size);
    const part = inUnit(unit);
    if (part < 0 || total > i64.MAX_VALUE - part) total = i64.MAX_VALUE;
    else total += part;
    at = next + size;
  }
  resumeAt(after);
  if (!valid) return refuse(byteOf(start - 1), "not a duration, such as 500ms, 2s or 1m30s");
  scalar = total;
  const least = words(node, 1);
  const most = words(node, 3);
  if (total >= least * 1_000_000 && total <= most * 1_000_000) return true;
  refuse(byteOf(start - 1), "not between ");
  sayNumber(least);
  sayText("ms and ");
  sayNumber(most);
  sayText("ms");
  return false;
}

/** The decimal just read in nanoseconds, rounded down; -1 when it is too large. */
function inUnit(unit: i64): i64 {
  let power: u64 = 1;
  for (let i = exponent; i < 0; i++) power *= 10;
  const whole = mantissa / power;
  if (whole > <u64>(i64.MAX_VALUE / unit) - 1) return -1;
  // The fraction is below 10^9 and a unit below 3.7 x 10^12: split so that the product fits.
  const fraction = mantissa % power;
  const high = <u64>(unit / 1000) * fraction;
  return (
    <i64>whole * unit +
    <i64>(
      (unit < 1000 ? (<u64>unit * fraction) / power : (high / power) * 1000 + ((high % power) * 1000) / power)
    )
  );
}

/** Bytes of the unit's name at `at`; 0: none. */
function unitSize(at: usize, end: usize): usize {
  const left = end - at;
  if (left === 0) return 0;
  const byte = <u32>load<u8>(at);
  const second = left > 1 ? <u32>load<u8>(at + 1) : 0;
  if ((byte === 109 || byte === 110 || byte === 117) && second === 115) return 2;
  if (byte === 104 || byte === 109 || byte === 115) return 1;
  // U+00B5 or U+03BC, then s.
  if (left > 2 && load<u8>(at + 2) === 115)
    if ((byte === 0xc2 && second === 0xb5) || (byte === 0xce && second === 0xbc)) return 3;
  return 0;
}

function unitNs(at: usize, size: usize): i64 {
  const byte = <u32>load<u8>(at);
  if (size === 1) return byte === 104 ? 3_600_000_000_000 : byte === 109 ? 60_000_000_000 : 1_000_000_000;
  if (size === 3) return 1000;
  return byte === 109 ? 1_000_000 : byte === 117 ? 1000 : 1;
}

/** A moment of RFC 3339 with a zone, in milliseconds since 1970. */
export function readTimestamp(start: usize, length: u32): bool {
  if (!parseTimestamp(start, length))
    return refuse(byteOf(start - 1), "not a moment, such as 2027-01-01T00:00:00Z");
  return true;
}

function parseTimestamp(start: usize, length: u32): bool {
  // 2027-01-01T00:00:00 has 19 bytes, and a zone follows.
  if (length < 20 || length > 40) return false;
  const year = digits(start, 4);
  const month = digits(start + 5, 2);
  const day = digits(start + 8, 2);
  const hour = digits(start + 11, 2);
  const minute = digits(start + 14, 2);
  const second = digits(start + 17, 2);
  if (load<u8>(start, 4) !== 45 || load<u8>(start, 7) !== 45 || (load<u8>(start, 10) | 32) !== 116)
    return false;
  if (load<u8>(start, 13) !== 58 || load<u8>(start, 16) !== 58) return false;
  if (year < 0 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return false;
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) return false;
  const end = start + length;
  let at = start + 19;
  let ms = 0;
  if (load<u8>(at) === 46) {
    at += 1;
    let count = 0;
    while (at < end && <u32>load<u8>(at) - 48 < 10) {
      if (count < 3) ms = ms * 10 + (load<u8>(at) - 48);
      count += 1;
      at += 1;
    }
    if (count === 0 || count > 9) return false;
    for (; count < 3; count++) ms *= 10;
  }
  const zone = zoneMinutes(at, <u32>(end - at));
  if (zone === i32.MIN_VALUE) return false;
  const minutes = (<i64>daysFromEpoch(year, month, day) * 24 + hour) * 60 + minute - zone;
  scalar = (minutes * 60 + second) * 1000 + ms;
  return true;
}

/** Minutes east of UTC of `Z` or `+01:00`. */
function zoneMinutes(at: usize, length: u32): i32 {
  if (length === 1) return (load<u8>(at) | 32) === 122 ? 0 : i32.MIN_VALUE;
  const sign = <u32>load<u8>(at);
  if (length !== 6 || (sign !== 43 && sign !== 45) || load<u8>(at, 3) !== 58) return i32.MIN_VALUE;
  const hours = digits(at + 1, 2);
  const minutes = digits(at + 4, 2);
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return i32.MIN_VALUE;
  return sign === 45 ? -(hours * 60 + minutes) : hours * 60 + minutes;
}

/** `count` digits as a number; -1 when one is none. */
function digits(at: usize, count: u32): i32 {
  let value = 0;
  for (let i: u32 = 0; i < count; i++) {
    const digit = <u32>load<u8>(at + i) - 48;
    if (digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

function daysIn(year: i32, month: i32): i32 {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** Days from 1970-01-01 in the proleptic Gregorian calendar, counted from March so that February ends a year. */
function daysFromEpoch(year: i32, month: i32, day: i32): i32 {
  const y = month <= 2 ? year - 1 : year;
  const m = month <= 2 ? month + 9 : month - 3;
  const era = (y >= 0 ? y : y - 399) / 400;
  const yearOfEra = y - era * 400;
  const dayOfYear = (153 * m + 2) / 5 + day - 1;
  return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468;
}
