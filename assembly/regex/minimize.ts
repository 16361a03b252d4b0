// Merges states that no continuation tells apart (Hopcroft's algorithm, in n log n steps per column).
//
// The blocks of the partition lie side by side in one permutation of the states: block b is members[first[b]] to
// members[last[b] - 1], and the marked members of a block stand at its front while it is being split.

import { columnCount } from "./alphabet";
import { accepts, dfaCount, table } from "./states";
import { Vector, staticVector } from "./vector";

/** The block of each state, u32 each, and how many there are. */
export const blockOf: Vector = staticVector();
export let blockCount: u32 = 0;

const members: Vector = staticVector();
const placeOf: Vector = staticVector();
const first: Vector = staticVector();
const last: Vector = staticVector();
const marked: Vector = staticVector();
/** Blocks whose predecessors are still to be looked at, and whether each block is among them. */
const queue: Vector = staticVector();
const queued: Vector = staticVector();
const touched: Vector = staticVector();
const splitter: Vector = staticVector();
/** For each column: where the predecessors of each state begin (n + 1 numbers), and the predecessors. */
const offsets: Vector = staticVector();
const predecessors: Vector = staticVector();

// @ts-ignore: decorator
@inline
function get(vector: Vector, index: u32): u32 {
  return load<u32>(vector.start + (index << 2));
}

// @ts-ignore: decorator
@inline
function set(vector: Vector, index: u32, value: u32): void {
  store<u32>(vector.start + (index << 2), value);
}

export function minimize(): void {
  prepare();
  while (queue.size > 0) {
    queue.size -= 4;
    const block = load<u32>(queue.start + queue.size);
    set(queued, block, 0);
    // The block may be split while it serves: its members are copied.
    const from = get(first, block);
    const size = get(last, block) - from;
    memory.copy(splitter.start, members.start + (from << 2), size << 2);
    for (let column: u32 = 0; column < columnCount; column++) refine(column, size);
  }
}

export function releaseMinimize(): void {
  blockOf.release();
  members.release();
  placeOf.release();
  first.release();
  last.release();
  marked.release();
  queue.release();
  queued.release();
  touched.release();
  splitter.release();
  offsets.release();
  predecessors.release();
}

/** Splits every block into the states that this column leads into the splitter, and the others. */
function refine(column: u32, size: u32): void {
  const base = column * (dfaCount + 1);
  touched.size = 0;
  for (let i: u32 = 0; i < size; i++) {
    const state = get(splitter, i);
    const to = get(offsets, base + state + 1);
    for (let at = get(offsets, base + state); at < to; at++) {
      mark(<u32>load<u16>(predecessors.start + ((column * dfaCount + at) << 1)));
    }
  }
  for (let i: u32 = 0; i < touched.size >> 2; i++) splitBlock(get(touched, i));
}

function mark(state: u32): void {
  const block = get(blockOf, state);
  const front = get(first, block) + get(marked, block);
  const place = get(placeOf, state);
  if (place < front) return;
  const other = get(members, front);
  set(members, front, state);
  set(placeOf, state, front);
  set(members, place, other);
  set(placeOf, other, place);
  if (get(marked, block) === 0) store<u32>(touched.push(4), block);
  set(marked, block, get(marked, block) + 1);
}

/** The marked front becomes a block of its own, unless it is the whole. */
function splitBlock(block: u32): void {
  const from = get(first, block);
  const middle = from + get(marked, block);
  set(marked, block, 0);
  const to = get(last, block);
  if (middle === to) return;
  const fresh = blockCount;
  addBlock(from, middle);
  set(first, block, middle);
  for (let place = from; place < middle; place++) set(blockOf, get(members, place), fresh);
  // If the old block waits, both halves must; else the smaller one is enough.
  if (get(queued, block) !== 0 || middle - from <= to - middle) enqueue(fresh);
  else enqueue(block);
}

function addBlock(from: u32, to: u32): void {
  store<u32>(first.push(4), from);
  store<u32>(last.push(4), to);
  marked.push(4);
  queued.push(4);
  blockCount += 1;
}

function enqueue(block: u32): void {
  if (get(queued, block) !== 0) return;
  set(queued, block, 1);
  store<u32>(queue.push(4), block);
}

function prepare(): void {
  const count = dfaCount;
  clearAll();
  blockOf.push(count << 2);
  members.push(count << 2);
  placeOf.push(count << 2);
  splitter.push(count << 2);
  // Accepting states go to the front.
  let front: u32 = 0;
  let back = count;
  for (let state: u32 = 0; state < count; state++) {
    const place = load<u8>(accepts.start + state) ? front++ : --back;
    set(members, place, state);
    set(placeOf, state, place);
  }
  blockCount = 0;
  if (front > 0) addBlock(0, front);
  if (front < count) addBlock(front, count);
  for (let place: u32 = 0; place < count; place++) {
    set(blockOf, get(members, place), front > 0 && place >= front ? 1 : 0);
  }
  for (let block: u32 = 0; block < blockCount; block++) enqueue(block);
  for (let column: u32 = 0; column < columnCount; column++) invert(column);
}

function clearAll(): void {
  blockOf.clear();
  members.clear();
  placeOf.clear();
  first.clear();
  last.clear();
  marked.clear();
  queue.clear();
  queued.clear();
  touched.clear();
  splitter.clear();
  offsets.clear();
  predecessors.clear();
  offsets.push((dfaCount + 1) * columnCount * 4);
  predecessors.push(dfaCount * columnCount * 2);
}

/** Sorts the states by where the column leads (a counting sort). */
function invert(column: u32): void {
  const count = dfaCount;
  const base = column * (count + 1);
  for (let state: u32 = 0; state < count; state++) {
    const next = base + nextState(state, column) + 1;
    set(offsets, next, get(offsets, next) + 1);
  }
  for (let state: u32 = 0; state < count; state++) {
    const next = base + state + 1;
    set(offsets, next, get(offsets, next) + get(offsets, next - 1));
  }
  // Filled from the end of each range down; afterwards each offset has moved to its range's beginning.
  for (let state = count; state-- > 0;) {
    const next = base + nextState(state, column) + 1;
    const at = get(offsets, next) - 1;
    set(offsets, next, at);
    store<u16>(predecessors.start + ((column * count + at) << 1), state);
  }
  for (let state: u32 = 0; state < count; state++) set(offsets, base + state, get(offsets, base + state + 1));
  set(offsets, base + count, count);
}

// @ts-ignore: decorator
@inline
function nextState(state: u32, column: u32): u32 {
  return <u32>load<u16>(table.start + ((state * columnCount + column) << 1));
}
