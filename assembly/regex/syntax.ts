// Reads RE2's syntax into a tree. What RE2 refuses is refused, and what is not supported here is refused by name.
//
// The expression is bytes: in Latin-1 mode, as Envoy runs RE2, every byte of the pattern stands for itself. The
// grammar is that of RE2's parser: a flag group such as (?i) lasts to the end of the group that holds it, and a
// repetition applies to what stands before it even across such a flag group.

import { internSet, setAddPerlClass, setAddRange, setClear, setNegate } from "./byteset";
import { parseClass } from "./class";
import { cursor, Flag, hasFlag, here, isNext, startCursor } from "./cursor";
import { parseEscape, escapeValue } from "./escape";
import { Opening, readOpening, releaseNames } from "./opening";
import { refuse } from "./refusal";
import { readRepetition, repeat } from "./repetition";
import { addNode, Condition, nodeAt, Op } from "./tree";

const DEEPEST: u32 = 200;

let depth: u32 = 0;
const scratch: usize = memory.data(32, 8);

/** The root of the tree, 0 when the expression was refused. */
export function parseSyntax(pattern: usize, length: u32): u32 {
  startCursor(pattern, length);
  depth = 0;
  let root = parseChoice();
  if (root !== 0 && cursor.at < cursor.end) root = refuse("unexpected ): it closes no group", here());
  releaseNames();
  return root;
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
    cursor.at += 1;
  }
  return nodeAt(last).previous === 0 ? last : addNode(Op.CHOICE, last, repeats);
}

function parseSequence(): u32 {
  let last: u32 = 0;
  let repeats: u32 = 1;
  // Where the repetition that has just ended began, + 1; 0: something else came last.
  let repetition: u32 = 0;
  while (cursor.at < cursor.end && !isNext(0x7c) && !isNext(0x29)) {
    const start = here();
    if (readRepetition()) {
      if (last === 0) return refuse("a repetition (* + ? or {n}) has nothing to repeat", start);
      if (repetition !== 0) {
        return refuse("two repetitions in a row; group the first, as in (?:a*)+", repetition - 1);
      }
      last = repeat(last, start);
      if (last === 0) return 0;
      repetition = start + 1;
    } else {
      repetition = 0;
      last = parsePart(last);
      if (last === 0) return 0;
      if (last === NOTHING) {
        last = 0;
        continue;
      }
    }
    repeats = max(repeats, nodeAt(last).repeats);
  }
  if (last === 0) return addNode(Op.EMPTY, 0, 1);
  return nodeAt(last).previous === 0 ? last : addNode(Op.SEQUENCE, last, repeats);
}

/** What parsePart returns for (?i) or \Q\E at the beginning of a sequence. */
const NOTHING: u32 = 0xffffffff;

/** Appends what stands here to the sequence that ends in `last`; returns the new last part, 0 when refused. */
function parsePart(last: u32): u32 {
  let part: u32 = 0;
  if (isNext(0x5c) && isNext(0x51, 1)) {
    last = parseQuoted(last);
  } else if (isNext(0x28)) {
    const outer = cursor.flags;
    const start = here();
    const opening = readOpening();
    if (opening === Opening.REFUSED) return 0;
    if (opening === Opening.GROUP) {
      part = parseGroup(start, outer);
      if (part === 0) return 0;
    }
  } else {
    part = parseAtom();
    if (part === 0) return 0;
  }
  if (part !== 0) {
    nodeAt(part).previous = last;
    last = part;
  }
  return last === 0 ? NOTHING : last;
}

/** The inside of a group and its end, which restores the flags that held outside. */
function parseGroup(start: u32, outer: u32): u32 {
  depth += 1;
  if (depth > DEEPEST) return refuse("groups are nested more than 200 deep", start);
  const node = parseChoice();
  if (node === 0) return 0;
  if (!isNext(0x29)) return refuse("missing ): this group is not closed", start);
  cursor.at += 1;
  cursor.flags = outer;
  depth -= 1;
  return node;
}

/** `\Q...\E`: literals, appended to the sequence that ends in `last`; a missing `\E` is the end. */
function parseQuoted(last: u32): u32 {
  cursor.at += 2;
  while (cursor.at < cursor.end) {
    if (isNext(0x5c) && isNext(0x45, 1)) {
      cursor.at += 2;
      break;
    }
    const node = literal(load<u8>(cursor.at));
    nodeAt(node).previous = last;
    last = node;
    cursor.at += 1;
  }
  return last;
}

/** One byte, class or assertion. */
function parseAtom(): u32 {
  const byte = load<u8>(cursor.at);
  if (byte === 0x5b) {
    const next = parseClass(cursor.begin, cursor.at, cursor.end, hasFlag(Flag.FOLD), scratch);
    if (next === 0) return 0;
    cursor.at = next;
    return byteNode();
  }
  if (byte === 0x5c) return parseEscapedAtom();
  cursor.at += 1;
  if (byte === 0x2e) {
    setClear(scratch);
    if (!hasFlag(Flag.DOT_NEWLINE)) setAddRange(scratch, 0x0a, 0x0a, false);
    setNegate(scratch);
    return byteNode();
  }
  const lines = hasFlag(Flag.MULTI_LINE);
  if (byte === 0x5e) return addNode(Op.ASSERT, lines ? Condition.LINE_BEGIN : Condition.TEXT_BEGIN, 1);
  if (byte === 0x24) return addNode(Op.ASSERT, lines ? Condition.LINE_END : Condition.TEXT_END, 1);
  return literal(byte);
}

function parseEscapedAtom(): u32 {
  const start = cursor.at;
  if (start + 1 === cursor.end) return refuse("a trailing backslash escapes nothing", here());
  const letter = load<u8>(start, 1);
  cursor.at += 2;
  if (letter === 0x62) return addNode(Op.ASSERT, Condition.WORD_BOUNDARY, 1);
  if (letter === 0x42) return addNode(Op.ASSERT, Condition.NO_WORD_BOUNDARY, 1);
  if (letter === 0x41) return addNode(Op.ASSERT, Condition.TEXT_BEGIN, 1);
  if (letter === 0x7a) return addNode(Op.ASSERT, Condition.TEXT_END, 1);
  setClear(scratch);
  if (letter === 0x43) {
    setNegate(scratch);
    return byteNode();
  }
  if (setAddPerlClass(scratch, letter | 0x20, hasFlag(Flag.FOLD))) {
    if ((letter & 0x20) === 0) setNegate(scratch);
    return byteNode();
  }
  const next = parseEscape(cursor.begin, start, cursor.end);
  if (next === 0) return 0;
  cursor.at = next;
  return literal(escapeValue);
}

function literal(byte: u32): u32 {
  setClear(scratch);
  setAddRange(scratch, byte, byte, hasFlag(Flag.FOLD));
  return byteNode();
}

function byteNode(): u32 {
  return addNode(Op.BYTE, internSet(scratch), 1);
}
