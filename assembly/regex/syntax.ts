// Reads RE2's syntax into a tree. What RE2 refuses is refused, and what is not supported here is refused by name.
//
// The expression is bytes: in Latin-1 mode, as Envoy runs RE2, every byte of the pattern stands for itself. The
// grammar is that of RE2's parser: a flag group such as (?i) lasts to the end of the group that holds it, and a
// repetition applies to what stands before it even across such a flag group.

import { internSet, setAddPerlClass, setAddRange, setClear, setNegate, BYTE_SET_SIZE } from "./byteset";
import { parseClass } from "./class";
import { parseEscape, escapeValue } from "./escape";
import { refuse } from "./refusal";
import { addNode, Condition, nodeAt, Op, UNBOUNDED } from "./tree";
import { Vector, staticVector } from "./vector";

const MOST_REPEATS: u32 = 1000;
const DEEPEST: u32 = 200;

const enum Flag {
  FOLD = 1,
  MULTI_LINE = 2,
  DOT_NEWLINE = 4,
}

let begin: usize = 0;
let at: usize = 0;
let end: usize = 0;
let flags: u32 = 0;
let depth: u32 = 0;
const scratch: usize = memory.data(32, 8);
/** The names of named groups: address and length of each. */
const names: Vector = staticVector();

/** The root of the tree, 0 when the expression was refused. */
export function parseSyntax(pattern: usize, length: u32): u32 {
  begin = pattern;
  at = pattern;
  end = pattern + length;
  flags = 0;
  depth = 0;
  names.clear();
  let root = parseChoice();
  if (root !== 0 && at < end) root = refuse("unexpected ): it closes no group", here());
  names.release();
  return root;
}

// @ts-ignore: decorator
@inline
function here(): u32 {
  return <u32>(at - begin);
}

/** Whether `byte` stands `ahead` bytes from here. */
// @ts-ignore: decorator
@inline
function isNext(byte: u32, ahead: usize = 0): bool {
  return at + ahead < end && <u32>load<u8>(at + ahead) === byte;
}

/** Sequences separated by `|`, up to a `)` or the end. */
function parseChoice(): u32 {
  let last: u32 = 0;
  let repeats: u32 = 1;
  for (;;) {
    const branch = parseSequence();
    if (branch === 0) return 0;
    nodeAt(branch).previous = last;
    repeats = max(repeats, nodeAt(branch).repeats);
    last = branch;
    if (!isNext(0x7c)) break;
    at += 1;
  }
  return nodeAt(last).previous === 0 ? last : addNode(Op.CHOICE, last, repeats);
}

function parseSequence(): u32 {
  let last: u32 = 0;
  let repeats: u32 = 1;
  // Where the repetition that has just ended began; 0: something else came last.
  let repetition: usize = 0;
  while (at < end && !isNext(0x7c) && !isNext(0x29)) {
    const start = at;
    if (readRepetition()) {
      if (last === 0)
        return refuse("a repetition (* + ? or {n}) has nothing to repeat", <u32>(start - begin));
      if (repetition !== 0) {
        return refuse("two repetitions in a row; group the first, as in (?:a*)+", <u32>(repetition - begin));
      }
      last = repeat(last, <u32>(start - begin));
      if (last === 0) return 0;
      repeats = max(repeats, nodeAt(last).repeats);
      repetition = start;
      continue;
    }
    repetition = 0;
    if (isNext(0x28) && isNext(0x3f, 1)) {
      const group = parseFlagGroup();
      if (group === 0) return 0;
      if (group === FLAGS_ONLY) continue;
      nodeAt(group).previous = last;
      last = group;
    } else if (isNext(0x5c) && isNext(0x51, 1)) {
      last = parseQuoted(last);
    } else {
      const atom = parseAtom();
      if (atom === 0) return 0;
      nodeAt(atom).previous = last;
      last = atom;
    }
    if (last !== 0) repeats = max(repeats, nodeAt(last).repeats);
  }
  if (last === 0) return addNode(Op.EMPTY, 0, 1);
  return nodeAt(last).previous === 0 ? last : addNode(Op.SEQUENCE, last, repeats);
}

let least: u32 = 0;
let most: u32 = 0;

