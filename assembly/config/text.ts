// Values that are written as texts: texts of a form, enums, durations, moments, percentages.

import { equals } from "../bytes";
import { ByteString } from "../set";
import { sayQuotedText, texts } from "./decode";
import { compileExpression } from "./expression";
import { checkFormat } from "./formats";
import { byteOf, cursor, peek, readString, stringLength, stringStart, unexpected } from "./json";
import { refuse, sayNumber, sayText } from "./refusal";
import { readDuration, readPercentText, readTimestamp, scalar } from "./scalars";
import { stack } from "./stack";
import { DURATION, ENUM, PERCENT, REGEX, STRING, TIMESTAMP, word } from "./table";

export function readText(node: usize, kind: u32, slot: usize): bool {
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
