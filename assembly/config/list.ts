// Lists: items one after the other on the stack, then kept in one piece; and what must be unique among them.

import { equals } from "../bytes";
import { stableHash } from "../hash";
import { ByteString } from "../set";
import { readComma } from "./any";
import { nodeAt, readValue, texts } from "./decode";
import { advance, byteOf, cursor, peek, skipSpace, unexpected } from "./json";
import { readObject } from "./object";
import { enterField, enterIndex, leave, refuse, sayNumber, sayQuoted } from "./refusal";
import { pop, push, stack, top } from "./stack";
import { NONE, OBJECT, word } from "./table";

export function readList(node: usize, slot: usize): bool {
  if (peek() !== 91) return unexpected("expected a list, found ");
  const start = cursor;
  const element = word(node, 1);
  const stride = word(node, 2);
  const most = word(node, 4);
  const isRecord = word(nodeAt(element), 0) === OBJECT;
  const base = top;
  let count: u32 = 0;
  advance();
  skipSpace();
  if (peek() === 93) advance();
  else {
    for (;;) {
      enterIndex(count);
      if (count === most) return refuseCount("more entries than ", most);
      const at = push(stride);
      if (!(isRecord ? readObject(nodeAt(element), at) : readValue(element, at))) return false;
      leave();
      count += 1;
      skipSpace();
      if (peek() === 93) {
        advance();
        break;
      }
      if (!readComma()) return false;
    }
  }
  if (count < word(node, 3)) return refuseShort(start, word(node, 3));
  if (word(node, 5) !== NONE && !checkUnique(node, base, count)) return false;
  return keepItems(base, count, slot);
}

export function keepItems(base: usize, count: u32, slot: usize): bool {
  const kept = pop(base);
  store<usize>(stack + slot, kept);
  store<u32>(stack + slot, count, 4);
  return true;
}

export function refuseCount(message: string, most: u32): bool {
  refuse(byteOf(cursor), message);
  sayNumber(most);
  return false;
}

function refuseShort(at: usize, least: u32): bool {
  refuse(byteOf(at), "fewer entries than ");
  sayNumber(least);
  return false;
}

/** Whether the unique texts of `count` records on the stack differ; by a table of hashes, then by bytes. */
function checkUnique(node: usize, base: usize, count: u32): bool {
  const stride = word(node, 2);
  const offset = word(node, 5);
  let capacity: u32 = 16;
  while (capacity < count << 1) capacity <<= 1;
  const slots = heap.alloc(capacity << 2);
  memory.fill(slots, 0, capacity << 2);
  let unique = true;
  for (let i: u32 = 0; unique && i < count; i++) {
    const text = changetype<ByteString>(stack + base + <usize>i * stride + offset);
    let at = (<u32>stableHash(text.start, text.length, 0)) & (capacity - 1);
    let taken = load<u32>(slots + (at << 2));
    while (taken !== 0) {
      const other = changetype<ByteString>(stack + base + <usize>(taken - 1) * stride + offset);
      if (equals(text.start, text.length, other.start, other.length)) {
        enterIndex(i);
        enterUniqueField(nodeAt(word(node, 1)), offset);
        unique = refuse(byteOf(text.start - 1), "already given above: ");
        sayQuoted(text.start, text.length);
        break;
      }
      at = (at + 1) & (capacity - 1);
      taken = load<u32>(slots + (at << 2));
    }
    store<u32>(slots + (at << 2), i + 1);
  }
  heap.free(slots);
  return unique;
}

/** The path's step to the field whose slot is at `offset`. */
function enterUniqueField(record: usize, offset: u32): void {
  const fields = nodeAt(word(record, 3));
  for (let i: u32 = 0; i < word(fields, 0); i++) {
    const entry = fields + 4 + (i << 4);
    if (word(entry, 2) === offset) enterField(texts + word(entry, 0), word(entry, 1));
  }
}
