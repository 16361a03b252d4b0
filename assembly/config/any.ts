// What is passed over unread, and the punctuation that all containers share.

import { advance, byteOf, cursor, peek, readString, readWord, skipSpace, unexpected } from "./json";
import { readNumber } from "./number";
import { refuse } from "./refusal";

/** Depth of what is passed through unread. */
const MAX_ANY_DEPTH: i32 = 64;

export function readKey(): bool {
  if (peek() !== 34) return unexpected("expected a field's name, found ");
  return readString();
}

export function readColon(): bool {
  skipSpace();
  if (peek() !== 58) return unexpected("expected a colon, found ");
  advance();
  skipSpace();
  return true;
}

export function readComma(): bool {
  if (peek() !== 44) return unexpected("expected a comma, found ");
  advance();
  skipSpace();
  return true;
}

/** Passes over one value, which must be JSON and no deeper than MAX_ANY_DEPTH. */
export function skipAny(depth: i32 = 0): bool {
  const byte = peek();
  if (depth > MAX_ANY_DEPTH) return refuse(byteOf(cursor), "nested too deeply");
  if (byte === 34) return readString();
  if (byte === 116) return readWord("true");
  if (byte === 102) return readWord("false");
  if (byte === 110) return readWord("null");
  if (byte !== 123 && byte !== 91) return readNumber();
  const close = byte + 2;
  advance();
  skipSpace();
  if (peek() === close) {
    advance();
    return true;
  }
  while (skipEntry(byte, depth)) {
    if (peek() === close) {
      advance();
      return true;
    }
    if (!readComma()) break;
  }
  return false;
}

/** Passes over one entry of a list or object and the space after it. */
function skipEntry(open: u32, depth: i32): bool {
  if (open === 123 && !(readKey() && readColon())) return false;
  if (!skipAny(depth + 1)) return false;
  skipSpace();
  return true;
}
