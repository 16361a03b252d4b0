// The strict JSON decoder: a table says what is expected, records of fixed size are what comes out.
//
// Records under construction lie on a stack that may move as it grows, so they are named by their offset in it
// and copied to the configuration's memory when complete. Recursion is as deep as the declaration, no deeper.

import { equals } from "../bytes";
import { stableHash } from "../hash";
import { ByteString } from "../set";
import { allocate } from "./blocks";
import { checkFormat } from "./formats";
import {
  advance,
  byteOf,
  cursor,
  isAtEnd,
  openDocument,
  peek,
  readNumber,
  readString,
  readWord,
  skipSpace,
  stringLength,
  stringStart,
  unexpected,
} from "./json";
import { compileExpression } from "./expression";
import {
  enterField,
  enterIndex,
  enterKey,
  leave,
  refuse,
  resetRefusal,
  sayNumber,
  sayQuoted,
  sayText,
} from "./refusal";
import {
  checkInteger,
  checkPercent,
  readDuration,
  readFloat,
  readPercentText,
  readTimestamp,
  scalar,
} from "./scalars";
import {
  ANY,
  AT_LEAST_ONE,
  AT_MOST_ONE,
  BOOLEAN,
  DURATION,
  ENUM,
  FREE,
  INTEGER,
  LIST,
  MAP,
  MAP_VALUE,
  NONE,
  NUMBER,
  OBJECT,
  PERCENT,
  REFUSED,
  REGEX,
  STRING,
  TIMESTAMP,
  word,
} from "./table";

/** Depth of what is passed through unread. */
const MAX_ANY_DEPTH: i32 = 64;
/** The width by which a default says that its two words name a text. */
const TEXT_WIDTH: u32 = 2;

let table: usize = 0;
let texts: usize = 0;
let stack: usize = 0;
let stackSize: usize = 0;
let top: usize = 0;

/**
 * Decodes `size` bytes of JSON, followed by a 0 byte, as the table's node `root` (an object). Returns the record in
 * the configuration's memory, or 0 when the text is refused. Texts in the record point into `start`.
 */
export function decode(tableStart: usize, textsStart: usize, root: u32, start: usize, size: u32): usize {
  table = tableStart;
  texts = textsStart;
  resetRefusal();
  openDocument(start, size);
  stackSize = 4096;
  stack = heap.alloc(stackSize);
  top = 0;
  const slot = push(8);
  skipSpace();
  let record: usize = 0;
  if (readValue(root, slot)) {
    skipSpace();
    if (isAtEnd()) record = load<usize>(stack + slot);
    else refuse(byteOf(cursor), "text after the end of the document");
  }
  heap.free(stack);
  return record;
}

/** Room for `size` zeroed bytes on the stack; returns its offset. */
function push(size: usize): usize {
  const offset = top;
  top += size;
  if (top > stackSize) {
    while (stackSize < top) stackSize <<= 1;
    stack = heap.realloc(stack, stackSize);
  }
  memory.fill(stack + offset, 0, size);
  return offset;
}

/** Copies what lies above `offset` to the configuration's memory and takes it off the stack. */
function pop(offset: usize): usize {
  const size = top - offset;
  const kept = allocate(size);
  memory.copy(kept, stack + offset, size);
  top = offset;
  return kept;
}

// @ts-ignore: decorator
@inline
function nodeAt(index: u32): usize {
  return table + (index << 2);
}

/** Reads a value into the slot at stack offset `slot`; an object into memory of its own. */
function readValue(index: u32, slot: usize): bool {
  const node = nodeAt(index);
  const kind = word(node, 0);
  const byte = peek();
  if (kind === OBJECT) {
    const record = push(word(node, 1));
    if (!readObject(node, record)) return false;
    const kept = pop(record);
    store<usize>(stack + slot, kept);
    return true;
  }
  if (kind === LIST) return readList(node, slot);
  if (kind === MAP) return readMap(node, slot);
  if (kind === ANY) return skipAny();
  if (kind === REFUSED) return refuseField(node);
  if (kind === BOOLEAN) return readBoolean(slot);
  if (
    kind === STRING ||
    kind === DURATION ||
    kind === TIMESTAMP ||
    kind === ENUM ||
    (kind === PERCENT && byte === 34)
  )
    return readText(node, kind, slot);
  return readNumeric(node, kind, slot);
}

