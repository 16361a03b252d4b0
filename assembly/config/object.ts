// Objects with declared fields: each at most once, no others, the required ones, and the groups' rules.

import { equals } from "../bytes";
import { readColon, readComma, readKey } from "./any";
import { nodeAt, readValue, sayQuotedText, texts } from "./decode";
import { advance, byteOf, cursor, peek, skipSpace, stringLength, stringStart, unexpected } from "./json";
import { enterField, enterKey, leave, refuse, sayText } from "./refusal";
import { stack } from "./stack";
import { AT_LEAST_ONE, AT_MOST_ONE, NONE, word } from "./table";

/** The width by which a default says that its two words name a text. */
const TEXT_WIDTH: u32 = 2;

export function readObject(node: usize, record: usize): bool {
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
