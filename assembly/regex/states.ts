// The states of the deterministic automaton under construction, each found again by its set of NFA states.

import { sameBytes } from "../bytes";
import { columnCount } from "./alphabet";
import { refuse } from "./refusal";
import { Vector, staticVector } from "./vector";

/** Before equal states are merged, which leaves at most the 4,096 that are allowed. */
const MOST_STATES: u32 = 16_384;
const MOST_TABLE_SIZE: u32 = 2 * 1024 * 1024;
const MOST_SETS_SIZE: u32 = 4 * 1024 * 1024;

/** What stood before a state, as far as an assertion may ask. */
export const enum Before {
  OTHER,
  NOTHING,
  NEWLINE,
  WORD,
}

/** Next state by state and column, u16 each. State 0 is the dead one. */
export const table: Vector = staticVector();
/** 1 for each state that accepts the end of the text, u8 each. */
export const accepts: Vector = staticVector();
export let dfaCount: u32 = 0;

/** The set of which the next state is made. */
export const target: Vector = staticVector();
/** Words of 64 NFA states in a set. */
export let words: u32 = 0;

/** For each state: its set (`words` u64), its hash u32 and its Before u32. */
const states: Vector = staticVector();
let stateSize: u32 = 0;
/** Open addressing over the states, numbers + 1, u16 each; half full at most. */
const index: Vector = staticVector();
const INDEX_SLOTS: u32 = 32_768;

/** Begins with the dead state, which has the empty set. */
export function beginStates(nfaCount: u32): void {
  words = (nfaCount + 63) >> 6;
  stateSize = words * 8 + 8;
  dfaCount = 0;
  table.clear();
  accepts.clear();
  states.clear();
  index.clear();
  target.clear();
  index.push(INDEX_SLOTS * 2);
  target.push(words * 8);
  intern(Before.OTHER);
}

export function releaseStates(): void {
  table.release();
  accepts.release();
  states.release();
  index.release();
  target.release();
}

/** The set of a state; the address is good until the next state is added. */
export function setOf(state: u32): usize {
  return states.start + state * stateSize;
}

export function beforeOf(state: u32): u32 {
  return load<u32>(setOf(state) + words * 8, 4);
}

/** The number of the state with the set in `target`, added if new; 0, and refused, beyond the limits. */
export function intern(before: u32): u32 {
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
    if (isState(entry - 1, tag, before)) return entry - 1;
    slot = (slot + 1) & (INDEX_SLOTS - 1);
  }
  return addState(slot, tag, before);
}

function isState(state: u32, tag: u32, before: u32): bool {
  const set = setOf(state);
  const size = words * 8;
  if (load<u32>(set + size) !== tag || load<u32>(set + size, 4) !== before) return false;
  return sameBytes(set, target.start, size);
}

function addState(slot: u32, tag: u32, before: u32): u32 {
  const rowSize = columnCount << 1;
  if (dfaCount >= MOST_STATES) return refuse("the expression needs more than 4096 states", 0);
  if (table.size + rowSize > MOST_TABLE_SIZE) {
    return refuse("the expression needs more than 512 KiB of tables", 0);
  }
  if (states.size + stateSize > MOST_SETS_SIZE) {
    return refuse("the expression needs more than 4 MiB to be compiled", 0);
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