/** Reads `*`, `+`, `?` or `{n,m}` with a `?` behind it into least and most; false when none stands here. */
function readRepetition(): bool {
  const byte = load<u8>(at);
  if (byte === 0x2a) {
    least = 0;
    most = UNBOUNDED;
  } else if (byte === 0x2b) {
    least = 1;
    most = UNBOUNDED;
  } else if (byte === 0x3f) {
    least = 0;
    most = 1;
  } else if (byte === 0x7b) {
    const start = at;
    if (!readBounds()) {
      // Not a count: RE2 takes the brace for itself.
      at = start;
      return false;
    }
  } else {
    return false;
  }
  at += 1;
  // Lazy repetitions differ in what they capture, not in whether the whole text matches.
  if (isNext(0x3f)) at += 1;
  return true;
}

/** Reads `{n`, `{n,` or `{n,m` and stops before the closing brace. */
function readBounds(): bool {
  at += 1;
  if (!readCount()) return false;
  least = count;
  most = count;
  if (isNext(0x2c)) {
    at += 1;
    if (isNext(0x7d)) {
      most = UNBOUNDED;
    } else {
      if (!readCount()) return false;
      most = count;
    }
  }
  return isNext(0x7d);
}

let count: u32 = 0;

/** Digits without a leading zero, below 10^9; as RE2, anything else is no count at all. */
function readCount(): bool {
  const start = at;
  count = 0;
  while (at < end) {
    const digit = <u32>load<u8>(at) - 0x30;
    if (digit > 9) break;
    if (count >= 100_000_000) return false;
    count = count * 10 + digit;
    at += 1;
  }
  return at > start && (at - start === 1 || load<u8>(start) !== 0x30);
}

function repeat(node: u32, byte: u32): u32 {
  if (least > MOST_REPEATS || (most !== UNBOUNDED && most > MOST_REPEATS)) {
    return refuse("a repetition is counted beyond 1000, the limit of RE2", byte);
  }
  if (least > most) return refuse("a repetition's upper bound is below its lower bound", byte);
  const times = max<u32>(1, most === UNBOUNDED ? least : most);
  const repeats = nodeAt(node).repeats * times;
  if (repeats > MOST_REPEATS) {
    return refuse("nested repetitions multiply to more than 1000, the limit of RE2", byte);
  }
  const previous = nodeAt(node).previous;
  nodeAt(node).previous = 0;
  const outer = addNode(Op.REPEAT, node, repeats);
  nodeAt(outer).previous = previous;
  nodeAt(outer).least = least;
  nodeAt(outer).most = most;
  return outer;
}

/** One byte, class, assertion or plain group. */
function parseAtom(): u32 {
  const byte = load<u8>(at);
  if (byte === 0x28) return parseGroup(1);
  if (byte === 0x5b) {
    const start = at;
    at = parseClass(begin, at, end, (flags & Flag.FOLD) !== 0, scratch);
    if (at === 0) {
      at = start;
      return 0;
    }
    return byteNode();
  }
  if (byte === 0x5c) return parseEscapedAtom();
  at += 1;
  if (byte === 0x2e) {
    setClear(scratch);
    if ((flags & Flag.DOT_NEWLINE) === 0) setAddRange(scratch, 0x0a, 0x0a, false);
    setNegate(scratch);
    return byteNode();
  }
  if (byte === 0x5e) {
    return addNode(Op.ASSERT, flags & Flag.MULTI_LINE ? Condition.LINE_BEGIN : Condition.TEXT_BEGIN, 1);
  }
  if (byte === 0x24) {
    return addNode(Op.ASSERT, flags & Flag.MULTI_LINE ? Condition.LINE_END : Condition.TEXT_END, 1);
  }
  return literal(byte);
}

function parseEscapedAtom(): u32 {
  const start = at;
  if (at + 1 === end) return refuse("a trailing backslash escapes nothing", here());
  const letter = load<u8>(at, 1);
  at += 2;
  if (letter === 0x62) return addNode(Op.ASSERT, Condition.WORD_BOUNDARY, 1);
  if (letter === 0x42) return addNode(Op.ASSERT, Condition.NO_WORD_BOUNDARY, 1);
  if (letter === 0x41) return addNode(Op.ASSERT, Condition.TEXT_BEGIN, 1);
  if (letter === 0x7a) return addNode(Op.ASSERT, Condition.TEXT_END, 1);
  setClear(scratch);
  if (letter === 0x43) {
    setNegate(scratch);
    return byteNode();
  }
  if (setAddPerlClass(scratch, letter | 0x20, (flags & Flag.FOLD) !== 0)) {
    if ((letter & 0x20) === 0) setNegate(scratch);
    return byteNode();
  }
  at = parseEscape(begin, start, end);
  if (at === 0) {
    at = start;
    return 0;
  }
  return literal(escapeValue);
}

