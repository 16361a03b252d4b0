// The path as a template: the first given one that fits, such as /users/{id}; else, where that is allowed, the path
// with everything that looks like an identifier replaced by {id}.
//
// A path parameter stands for one whole segment that is not empty. Elsewhere a segment is taken for an identifier
// when it is a number, a UUID, or a hash: at least 8 hexadecimal digits, one of them 0 to 9, or at least 20 letters,
// digits, `-` and `_`, three of them 0 to 9.

import { scratch } from "../../assembly/abi/arena";
import { findByte, literal, sameBytes, writeBytes } from "../../assembly/bytes";
import { itemAt } from "../../assembly/config/records";
import { ByteString } from "../../assembly/set";
import { PathTemplates } from "./generated/config";

const ID: ByteString = literal("{id}");
/** Values of labels are not longer; a template has room for one byte more, so that it is seen to be too long. */
const MAX_TEMPLATE: u32 = 129;

/** Writes the template of a path to `to`. */
export function templateOf(templates: PathTemplates, start: usize, end: usize, to: ByteString): void {
  for (let i: u32 = 0; i < templates.templatesCount; i++) {
    const template = itemAt<ByteString>(templates.templatesStart, i);
    if (!fits(template.start, template.start + template.length, start, end)) continue;
    to.start = template.start;
    to.length = template.length;
    return;
  }
  if (templates.learn) return learn(start, end, to);
  to.start = start;
  to.length = <u32>(end - start);
}

function fits(template: usize, templateEnd: usize, start: usize, end: usize): bool {
  while (template < templateEnd && start < end) {
    const part = findByte(template, templateEnd, 47);
    const segment = findByte(start, end, 47);
    const size = <u32>(part - template);
    const isParameter = size > 2 && load<u8>(template) === 123 && load<u8>(part - 1) === 125;
    if (isParameter) {
      if (segment === start) return false;
    } else if (size !== <u32>(segment - start) || !sameBytes(template, start, size)) return false;
    // A slash at the end of one of the two makes a difference.
    if (part < templateEnd !== segment < end) return false;
    template = part + 1;
    start = segment + 1;
  }
  return template >= templateEnd && start >= end;
}

function learn(start: usize, end: usize, to: ByteString): void {
  const block = scratch(MAX_TEMPLATE + ID.length);
  if (block === 0) return;
  let at = block;
  const most = block + MAX_TEMPLATE;
  while (start < end && at < most) {
    const segment = findByte(start, end, 47);
    const size = <u32>(segment - start);
    if (isIdentifier(start, size)) at = writeBytes(at, ID.start, ID.length);
    else at = writeBytes(at, start, min(size, <u32>(most - at)));
    if (segment < end && at < most) {
      store<u8>(at, 47);
      at += 1;
    }
    start = segment + 1;
  }
  to.start = block;
  to.length = <u32>(at - block);
}

/** Whether a segment looks like an identifier. */
export function isIdentifier(start: usize, length: u32): bool {
  let digits: u32 = 0;
  let hexadecimals: u32 = 0;
  let dashes: u32 = 0;
  for (let i: u32 = 0; i < length; i++) {
    const byte = <u32>load<u8>(start + i);
    const letter = (byte | 32) - 97;
    if (byte - 48 < 10) digits += 1;
    else if (letter < 6) hexadecimals += 1;
    else if (byte === 45) dashes += 1;
    else if (letter >= 26 && byte !== 95) return false;
  }
  if (digits === 0) return false;
  if (digits === length) return true;
  if (digits + hexadecimals === length) return length >= 8;
  if (length === 36 && dashes === 4 && digits + hexadecimals === 32) return true;
  return length >= 20 && digits >= 3;
}
