// From the nondeterministic to a deterministic automaton (subset construction).
//
// A state is a set of NFA states, one bit each, and what stood before it as far as an assertion may ask. Sets
// hold byte states, the match, and assertions not yet decided: an assertion looks at the byte that follows, so it
// is decided when that byte (or the end) is known. Work and memory are bounded whatever the expression; beyond
// the bounds it is refused.

import { byteOf, columnCount } from "./alphabet";
import { setAt, setHas } from "./byteset";
import { isWordByte } from "./cursor";
import { Kind, nfaCount, nfaConditions, nfaStart, nfaState } from "./nfa";
import { refuse } from "./refusal";
import { Condition } from "./tree";
import { Vector, staticVector } from "./vector";

/** Before merging equal states, which leaves at most the 4,096 that are allowed. */
const MOST_STATES: u32 = 16_384;
const MOST_TABLE_SIZE: u32 = 2 * 1024 * 1024;
const MOST_SETS_SIZE: u32 = 8 * 1024 * 1024;
/** Visits of NFA states for one expression; about a quarter of a second. */
const MOST_WORK: u64 = 20_000_000;

/** Next state by state and column, u16 each. State 0 is the dead one. */
export const table: Vector = staticVector();
/** 1 for each state that accepts the end of the text, u8 each. */
export const accepts: Vector = staticVector();
export let dfaCount: u32 = 0;
export let dfaStart: u32 = 0;

/** What stood before a state. */
const enum Before {
  OTHER,
  NOTHING,
  NEWLINE,
  WORD,
}

/** For each state: its set (`words` u64), its hash u32 and its Before u32. */
const states: Vector = staticVector();
/** Open addressing over the states, numbers + 1, u16 each. */
const index: Vector = staticVector();
/** The set under construction, the decided set, and NFA states still to be visited. */
const target: Vector = staticVector();
const decided: Vector = staticVector();
const stack: Vector = staticVector();

const INDEX_SLOTS: u32 = 32_768;
let words: u32 = 0;
let stateSize: u32 = 0;
let work: u64 = 0;
let full: bool = false;

/** False: refused. */
export function buildDfa(): bool {
  begin();
  close(target.start, nfaStart, UNDECIDED);
  dfaStart = intern(Before.NOTHING);
  for (let state: u32 = 1; state < dfaCount && !full; state++) {
    const before = stateBefore(state);
    if (accepting(state, before)) store<u8>(accepts.start + state, 1);
    for (let column: u32 = 0; column < columnCount && !full; column++) {
      const next = step(state, before, <u32>load<u8>(byteOf + column));
      store<u16>(table.start + ((state * columnCount + column) << 1), next);
    }
  }
  if (full)
    refuse("the expression needs more than 4096 states or 512 KiB of tables, or too long to compile", 0);
  return !full;
}

export function releaseDfa(): void {
  table.release();
  accepts.release();
  states.release();
  index.release();
  target.release();
  decided.release();
  stack.release();
}

function begin(): void {
  words = (nfaCount() + 63) >> 6;
  stateSize = words * 8 + 8;
  work = 0;
  full = false;
  dfaCount = 0;
  table.clear();
  accepts.clear();
  states.clear();
  index.clear();
  target.clear();
  decided.clear();
  stack.clear();
  index.push(INDEX_SLOTS * 2);
  target.push(words * 8);
  decided.push(words * 8);
  // Every NFA state is at most once on the stack of one closure.
  stack.push(nfaCount() * 4);
  // The dead state has the empty set.
  intern(Before.OTHER);
}

// @ts-ignore: decorator
@inline
function stateBefore(state: u32): u32 {
  return load<u32>(states.start + state * stateSize + words * 8, 4);
}

/** `conditions` of a closure in which assertions stay undecided. */
const UNDECIDED: u32 = 0x80000000;

/** Adds to `set` all that is reached from `first` without reading a byte, as far as `conditions` let it. */
function close(set: usize, first: u32, conditions: u32): void {
  let height: u32 = 0;
  let state = first;
  for (;;) {
    const word = set + ((state >> 6) << 3);
    const bit = (<u64>1) << (state & 63);
    if ((load<u64>(word) & bit) === 0) {
      store<u64>(word, load<u64>(word) | bit);
      work += 1;
      const record = nfaState(state);
      const kind = record.kind;
      if (kind === Kind.SPLIT) {
        store<u32>(stack.start + (height << 2), record.value);
        height += 1;
        state = record.next;
        continue;
      }
      if (kind === Kind.ASSERT && (conditions & record.value) !== 0) {
        state = record.next;
        continue;
      }
    }
    if (height === 0) return;
    height -= 1;
    state = load<u32>(stack.start + (height << 2));
  }
}

