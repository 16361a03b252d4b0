// Streams with state: those that wait, are throttled, or whose answer is looked at. A table of fixed size per worker,
// made at configure time; records keep their place for life, since the wheel links them, so that it is a pool with a
// hash table over it, and not the toolkit's table of streams.
//
// A record keeps alive the configuration under which its request came, and finishes under it.

import { Generation, release, retain } from "../../assembly/attach/plugins";
import { Metric } from "../../assembly/metrics";
import { Active, leaveShared } from "./active";
import { leaveActive } from "./counters";
import { AbortPlan, FaultPlan } from "./plan";
import { Watch } from "./watch";
import { leaveWheel, Waiting } from "./wheel";

/** It begins as wheel.ts wants its entries. */
@unmanaged
export class Held {
  next: usize;
  previous: usize;
  dueNs: u64;
  /** The next record of the bucket, or of the free ones. */
  chain: Held | null;
  /** Context id. */
  id: u32;
  generation: Generation;
  /** Named in x-sluice-fault; the second where another fault throttles. */
  shown: FaultPlan | null;
  shownToo: FaultPlan | null;
  /** What is done after the delay; null: the request goes on. */
  abortBy: FaultPlan | null;
  abort: AbortPlan | null;
  abortStatus: u32;
  abortGrpcStatus: u32;
  /** The filter itself has answered. */
  isAnswered: bool;
  /** Counts of the policies' active requests that this stream is in: until the delay ends, and until the end. */
  waitingGauge: Metric | null;
  waitingActive: Active | null;
  throttledGauge: Metric | null;
  throttledActive: Active | null;
  /** Faults whose stopWhen looks at the answer. */
  watch0: Watch | null;
  watch1: Watch | null;
  watch2: Watch | null;
  watch3: Watch | null;
}

const SIZE: usize = offsetof<Held>();

let buckets: usize = 0;
let mask: u32 = 0;
let most: u32 = 0;
/** Records never used yet, and those that are free again. */
let fresh: usize = 0;
let freshEnd: usize = 0;
let free: Held | null = null;

/** How many streams have a record. */
export let heldCount: u32 = 0;

/** Configure only. Room for at least `count` streams; records in use stay where they are. */
export function ensureHeld(count: u32): void {
  if (count <= most) return;
  // What is left of the last chunk is given to the free list, so that none of it is lost.
  for (; fresh < freshEnd; fresh += SIZE) giveBack(changetype<Held>(fresh));
  fresh = heap.alloc(<usize>(count - most) * SIZE);
  freshEnd = fresh + <usize>(count - most) * SIZE;
  most = count;
  let size: u32 = 64;
  while (size < count) size <<= 1;
  const old = buckets;
  const oldSize: u32 = buckets === 0 ? 0 : mask + 1;
  buckets = heap.alloc((<usize>size) << 2);
  memory.fill(buckets, 0, (<usize>size) << 2);
  mask = size - 1;
  for (let i: u32 = 0; i < oldSize; i++) {
    let held = changetype<Held | null>(load<usize>(old + ((<usize>i) << 2)));
    while (held !== null) {
      const next = held.chain;
      link(held);
      held = next;
    }
  }
  if (old !== 0) heap.free(old);
}

// @ts-ignore: decorator
@inline
function bucketOf(id: u32): usize {
  return buckets + ((<usize>(((id * 0x9e3779b1) >> 7) & mask)) << 2);
}

function link(held: Held): void {
  const bucket = bucketOf(held.id);
  held.chain = changetype<Held | null>(load<usize>(bucket));
  store<usize>(bucket, changetype<usize>(held));
}

function giveBack(held: Held): void {
  held.chain = free;
  free = held;
}

/** A new record, all 0 but for its id and generation; null: the table is full. */
export function addHeld(id: u32, generation: Generation): Held | null {
  let held = free;
  if (held !== null) free = held.chain;
  else if (fresh < freshEnd) {
    held = changetype<Held>(fresh);
    fresh += SIZE;
  } else return null;
  memory.fill(changetype<usize>(held), 0, SIZE);
  held.id = id;
  held.generation = generation;
  retain(generation);
  link(held);
  heldCount += 1;
  return held;
}

export function findHeld(id: u32): Held | null {
  if (heldCount === 0) return null;
  let held = changetype<Held | null>(load<usize>(bucketOf(id)));
  while (held !== null && held.id !== id) held = held.chain;
  return held;
}

/** The delay is over, however it ended. */
export function endWaiting(held: Held): void {
  leaveWheel(changetype<Waiting>(changetype<usize>(held)));
  const gauge = held.waitingGauge;
  if (gauge !== null) leaveActive(gauge);
  const active = held.waitingActive;
  if (active !== null) leaveShared(active);
  held.waitingGauge = null;
  held.waitingActive = null;
}

/** The stream is over: it leaves the wheel, its counts and the table. */
export function removeHeld(held: Held): void {
  endWaiting(held);
  const gauge = held.throttledGauge;
  if (gauge !== null) leaveActive(gauge);
  const active = held.throttledActive;
  if (active !== null) leaveShared(active);
  release(held.generation);
  let at = bucketOf(held.id);
  let other = changetype<Held | null>(load<usize>(at));
  while (other !== null && other !== held) {
    at = changetype<usize>(other) + offsetof<Held>("chain");
    other = other.chain;
  }
  if (other !== null) store<usize>(at, changetype<usize>(held.chain));
  heldCount -= 1;
  giveBack(held);
}

/** The stream has ended. */
export function forgetStream(id: u32): void {
  const held = findHeld(id);
  if (held !== null) removeHeld(held);
}
