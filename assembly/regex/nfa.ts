// From the tree to a nondeterministic automaton (Thompson's), built from its end: every part is given the state
// that follows it and returns the state in which it begins.

import { refuse } from "./refusal";
import { nodeAt, Op, UNBOUNDED } from "./tree";
import { Vector, staticVector } from "./vector";

/** More states than this cannot come from an expression that is small enough for the limit on the result. */
export const MOST_NFA_STATES: u32 = 16_384;

export const enum Kind {
  /** The whole text has matched, if it ends here. */
  MATCH,
  /** Reads a byte of the set with index `value`, then `next`. */
  BYTE,
  /** Goes on in `next` where the condition `value` holds. */
  ASSERT,
  /** Goes on in `next` and in `value`. */
  SPLIT,
}


@unmanaged
export class NfaState {
  kind: u32;
  value: u32;
  next: u32;
}

export const nfa: Vector = staticVector();

/** The conditions that occur, as bits. */
export let nfaConditions: u32 = 0;
/** The state in which matching begins. */
export let nfaStart: u32 = 0;

// @ts-ignore: decorator
@inline
export function nfaState(index: u32): NfaState {
  return changetype<NfaState>(nfa.start + index * offsetof<NfaState>());
}

export function nfaCount(): u32 {
  return nfa.size / offsetof<NfaState>();
}

/** State 0 is the match. False: refused. */
export function buildNfa(root: u32): bool {
  nfa.clear();
  nfaConditions = 0;
  full = false;
  addState(Kind.MATCH, 0, 0);
  nfaStart = emit(root, 0);
  if (full) refuse("the expression needs more than 16384 steps once its repetitions are unfolded", 0);
  return !full;
}

let full: bool = false;

function addState(kind: Kind, value: u32, next: u32): u32 {
  const index = nfaCount();
  if (index >= MOST_NFA_STATES) {
    full = true;
    return 0;
  }
  const state = changetype<NfaState>(nfa.push(offsetof<NfaState>()));
  state.kind = kind;
  state.value = value;
  state.next = next;
  return index;
}

function emit(index: u32, next: u32): u32 {
  const node = nodeAt(index);
  const op = node.op;
  if (full || op === Op.EMPTY) return next;
  if (op === Op.BYTE) return addState(Kind.BYTE, node.first, next);
  if (op === Op.ASSERT) {
    nfaConditions |= node.first;
    return addState(Kind.ASSERT, node.first, next);
  }
  if (op === Op.SEQUENCE) {
    for (let part = node.first; part !== 0; part = nodeAt(part).previous) next = emit(part, next);
    return next;
  }
  if (op === Op.CHOICE) {
    let entry = emit(node.first, next);
    for (let branch = nodeAt(node.first).previous; branch !== 0; branch = nodeAt(branch).previous) {
      entry = addState(Kind.SPLIT, entry, emit(branch, next));
    }
    return entry;
  }
  return emitRepeat(index, next);
}

function emitRepeat(index: u32, next: u32): u32 {
  const node = nodeAt(index);
  const body = node.first;
  const least = node.least;
  let required = least;
  let entry = next;
  if (node.most === UNBOUNDED) {
    const split = addState(Kind.SPLIT, next, 0);
    const again = emit(body, split);
    // A full automaton gives 0, which must keep its meaning.
    if (full) return 0;
    nfaState(split).next = again;
    entry = least === 0 ? split : again;
    if (least > 0) required -= 1;
  } else {
    // Each optional copy leads to the next one or straight to the end, so that few states are active at once.
    for (let optional = node.most - least; optional > 0 && !full; optional--) {
      entry = addState(Kind.SPLIT, next, emit(body, entry));
    }
  }
  for (; required > 0 && !full; required--) entry = emit(body, entry);
  return entry;
}