function refuseField(node: usize): bool {
  refuse(byteOf(cursor), "not supported: ");
  sayQuotedText(node, 1);
  return false;
}

function sayQuotedText(node: usize, at: u32): void {
  sayQuoted(texts + word(node, at), word(node, at + 1));
}

function readObject(node: usize, record: usize): bool {
  if (peek() !== 123) return unexpected("expected an object, found ");
  const start = cursor;
  const fields = nodeAt(word(node, 3));
  storeDefaults(nodeAt(word(node, 4)), record);
  let given: u32 = 0;
  advance();
  skipSpace();
  if (peek() === 125) advance();
  else {
    for (;;) {
      const keyAt = cursor;
      if (!readKey()) return false;
      const field = findField(fields);
      if (field === NONE) return refuseUnknown(keyAt);
      const entry = fields + 4 + (field << 4);
      enterField(texts + word(entry, 0), word(entry, 1));
      const bit = (<u32>1) << field;
      if ((given & bit) !== 0) return refuse(byteOf(keyAt), "the field is given twice");
      given |= bit;
      if (!readColon() || !readValue(word(entry, 3), record + word(entry, 2))) return false;
      leave();
      skipSpace();
      if (peek() === 125) {
        advance();
        break;
      }
      if (!readComma()) return false;
    }
  }
  store<u32>(stack + record, given);
  return (
    checkRequired(word(node, 2) & ~given, fields, start) &&
    checkGroups(nodeAt(word(node, 5)), fields, given, start)
  );
}

function storeDefaults(defaults: usize, record: usize): void {
  const count = word(defaults, 0);
  for (let i: u32 = 0; i < count; i++) {
    const entry = defaults + 4 + (i << 4);
    const to = stack + record + word(entry, 0);
    const width = word(entry, 1);
    if (width === TEXT_WIDTH) {
      store<usize>(to, texts + word(entry, 2));
      store<u32>(to, word(entry, 3), 4);
    } else if (width === 1) store<u8>(to, word(entry, 2));
    else store<u32>(to, word(entry, 2));
    if (width === 8) store<u32>(to, word(entry, 3), 4);
  }
}

/** The index of the field whose name has just been read. */
function findField(fields: usize): u32 {
  const count = word(fields, 0);
  for (let i: u32 = 0; i < count; i++) {
    const entry = fields + 4 + (i << 4);
    if (equals(texts + word(entry, 0), word(entry, 1), stringStart, stringLength)) return i;
  }
  return NONE;
}

function refuseUnknown(keyAt: usize): bool {
  enterKey(stringStart, stringLength);
  return refuse(byteOf(keyAt), "unknown field");
}

function sayField(fields: usize, field: u32): void {
  sayQuotedText(fields + 4 + (field << 4), 0);
}

function checkRequired(missing: u32, fields: usize, at: usize): bool {
  if (missing === 0) return true;
  refuse(byteOf(at), "a field is missing: ");
  sayField(fields, ctz(missing));
  return false;
}

function checkGroups(groups: usize, fields: usize, given: u32, at: usize): bool {
  const count = word(groups, 0);
  for (let i: u32 = 0; i < count; i++) {
    const rule = word(groups, 1 + (i << 1));
    const mask = word(groups, 2 + (i << 1));
    const found = popcnt(mask & given);
    if (found > 1 && rule !== AT_LEAST_ONE) {
      refuse(byteOf(at), "only one may be given of ");
      sayFields(fields, mask);
      return false;
    }
    if (found === 0 && rule !== AT_MOST_ONE) {
      refuse(byteOf(at), "one is needed of ");
      sayFields(fields, mask);
      return false;
    }
  }
  return true;
}

