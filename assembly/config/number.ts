// Numbers, digit by digit: as JSON has them, and as texts such as `1.5s` begin with them. Nothing is rounded.

import { advance, byteOf, cursor, peek, resumeAt, unexpected } from "./json";
import { refuse } from "./refusal";

/** The number that readNumber has read: (-1 if negative) x mantissa x 10^exponent. */
export let negative: bool = false;
export let mantissa: u64 = 0;
export let exponent: i32 = 0;
/** Whether all digits are in the mantissa, as up to 19 of them are. */
export let exact: bool = false;

/** Reads a number of JSON's form; the cursor is at its first byte. */
export function readNumber(): bool {
  negative = peek() === 45;
  if (negative) advance();
  beginDigits();
  if (peek() === 48) {
    advance();
    if (peek() - 48 < 10) return refuse(byteOf(cursor), "a number may not begin with 0");
  } else if (!readDigits(0)) return unexpected("expected a value, found ");
  if (peek() === 46) {
    advance();
    if (!readDigits(-1)) return unexpected("expected a digit, found ");
  }
  if ((peek() | 32) !== 101) return true;
  advance();
  const down = peek() === 45;
  if (down || peek() === 43) advance();
  if (peek() - 48 > 9) return unexpected("expected a digit, found ");
  let power = 0;
  while (peek() - 48 < 10) {
    power = min(power * 10 + <i32>(peek() - 48), 100_000);
    advance();
  }
  exponent += down ? -power : power;
  return true;
}

/** Reads `12` or `12.5` within a text, from `at`; returns the address after it, `at` itself when there is none. */
export function readDecimal(at: usize): usize {
  negative = false;
  beginDigits();
  resumeAt(at);
  if (!readDigits(0)) return at;
  if (peek() === 46) {
    advance();
    if (!readDigits(-1)) return at;
  }
  return cursor;
}

function beginDigits(): void {
  mantissa = 0;
  exponent = 0;
  exact = true;
}

/** Adds digits to the mantissa; `step` is what each adds to the exponent. False: there is no digit. */
function readDigits(step: i32): bool {
  const start = cursor;
  let digit = peek() - 48;
  while (digit < 10) {
    if (mantissa < 1_000_000_000_000_000_000) {
      mantissa = mantissa * 10 + digit;
      exponent += step;
    } else {
      if (digit !== 0) exact = false;
      exponent += step + 1;
    }
    advance();
    digit = peek() - 48;
  }
  return cursor > start;
}
