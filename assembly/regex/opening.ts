// How a group opens: `(`, `(?:`, `(?i:`, `(?P<name>`, `(?<name>`, or `(?i)`, which sets flags and is no group.

import { sameBytes } from "../bytes";
import { cursor, Flag, here, isNext, isWordByte } from "./cursor";
import { refuse } from "./refusal";
import { Vector, staticVector } from "./vector";

export const enum Opening {
  REFUSED,
  FLAGS_ONLY,
  GROUP,
}

/** The names so far: address and length of each. */
const names: Vector = staticVector();

export function releaseNames(): void {
  names.release();
}

/** Reads past the opening. The flags become those within the group, or, after FLAGS_ONLY, from here on. */
export function readOpening(): Opening {
  if (!isNext(0x3f, 1)) {
    cursor.at += 1;
    return Opening.GROUP;
  }
  if (isNext(0x50, 2) && isNext(0x3c, 3)) return readName(4);
  if (isNext(0x3c, 2)) {
    if (!isNext(0x3d, 3) && !isNext(0x21, 3)) return readName(3);
    return refuse("look-behind is not in RE2's syntax", here());
  }
  if (isNext(0x3d, 2) || isNext(0x21, 2)) return refuse("look-ahead is not in RE2's syntax", here());
  return readFlags();
}

function readFlags(): Opening {
  let flags = cursor.flags;
  let negated = false;
  let seen = false;
  for (let at = cursor.at + 2; at < cursor.end; at++) {
    const letter = load<u8>(at);
    if (letter === 0x3a || letter === 0x29) {
      if (negated && !seen) break;
      cursor.flags = flags;
      cursor.at = at + 1;
      return letter === 0x3a ? Opening.GROUP : Opening.FLAGS_ONLY;
    }
    if (letter === 0x2d) {
      if (negated) break;
      negated = true;
      seen = false;
      continue;
    }
    let flag: u32 = 0;
    if (letter === 0x69) flag = Flag.FOLD;
    else if (letter === 0x6d) flag = Flag.MULTI_LINE;
    else if (letter === 0x73) flag = Flag.DOT_NEWLINE;
    // (?U) swaps greedy and lazy, which decides nothing here.
    else if (letter !== 0x55) break;
    flags = negated ? flags & ~flag : flags | flag;
    seen = true;
  }
  return refuse("unknown group (?...; RE2 has (?:, (?P<name>, (?<name> and the flags i, m, s, U", here());
}

function readName(offset: usize): Opening {
  const name = cursor.at + offset;
  let close = name;
  while (close < cursor.end && isWordByte(load<u8>(close))) close += 1;
  if (close === cursor.end || close === name || load<u8>(close) !== 0x3e) {
    return refuse("a group's name is letters, digits and _ between < and >", here());
  }
  const length = <u32>(close - name);
  for (let other: u32 = 0; other < names.size; other += 8) {
    if (load<u32>(names.start + other, 4) !== length) continue;
    if (sameBytes(load<u32>(names.start + other), name, length)) {
      return refuse("two groups have the same name", here());
    }
  }
  const entry = names.push(8);
  store<u32>(entry, <u32>name);
  store<u32>(entry, length, 4);
  cursor.at = close + 1;
  return Opening.GROUP;
}
