// The lexical half of the strict JSON reader (RFC 8259): white space and texts. The text is followed by a
// 0 byte, which is valid nowhere, so no look at the next byte passes the end. Texts are unescaped where they lie.

import { refuse, sayQuoted } from "./refusal";

/** The next byte to be read. */
export let cursor: usize = 0;
let first: usize = 0;
let end: usize = 0;

/** The text that readString has read. */
export let stringStart: usize = 0;
export let stringLength: u32 = 0;

/** Starts at the first byte; the byte after the text must be 0. */
export function openDocument(start: usize, size: u32): void {
  first = start;
  cursor = start;
  end = start + size;
}

/** How far an address is from the start of the document. */
export function byteOf(at: usize): u32 {
  return <u32>(at - first);
}

// @ts-ignore: decorator
@inline
export function peek(): u32 {
  return load<u8>(cursor);
}

// @ts-ignore: decorator
@inline
export function advance(): void {
  cursor += 1;
}

// @ts-ignore: decorator
@inline
export function isAtEnd(): bool {
  return cursor >= end;
}

export function skipSpace(): void {
  let byte = peek();
  while (byte === 32 || byte === 10 || byte === 13 || byte === 9) {
    cursor += 1;
    byte = peek();
  }
}

/** Goes on at an address, as after a look into a text. */
// @ts-ignore: decorator
@inline
export function resumeAt(at: usize): void {
  cursor = at;
}

/** Refuses what stands at the cursor, where something else is expected. */
export function unexpected(expected: string): bool {
  if (isAtEnd()) return refuse(byteOf(cursor), "the text ends early");
  refuse(byteOf(cursor), expected);
  sayQuoted(cursor, 1);
  return false;
}

/** Consumes a literal name, of which the first byte has been seen. */
export function readWord(word: string): bool {
  for (let i = 0; i < word.length; i++) {
    if (peek() !== load<u16>(changetype<usize>(word) + (i << 1)))
      return unexpected("expected a value, found ");
    cursor += 1;
  }
  return true;
}

/** Reads a text; the cursor is at its opening quotation mark. */
export function readString(): bool {
  const start = cursor + 1;
  let at = start;
  let byte = <u32>load<u8>(at);
  while (byte !== 34 && byte !== 92 && byte - 32 < 96) {
    at += 1;
    byte = load<u8>(at);
  }
  let to = at;
  while (byte !== 34) {
    cursor = at;
    if (byte < 32) {
      if (isAtEnd()) return refuse(byteOf(at), "the text ends early");
      return refuse(byteOf(at), "a control character in a text must be escaped");
    }
    if (byte === 92) {
      const size = unescape(at, to);
      if (size === 0) return false;
      to += size;
      at = cursor;
    } else {
      const size: u32 = byte < 128 ? 1 : sequenceSize(at);
      if (size === 0) return refuse(byteOf(at), "the text is not valid UTF-8");
      for (let i: u32 = 0; i < size; i++) store<u8>(to + i, load<u8>(at + i));
      at += size;
      to += size;
    }
    byte = load<u8>(at);
  }
  cursor = at + 1;
  stringStart = start;
  stringLength = <u32>(to - start);
  return true;
}

/** Decodes the escape at `at` to `to`, moves the cursor past it and returns the bytes written; 0: refused. */
function unescape(at: usize, to: usize): u32 {
  const letter = <u32>load<u8>(at + 1);
  cursor = at + 2;
  let byte: u32 = 0;
  if (letter === 34 || letter === 92 || letter === 47) byte = letter;
  else if (letter === 110) byte = 10;
  else if (letter === 116) byte = 9;
  else if (letter === 114) byte = 13;
  else if (letter === 98) byte = 8;
  else if (letter === 102) byte = 12;
  else if (letter === 117) return unescapeUnicode(at, to);
  else {
    refuse(byteOf(at), "not an escape that JSON has");
    return 0;
  }
  store<u8>(to, byte);
  return 1;
}

function unescapeUnicode(at: usize, to: usize): u32 {
  let code = hex4(at + 2);
  cursor = at + 6;
  if (code >= 0xd800 && code < 0xdc00 && load<u8>(at + 6) === 92 && load<u8>(at + 7) === 117) {
    const second = hex4(at + 8);
    if (second >= 0xdc00 && second < 0xe000) {
      code = 0x10000 + ((code - 0xd800) << 10) + (second - 0xdc00);
      cursor = at + 12;
    }
  }
  if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) {
    refuse(byteOf(at), "not an escape of a Unicode character");
    return 0;
  }
  return writeUtf8(to, code);
}

/** Four hexadecimal digits; a number beyond Unicode for anything else. */
function hex4(at: usize): u32 {
  let value: u32 = 0;
  for (let i = 0; i < 4; i++) {
    const byte = <u32>load<u8>(at + i);
    let digit = byte - 48;
    if (digit > 9) {
      digit = (byte | 32) - 97 + 10;
      // A byte below the letters has wrapped to a large number.
      if (digit < 10 || digit > 15) return 0xffffffff;
    }
    value = (value << 4) | digit;
  }
  return value;
}

function writeUtf8(to: usize, code: u32): u32 {
  if (code < 0x80) {
    store<u8>(to, code);
    return 1;
  }
  const size: u32 = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  for (let i = size - 1; i > 0; i--) {
    store<u8>(to + i, 0x80 | (code & 0x3f));
    code >>= 6;
  }
  store<u8>(to, (size === 2 ? 0xc0 : size === 3 ? 0xe0 : 0xf0) | code);
  return size;
}

/** Bytes of the well-formed UTF-8 sequence at `at`, whose first byte is not ASCII; 0 when it is not one. */
function sequenceSize(at: usize): u32 {
  const lead = <u32>load<u8>(at);
  const second = <u32>load<u8>(at + 1);
  let low: u32 = 0x80;
  let high: u32 = 0xbf;
  let size: u32 = 2;
  if (lead >= 0xe0) size = lead < 0xf0 ? 3 : 4;
  // Shortest form only, no surrogates, nothing above U+10FFFF.
  if (lead < 0xc2 || lead > 0xf4) return 0;
  if (lead === 0xe0) low = 0xa0;
  else if (lead === 0xed) high = 0x9f;
  else if (lead === 0xf0) low = 0x90;
  else if (lead === 0xf4) high = 0x8f;
  if (second < low || second > high) return 0;
  for (let i: u32 = 2; i < size; i++) if (((<u32>load<u8>(at + i)) & 0xc0) !== 0x80) return 0;
  return size;
}
