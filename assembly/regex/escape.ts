// Escapes that stand for one byte: \n \. \x41 \x{41} \101.

import { isWordByte } from "./cursor";
import { refuse } from "./refusal";

/** The byte that the last parsed escape stands for. */
export let escapeValue: u32 = 0;

/** Reads the escape whose backslash is at `at`; returns the address behind it, 0 when it was refused. */
export function parseEscape(begin: usize, at: usize, end: usize): usize {
  const byte = <u32>(at - begin);
  if (at + 1 >= end) return refuse("a trailing backslash escapes nothing", byte);
  const letter = <u32>load<u8>(at, 1);
  if (letter === 0x78) return parseHex(begin, at, end);
  if (letter >= 0x30 && letter <= 0x37) return parseOctal(begin, at, end);
  escapeValue = letter;
  if (letter === 0x61) escapeValue = 0x07;
  else if (letter === 0x66) escapeValue = 0x0c;
  else if (letter === 0x6e) escapeValue = 0x0a;
  else if (letter === 0x72) escapeValue = 0x0d;
  else if (letter === 0x74) escapeValue = 0x09;
  else if (letter === 0x76) escapeValue = 0x0b;
  else if (letter === 0x38 || letter === 0x39) return refuseReference(byte);
  else if ((letter | 0x20) === 0x70) {
    return refuse(
      "Unicode classes (\\p) are not supported: matching is on bytes; list them, as in [A-Za-z]",
      byte,
    );
  } else if (letter >= 0x80 || isWordByte(letter)) {
    return refuse("unknown escape; a byte may be written \\xHH, and \\z is the end of the text", byte);
  }
  return at + 2;
}

/** `\xHH` or `\x{H...}`, at most FF. */
function parseHex(begin: usize, at: usize, end: usize): usize {
  const byte = <u32>(at - begin);
  let cursor = at + 2;
  escapeValue = 0;
  if (cursor < end && load<u8>(cursor) === 0x7b) {
    const first = ++cursor;
    for (; cursor < end; cursor++) {
      const digit = hexValue(load<u8>(cursor));
      if (digit > 15) break;
      escapeValue = (escapeValue << 4) | digit;
      if (escapeValue > 0xff) return refuse("\\x{...} is above FF: matching is on bytes", byte);
    }
    if (cursor < end && cursor > first && load<u8>(cursor) === 0x7d) return cursor + 1;
  } else if (cursor + 1 < end) {
    const high = hexValue(load<u8>(cursor));
    const low = hexValue(load<u8>(cursor, 1));
    escapeValue = (high << 4) | low;
    if (high <= 15 && low <= 15) return cursor + 2;
  }
  return refuse("\\x is followed by two hex digits, or by some in braces", byte);
}

/** `\0`, `\01`, `\012`, `\12`, `\123`. One digit from 1 to 7 alone is a back-reference, which RE2 has not. */
function parseOctal(begin: usize, at: usize, end: usize): usize {
  let cursor = at + 1;
  escapeValue = 0;
  while (cursor < end && cursor < at + 4) {
    const digit = <u32>load<u8>(cursor) - 0x30;
    if (digit > 7) break;
    escapeValue = (escapeValue << 3) | digit;
    cursor += 1;
  }
  const byte = <u32>(at - begin);
  if (cursor === at + 2 && load<u8>(at, 1) !== 0x30) return refuseReference(byte);
  if (escapeValue > 0xff) return refuse("an octal escape is above \\377: matching is on bytes", byte);
  return cursor;
}

function refuseReference(byte: u32): usize {
  return refuse("back-references (\\1) are not in RE2's syntax", byte);
}

function hexValue(byte: u32): u32 {
  if (byte - 0x30 <= 9) return byte - 0x30;
  const letter = (byte | 0x20) - 0x61;
  return letter <= 5 ? letter + 10 : 16;
}
