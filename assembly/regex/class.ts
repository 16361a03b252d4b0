// Bracket expressions: [a-z], [^/], [\w.-], [[:alpha:]_].

import { setAddPerlClass, setAddPosixClass, setAddRange, setClear, setNegate, setUnion } from "./byteset";
import { escapeValue, parseEscape } from "./escape";
import { refuse } from "./refusal";

const group: usize = memory.data(32, 8);

/**
 * Reads the class whose bracket is at `start` into the set at `set`; returns the address behind it, 0 when it
 * was refused. Folding comes before negation, as in RE2: (?i)[^a] has neither a nor A.
 */
export function parseClass(begin: usize, start: usize, end: usize, fold: bool, set: usize): usize {
  let at = start + 1;
  setClear(set);
  const negated = at < end && load<u8>(at) === 0x5e;
  if (negated) at += 1;
  // A closing bracket in first place stands for itself.
  const first = at;
  while (at < end && (load<u8>(at) !== 0x5d || at === first)) {
    let next = readPosixClass(begin, at, end, fold, set);
    if (next === 0) return 0;
    if (next === at) next = readPerlClass(at, end, fold, set);
    if (next === at) next = readRange(begin, at, end, fold, set);
    if (next === 0) return 0;
    at = next;
  }
  if (at >= end) return refuse("missing ]: this class is not closed", <u32>(start - begin));
  if (negated) setNegate(set);
  return at + 1;
}

/** `[:name:]` or `[:^name:]`; returns `at` when none stands here. */
function readPosixClass(begin: usize, at: usize, end: usize, fold: bool, set: usize): usize {
  if (at + 2 >= end || load<u16>(at) !== 0x3a5b) return at;
  let close = at + 2;
  while (close + 1 < end && load<u16>(close) !== 0x5d3a) close += 1;
  if (close + 1 >= end) return at;
  let name = at + 2;
  const negated = load<u8>(name) === 0x5e;
  if (negated) name += 1;
  setClear(group);
  if (name > close || !setAddPosixClass(group, name, <u32>(close - name), fold)) {
    return refuse(
      "unknown class [:...:]; there are alnum, alpha, digit, space, word and RE2's others",
      <u32>(at - begin),
    );
  }
  if (negated) setNegate(group);
  setUnion(set, group);
  return close + 2;
}

/** `\d`, `\D` and the like; returns `at` when none stands here. */
function readPerlClass(at: usize, end: usize, fold: bool, set: usize): usize {
  if (at + 1 >= end || load<u8>(at) !== 0x5c) return at;
  const letter = load<u8>(at, 1);
  setClear(group);
  if (!setAddPerlClass(group, letter | 0x20, fold)) return at;
  if ((letter & 0x20) === 0) setNegate(group);
  setUnion(set, group);
  return at + 2;
}

/** One byte, or two with a hyphen between. A hyphen before the closing bracket stands for itself. */
function readRange(begin: usize, start: usize, end: usize, fold: bool, set: usize): usize {
  let at = readByte(begin, start, end);
  if (at === 0) return 0;
  const low = byteValue;
  let high = low;
  if (at + 1 < end && load<u8>(at) === 0x2d && load<u8>(at, 1) !== 0x5d) {
    at = readByte(begin, at + 1, end);
    if (at === 0) return 0;
    high = byteValue;
    if (high < low) return refuse("a range of a class ends before it begins", <u32>(start - begin));
  }
  setAddRange(set, low, high, fold);
  return at;
}

let byteValue: u32 = 0;

function readByte(begin: usize, at: usize, end: usize): usize {
  if (load<u8>(at) !== 0x5c) {
    byteValue = load<u8>(at);
    return at + 1;
  }
  const next = parseEscape(begin, at, end);
  byteValue = escapeValue;
  return next;
}
