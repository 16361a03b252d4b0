// maxActive: how many requests a policy holds or throttles at once, over all workers.
//
// Each VM writes its own number into a slot of the policy's cell, with the time; a slot that has been silent for
// 5 s counts as nothing, so that a VM that has trapped does not keep its share for ever. The bound is never
// passed: a number is raised by compare-and-set of the whole cell. Where lowering one fails, it is tried again
// with the next change or tick, and until then one request too many may be refused.
//
//   0 magic u32 | 4 layout u32 | 8 slots: VM u64, last written i64 (monotonic ns), number u32, unused u32

import { monotonicNs, secretU64 } from "../../assembly/abi/clock";
import { ACTIVE, readShared, replaceShared, sharedCas, writeShared } from "./shared";

/** Number of this VM, over all its policies. */
@unmanaged
export class Active {
  next: Active | null;
  identity: u64;
  own: u32;
  /** The cell does not have `own` yet. */
  isStale: bool;
  beatNs: u64;
}

const SILENT_NS: u64 = 5_000_000_000;
const BEAT_NS: u64 = 1_000_000_000;
const TRIES: u32 = 256;

const MAGIC: u32 = 0x41465353;
const LAYOUT: u32 = 1;
const HEADER_SIZE: u32 = 8;
const SLOT_SIZE: u32 = 24;
const MAX_SIZE: u32 = 3080;
const cell: usize = memory.data(3080, 8);

let first: Active | null = null;
let vm: u64 = 0;

/** Configure only. The number of a policy, which outlives its configurations. */
export function findActive(identity: u64): Active {
  if (vm === 0) vm = secretU64() | 1;
  let known = first;
  while (known !== null) {
    if (known.identity === identity) return known;
    known = known.next;
  }
  const made = changetype<Active>(heap.alloc(offsetof<Active>()));
  made.next = first;
  made.identity = identity;
  made.own = 0;
  made.isStale = false;
  made.beatNs = 0;
  first = made;
  if (readCell(identity) === 0) {
    emptyCell();
    writeShared(ACTIVE, identity, cell, HEADER_SIZE);
  }
  return made;
}

/** One more, unless `most` are active; false: it is full. */
export function takeActive(active: Active, most: u32, nowNs: u64): bool {
  for (let i: u32 = 0; i < TRIES; i++) {
    const size = readCell(active.identity);
    if (size === 0) return false;
    const cas = sharedCas;
    if (othersActive(size, nowNs) + active.own >= most) return false;
    if (!writeOwn(active, active.own + 1, size, cas, nowNs)) continue;
    active.own += 1;
    return true;
  }
  return false;
}

/** Whether `most` are active. */
export function isFull(active: Active, most: u32, nowNs: u64): bool {
  const size = readCell(active.identity);
  return size === 0 || othersActive(size, nowNs) + active.own >= most;
}

/** One less. */
export function leaveShared(active: Active): void {
  active.own -= 1;
  publish(active, monotonicNs());
}

/** At each tick: says that this VM lives, and what could not be written before. */
export function beatActive(nowNs: u64): void {
  let active = first;
  while (active !== null) {
    if (active.isStale || (active.own > 0 && nowNs - active.beatNs >= BEAT_NS)) publish(active, nowNs);
    active = active.next;
  }
}

/** Whether ticks are needed for it. */
export function isAnyActive(): bool {
  let active = first;
  while (active !== null) {
    if (active.isStale || active.own > 0) return true;
    active = active.next;
  }
  return false;
}

function publish(active: Active, nowNs: u64): void {
  active.isStale = true;
  for (let i: u32 = 0; i < TRIES; i++) {
    const size = readCell(active.identity);
    if (size === 0) active.isStale = false;
    if (size === 0 || writeOwn(active, active.own, size, sharedCas, nowNs)) return;
  }
}

function writeOwn(active: Active, own: u32, size: u32, cas: u32, nowNs: u64): bool {
  const at = ownSlot(size, nowNs);
  if (at === 0) return false;
  const slot = cell + at;
  store<u64>(slot, vm);
  store<u64>(slot, nowNs, 8);
  store<u32>(slot, own, 16);
  store<u32>(slot, 0, 20);
  if (!replaceShared(ACTIVE, active.identity, cell, max(size, at + SLOT_SIZE), cas)) return false;
  active.isStale = false;
  active.beatNs = nowNs;
  return true;
}

/** Where this VM writes: its slot, a silent one, or a new one; 0: there is no room. */
function ownSlot(size: u32, nowNs: u64): u32 {
  let silent: u32 = 0;
  for (let at = HEADER_SIZE; at < size; at += SLOT_SIZE) {
    if (load<u64>(cell + at) === vm) return at;
    if (silent === 0 && isSilent(cell + at, nowNs)) silent = at;
  }
  if (silent !== 0) return silent;
  return size + SLOT_SIZE <= MAX_SIZE ? size : 0;
}

function othersActive(size: u32, nowNs: u64): u32 {
  let sum: u32 = 0;
  for (let at = HEADER_SIZE; at < size; at += SLOT_SIZE) {
    const slot = cell + at;
    if (load<u64>(slot) !== vm && !isSilent(slot, nowNs)) sum += load<u32>(slot, 16);
  }
  return sum;
}

/** A clock read before another VM's write is behind it: that slot is fresh. */
function isSilent(slot: usize, nowNs: u64): bool {
  const written = load<u64>(slot, 8);
  return nowNs > written && nowNs - written > SILENT_NS;
}

/** Size of the cell; one of another shape is made anew. 0: there is none. */
function readCell(identity: u64): u32 {
  const size = readShared(ACTIVE, identity, cell, MAX_SIZE);
  if (size === 0) return 0;
  const fits = size >= HEADER_SIZE && (size - HEADER_SIZE) % SLOT_SIZE === 0;
  if (fits && load<u32>(cell) === MAGIC && load<u32>(cell, 4) === LAYOUT) return size;
  emptyCell();
  return HEADER_SIZE;
}

function emptyCell(): void {
  store<u32>(cell, MAGIC);
  store<u32>(cell, LAYOUT, 4);
}