function sayFields(fields: usize, mask: u32): void {
  while (mask !== 0) {
    sayField(fields, ctz(mask));
    mask &= mask - 1;
    if (mask !== 0) sayText(", ");
  }
}

function readKey(): bool {
  if (peek() !== 34) return unexpected("expected a field's name, found ");
  return readString();
}

function readColon(): bool {
  skipSpace();
  if (peek() !== 58) return unexpected("expected a colon, found ");
  advance();
  skipSpace();
  return true;
}

function readComma(): bool {
  if (peek() !== 44) return unexpected("expected a comma, found ");
  advance();
  skipSpace();
  return true;
}

function readList(node: usize, slot: usize): bool {
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

function keepItems(base: usize, count: u32, slot: usize): bool {
  const kept = pop(base);
  store<usize>(stack + slot, kept);
  store<u32>(stack + slot, count, 4);
  return true;
}

function refuseCount(message: string, most: u32): bool {
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

function readMap(node: usize, slot: usize): bool {
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

function readBoolean(slot: usize): bool {
  const byte = peek();
  if (byte !== 116 && byte !== 102) return unexpected("expected true or false, found ");
  store<u8>(stack + slot, byte === 116 ? 1 : 0);
  return readWord(byte === 116 ? "true" : "false");
}

function readText(node: usize, kind: u32, slot: usize): bool {
  if (peek() !== 34) return unexpected("expected a text, found ");
  if (!readString()) return false;
  const start = stringStart;
  const length = stringLength;
  const after = cursor;
  if (kind === STRING) return keepString(node, slot, start, length);
  if (kind === ENUM) return readEnum(node, slot);
  let valid = false;
  if (kind === DURATION) valid = readDuration(node, start, length, after);
  else if (kind === TIMESTAMP) valid = readTimestamp(start, length);
  else valid = readPercentText(start, length, after);
  if (!valid) return false;
  if (kind === PERCENT) store<u32>(stack + slot, <u32>scalar);
  else store<i64>(stack + slot, scalar);
  return true;
}

function keepString(node: usize, slot: usize, start: usize, length: u32): bool {
  const format = word(node, 3);
  if (length < word(node, 1)) return refuse(byteOf(start - 1), "an empty text");
  if (length > word(node, 2)) {
    refuse(byteOf(start - 1), "longer than ");
    sayNumber(word(node, 2));
    sayText(" bytes");
    return false;
  }
  if (!checkFormat(format, start, length)) return false;
  const text = changetype<ByteString>(stack + slot);
  text.start = start;
  text.length = length;
  if (format !== REGEX) return true;
  const compiled = compileExpression(start, length);
  store<usize>(stack + slot, compiled, 8);
  return compiled !== 0;
}

function readEnum(node: usize, slot: usize): bool {
  const count = word(node, 1);
  for (let i: u32 = 0; i < count; i++) {
    if (!equals(texts + word(node, 2 + (i << 1)), word(node, 3 + (i << 1)), stringStart, stringLength))
      continue;
    store<u8>(stack + slot, i);
    return true;
  }
  refuse(byteOf(stringStart - 1), "expected one of ");
  for (let i: u32 = 0; i < count; i++) {
    if (i > 0) sayText(", ");
    sayQuotedText(node, 2 + (i << 1));
  }
  return false;
}

function readNumeric(node: usize, kind: u32, slot: usize): bool {
  const byte = peek();
  if (byte !== 45 && byte - 48 > 9) return unexpected("expected a number, found ");
  const at = cursor;
  if (!readNumber()) return false;
  if (kind === PERCENT) {
    if (!checkPercent(at)) return false;
    store<u32>(stack + slot, <u32>scalar);
    return true;
  }
  if (!(kind === NUMBER ? readFloat(node, at) : checkInteger(node, at))) return false;
  if (kind === INTEGER && word(node, 1) === 4) store<i32>(stack + slot, <i32>scalar);
  else store<i64>(stack + slot, scalar);
  return true;
}

/** Passes over one value, which must be JSON and no deeper than MAX_ANY_DEPTH. */
function skipAny(depth: i32 = 0): bool {
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
