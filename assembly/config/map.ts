// Maps: objects whose names the user chooses. Few entries by declaration, so every name is compared.

import { equals } from "../bytes";
import { ByteString } from "../set";
import { readColon, readComma, readKey } from "./any";
import { nodeAt, readValue } from "./decode";
import { checkFormat } from "./formats";
import { advance, byteOf, cursor, peek, skipSpace, stringLength, stringStart, unexpected } from "./json";
import { keepItems, refuseCount } from "./list";
import { readObject } from "./object";
import { enterKey, leave, refuse } from "./refusal";
import { push, stack, top } from "./stack";
import { FREE, MAP_VALUE, OBJECT, word } from "./table";

export function readMap(node: usize, slot: usize): bool {
  if (peek() !== 123) return unexpected("expected an object, found ");
  const value = word(node, 1);
  const stride = word(node, 2);
  const most = word(node, 3);
  const format = word(node, 4);
  const isRecord = word(nodeAt(value), 0) === OBJECT;
  const base = top;
  let count: u32 = 0;
  advance();
  skipSpace();
  if (peek() === 125) advance();
  else {
    for (;;) {
      if (count === most) return refuseCount("more entries than ", most);
      const keyAt = cursor;
      if (!readKey()) return false;
      const start = stringStart;
      const length = stringLength;
      enterKey(start, length);
      if (format !== FREE && length === 0) return refuse(byteOf(keyAt), "an empty name");
      if (!checkFormat(format, start, length)) return false;
      if (hasKey(base, stride, count, start, length)) return refuse(byteOf(keyAt), "the name is given twice");
      const at = push(stride);
      const key = changetype<ByteString>(stack + at);
      key.start = start;
      key.length = length;
      if (!readColon()) return false;
      const to = at + MAP_VALUE;
      if (!(isRecord ? readObject(nodeAt(value), to) : readValue(value, to))) return false;
      leave();
      count += 1;
      skipSpace();
      if (peek() === 125) {
        advance();
        break;
      }
      if (!readComma()) return false;
    }
  }
  return keepItems(base, count, slot);
}

/** Maps are small by declaration: every key is compared. */
function hasKey(base: usize, stride: usize, count: u32, start: usize, length: u32): bool {
  for (let i: u32 = 0; i < count; i++) {
    const key = changetype<ByteString>(stack + base + <usize>i * stride);
    if (equals(key.start, key.length, start, length)) return true;
  }
  return false;
}
