// The strict JSON decoder: a table says what is expected (table.ts), records of fixed size are what comes out.
//
// Recursion is as deep as the declaration, no deeper. Each function that reads returns false once it has refused.

import { skipAny } from "./any";
import { byteOf, cursor, isAtEnd, openDocument, peek, readWord, skipSpace, unexpected } from "./json";
import { readList } from "./list";
import { readMap } from "./map";
import { readNumber } from "./number";
import { readObject } from "./object";
import { refuse, resetRefusal, sayQuoted } from "./refusal";
import { checkInteger, checkPercent, readFloat, scalar } from "./scalars";
import { closeStack, openStack, pop, push, stack } from "./stack";
import {
  ANY,
  BOOLEAN,
  DURATION,
  ENUM,
  INTEGER,
  LIST,
  MAP,
  NUMBER,
  OBJECT,
  PERCENT,
  REFUSED,
  STRING,
  TIMESTAMP,
  word,
} from "./table";
import { readText } from "./text";

export let table: usize = 0;

/** The names of fields, one after the other. */
export let texts: usize = 0;

/**
 * Decodes `size` bytes of JSON, followed by a 0 byte, as the table's node `root` (an object). Returns the record in
 * the configuration's memory, or 0 when the text is refused. Texts in the record point into `start`.
 */
export function decode(tableStart: usize, textsStart: usize, root: u32, start: usize, size: u32): usize {
  table = tableStart;
  texts = textsStart;
  resetRefusal();
  openDocument(start, size);
  openStack();
  const slot = push(8);
  skipSpace();
  let record: usize = 0;
  if (readValue(root, slot)) {
    skipSpace();
    if (isAtEnd()) record = load<usize>(stack + slot);
    else refuse(byteOf(cursor), "text after the end of the document");
  }
  closeStack();
  return record;
}

// @ts-ignore: decorator
@inline
export function nodeAt(index: u32): usize {
  return table + (index << 2);
}

/** Reads a value into the slot at stack offset `slot`; an object into memory of its own. */
export function readValue(index: u32, slot: usize): bool {
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

/** Quotes a name of the table: `at` is the word of its offset, the length follows. */
export function sayQuotedText(node: usize, at: u32): void {
  sayQuoted(texts + word(node, at), word(node, at + 1));
}

function readBoolean(slot: usize): bool {
  const byte = peek();
  if (byte !== 116 && byte !== 102) return unexpected("expected true or false, found ");
  store<u8>(stack + slot, byte === 116 ? 1 : 0);
  return readWord(byte === 116 ? "true" : "false");
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