/** What holds between what stood before and the byte that follows; 256 is the end of the text. */
function conditionsAt(before: u32, byte: u32): u32 {
  let conditions: u32 = 0;
  if (before === Before.NOTHING) conditions |= Condition.TEXT_BEGIN | Condition.LINE_BEGIN;
  if (before === Before.NEWLINE) conditions |= Condition.LINE_BEGIN;
  if (byte === 256) conditions |= Condition.TEXT_END | Condition.LINE_END;
  if (byte === 0x0a) conditions |= Condition.LINE_END;
  const word = byte < 256 && isWordByte(byte);
  conditions |= (before === Before.WORD) === word ? Condition.NO_WORD_BOUNDARY : Condition.WORD_BOUNDARY;
  return conditions;
}

/** The set of a state with its assertions decided; the state's own set where the expression has none. */
function decide(state: u32, before: u32, byte: u32): usize {
  const set = states.start + state * stateSize;
  if (nfaConditions === 0) return set;
  const conditions = conditionsAt(before, byte);
  memory.copy(decided.start, set, words * 8);
  for (let word: u32 = 0; word < words; word++) {
    for (let bits = load<u64>(set + (word << 3)); bits !== 0; bits &= bits - 1) {
      const record = nfaState((word << 6) + <u32>ctz<u64>(bits));
      work += 1;
      if (record.kind !== Kind.ASSERT || (conditions & record.value) === 0) continue;
      close(decided.start, record.next, conditions);
    }
  }
  return decided.start;
}

function accepting(state: u32, before: u32): bool {
  return (load<u64>(decide(state, before, 256)) & 1) !== 0;
}

function step(state: u32, before: u32, byte: u32): u32 {
  const set = decide(state, before, byte);
  memory.fill(target.start, 0, words * 8);
  let any = false;
  for (let word: u32 = 0; word < words; word++) {
    for (let bits = load<u64>(set + (word << 3)); bits !== 0; bits &= bits - 1) {
      const record = nfaState((word << 6) + <u32>ctz<u64>(bits));
      work += 1;
      if (record.kind !== Kind.BYTE || !setHas(setAt(record.value), byte)) continue;
      close(target.start, record.next, UNDECIDED);
      any = true;
    }
  }
  work += words;
  if (work > MOST_WORK) full = true;
  if (!any || full) return 0;
  return intern(contextAfter(byte));
}

/** What stood before, only as far as the expression's assertions can ask. */
function contextAfter(byte: u32): u32 {
  if ((nfaConditions & Condition.LINE_BEGIN) !== 0 && byte === 0x0a) return Before.NEWLINE;
  if ((nfaConditions & (Condition.WORD_BOUNDARY | Condition.NO_WORD_BOUNDARY)) !== 0 && isWordByte(byte)) {
    return Before.WORD;
  }
  return Before.OTHER;
}

/** Keeps of the set under construction what matters later. Returns whether an assertion is left in it. */
function reduce(): bool {
  let undecided = false;
  for (let word: u32 = 0; word < words; word++) {
    const address = target.start + (word << 3);
    for (let bits = load<u64>(address); bits !== 0; bits &= bits - 1) {
      const kind = nfaState((word << 6) + <u32>ctz<u64>(bits)).kind;
      work += 1;
      if (kind === Kind.SPLIT) store<u64>(address, load<u64>(address) & ~(bits & (0 - bits)));
      else if (kind === Kind.ASSERT) undecided = true;
    }
  }
  return undecided;
}

/** The number of the state with the set under construction, added if new. */
function intern(before: u32): u32 {
  if (!reduce()) before = Before.OTHER;
  let hash: u64 = before;
  for (let word: u32 = 0; word < words; word++) {
    hash = (hash ^ load<u64>(target.start + (word << 3))) * 0x9e3779b97f4a7c15;
    hash ^= hash >> 29;
  }
  const tag = <u32>(hash >> 32);
  let slot = tag & (INDEX_SLOTS - 1);
  for (;;) {
    const entry = <u32>load<u16>(index.start + (slot << 1));
    if (entry === 0) break;
    const state = states.start + (entry - 1) * stateSize;
    if (
      load<u32>(state + words * 8) === tag &&
      load<u32>(state + words * 8, 4) === before &&
      memory.compare(state, target.start, words * 8) === 0
    ) {
      return entry - 1;
    }
    slot = (slot + 1) & (INDEX_SLOTS - 1);
  }
  return addState(slot, tag, before);
}

function addState(slot: u32, tag: u32, before: u32): u32 {
  const rowSize = columnCount << 1;
  if (
    dfaCount >= MOST_STATES ||
    table.size + rowSize > MOST_TABLE_SIZE ||
    states.size + stateSize > MOST_SETS_SIZE
  ) {
    full = true;
    return 0;
  }
  const state = states.push(stateSize);
  memory.copy(state, target.start, words * 8);
  store<u32>(state + words * 8, tag);
  store<u32>(state + words * 8, before, 4);
  table.push(rowSize);
  accepts.push(1);
  dfaCount += 1;
  store<u16>(index.start + (slot << 1), dfaCount);
  return dfaCount - 1;
}