function literal(byte: u32): u32 {
  setClear(scratch);
  setAddRange(scratch, byte, byte, (flags & Flag.FOLD) !== 0);
  return byteNode();
}

function byteNode(): u32 {
  return addNode(Op.BYTE, internSet(scratch), 1);
}

/** `\Q...\E`: literals, appended to the sequence that ends in `last`; a missing `\E` is the end. */
function parseQuoted(last: u32): u32 {
  at += 2;
  while (at < end) {
    if (isNext(0x5c) && isNext(0x45, 1)) {
      at += 2;
      break;
    }
    const node = literal(load<u8>(at));
    nodeAt(node).previous = last;
    last = node;
    at += 1;
  }
  return last;
}

/** A group whose opening is `opening` bytes long; flags set within it end with it. */
function parseGroup(opening: usize, inner: u32 = flags): u32 {
  const start = here();
  const outer = flags;
  at += opening;
  flags = inner;
  depth += 1;
  if (depth > DEEPEST) return refuse("groups are nested more than 200 deep", start);
  const node = parseChoice();
  if (node === 0) return 0;
  if (!isNext(0x29)) return refuse("missing ): this group is not closed", start);
  at += 1;
  depth -= 1;
  flags = outer;
  // A group is one thing to repeat: a sequence stays within its own node, which parseChoice has made.
  return node;
}

/** What parseFlagGroup returns for (?i), which is no node. */
const FLAGS_ONLY: u32 = 0xffffffff;

/** `(?i)`, `(?i:...)`, `(?:...)`, `(?P<name>...)`, `(?<name>...)`. */
function parseFlagGroup(): u32 {
  const start = at;
  if (isNext(0x50, 2) && isNext(0x3c, 3)) return parseNamedGroup(4);
  if (isNext(0x3c, 2)) {
    if (isNext(0x3d, 3) || isNext(0x21, 3)) return refuse("look-behind is not in RE2's syntax", here());
    return parseNamedGroup(3);
  }
  if (isNext(0x3d, 2) || isNext(0x21, 2)) return refuse("look-ahead is not in RE2's syntax", here());
  let inner = flags;
  let negated = false;
  let seen = false;
  for (let cursor = at + 2; cursor < end; cursor++) {
    const letter = load<u8>(cursor);
    if (letter === 0x3a || letter === 0x29) {
      if (negated && !seen) break;
      if (letter === 0x3a) return parseGroup(cursor + 1 - at, inner);
      flags = inner;
      at = cursor + 1;
      return FLAGS_ONLY;
    }
    if (letter === 0x2d) {
      if (negated) break;
      negated = true;
      seen = false;
      continue;
    }
    // (?U) swaps greedy and lazy, which decides nothing here.
    const flag: u32 =
      letter === 0x69
        ? Flag.FOLD
        : letter === 0x6d
          ? Flag.MULTI_LINE
          : letter === 0x73
            ? Flag.DOT_NEWLINE
            : 0;
    if (flag === 0 && letter !== 0x55) break;
    inner = negated ? inner & ~flag : inner | flag;
    seen = true;
  }
  return refuse(
    "unknown group (?...; RE2 has (?:, (?P<name>, (?<name> and the flags i, m, s, U",
    <u32>(start - begin),
  );
}

function parseNamedGroup(opening: usize): u32 {
  const name = at + opening;
  let close = name;
  while (close < end && isNameByte(load<u8>(close))) close += 1;
  if (close === end || close === name || load<u8>(close) !== 0x3e) {
    return refuse("a group's name is letters, digits and _ between < and >", here());
  }
  const length = <u32>(close - name);
  for (let other: u32 = 0; other < names.size; other += 8) {
    if (load<u32>(names.start + other, 4) !== length) continue;
    if (memory.compare(load<u32>(names.start + other), name, length) === 0) {
      return refuse("two groups have the same name", here());
    }
  }
  const entry = names.push(8);
  store<u32>(entry, <u32>name);
  store<u32>(entry, length, 4);
  return parseGroup(close + 1 - at);
}

function isNameByte(byte: u32): bool {
  const lower = byte | 0x20;
  return (lower >= 0x61 && lower <= 0x7a) || (byte >= 0x30 && byte <= 0x39) || byte === 0x5f;
}
