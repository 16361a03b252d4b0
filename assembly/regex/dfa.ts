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
import { isRefused, refuse } from "./refusal";
import {
  accepts,
  Before,
  beforeOf,
  beginStates,
  dfaCount,
  intern,
  releaseStates,
  setOf,
  table,
  target,
  words,
} from "./states";
import { Condition } from "./tree";
import { Vector, staticVector } from "./vector";

/** Visits of NFA states for one expression; about a quarter of a second. */
const MOST_WORK: u64 = 20_000_000;

/** The state in which matching begins. */
export let dfaStart: u32 = 0;

/** A state's set with its assertions decided, and NFA states still to be visited. */
const decided: Vector = staticVector();
const stack: Vector = staticVector();
/** Steps taken for the last expression. */
export let work: u64 = 0;

/** False: refused. */
export function buildDfa(): bool {
  beginStates(nfaCount());
  work = 0;
  decided.clear();
  decided.push(words * 8);
  // Every NFA state is at most once on the stack of one closure.
  stack.clear();
  stack.push(nfaCount() * 4);
  close(target.start, nfaStart, UNDECIDED);
  dfaStart = intern(reduce() ? Before.NOTHING : Before.OTHER);
  for (let state: u32 = 1; state < dfaCount && !isRefused(); state++) {
    const before = beforeOf(state);
    if (accepting(state, before)) store<u8>(accepts.start + state, 1);
    for (let column: u32 = 0; column < columnCount && !isRefused(); column++) {
      const next = step(state, before, <u32>load<u8>(byteOf + column));
      store<u16>(table.start + ((state * columnCount + column) << 1), next);
    }
  }
  return !isRefused();
}

export function releaseDfa(): void {
  releaseStates();
  decided.release();
  stack.release();
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
  const set = setOf(state);
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
  if (work > MOST_WORK) return refuse("the expression needs more than 20000000 steps to be compiled", 0);
  if (!any) return 0;
  return intern(reduce() ? contextAfter(byte) : Before.OTHER);
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
