// The directory of cells: which cell belongs to which limit, so that renaming limits does not make new keys for ever.
//
// A chunk is a value of 4,096 bytes:
//    0  magic u32 | 4 layout u32 | 8 unused u64
//   16  127 entries of 32 bytes:  0 identity u64, 0: never used | 8 owner u64 | 16 released i64, 0: in use | 24 unused
// Entry e of chunk k belongs to cell 127 k + e. A cell that no limit uses any longer is given to another one after ten
// seconds, when no worker can still have the old configuration; the state of a limit that comes back until then is
// there. Under 1,000 renames in those seconds the cell that was released first is taken.

import { initializeCell, Cell, CELL_SIZE, isCell, rewrite } from "./cell";
import { monotonicNs } from "../../assembly/abi/clock";
import { findBucket, Plan } from "./plan";
import { CELL, DIRECTORY, readShared, replaceShared, sharedCas, sharedSize, writeShared } from "./shared";

const CHUNK_SIZE: u32 = 4096;
const CHUNK_ENTRIES: u32 = 127;
const FIRST_ENTRY: usize = 16;
const MAGIC: u32 = 0x44525253;
const LAYOUT: u32 = 1;
/** 2,048 chunks: 260,000 limits without a key. */
const MAX_CHUNKS: u32 = 2048;
/** Cells that wait for their ten seconds before the first of them is taken early. */
const MAX_WAITING: u32 = 1000;
const REUSE_NS: i64 = 10_000_000_000;


@unmanaged
class DirectoryEntry {
  identity: u64;
  owner: u64;
  released: i64;
  unused: u64;
}

const chunk: usize = memory.data(4096, 8);
const cell: usize = memory.data(80, 8);

function readChunk(index: u32): bool {
  return (
    readShared(DIRECTORY, index, chunk, CHUNK_SIZE) &&
    sharedSize === CHUNK_SIZE &&
    load<u32>(chunk) === MAGIC &&
    load<u32>(chunk, 4) === LAYOUT
  );
}

// @ts-ignore: decorator
@inline
function entryAt(index: u32): DirectoryEntry {
  return changetype<DirectoryEntry>(chunk + FIRST_ENTRY + ((<usize>index) << 5));
}

/** Gives each bucket of the plan the number of its cell; those without one keep -1. */
export function locateCells(plan: Plan): void {
  for (let k: u32 = 0; k < MAX_CHUNKS && readChunk(k); k++) {
    for (let e: u32 = 0; e < CHUNK_ENTRIES; e++) {
      const entry = entryAt(e);
      if (entry.identity === 0) continue;
      const bucket = findBucket(plan, entry.identity);
      if (bucket !== null) bucket.slot = k * CHUNK_ENTRIES + e;
    }
  }
}

let waiting: u32 = 0;
let firstUseful: u32 = 0;

/** Marks the cells of the plan's owner as in use or as released, and begins a round of assignCell. */
export function releaseUnused(plan: Plan, clock: i64): void {
  waiting = 0;
  firstUseful = 0;
  for (let k: u32 = 0; k < MAX_CHUNKS && readChunk(k); k++) {
    for (let tries = 0; tries < 256; tries++) {
      const cas = sharedCas;
      if (!markChunk(plan, clock) || replaceShared(DIRECTORY, k, chunk, CHUNK_SIZE, cas)) break;
      if (!readChunk(k)) return;
    }
    for (let e: u32 = 0; e < CHUNK_ENTRIES; e++) if (entryAt(e).released !== 0) waiting += 1;
  }
}

function markChunk(plan: Plan, clock: i64): bool {
  let changed = false;
  for (let e: u32 = 0; e < CHUNK_ENTRIES; e++) {
    const entry = entryAt(e);
    if (entry.identity === 0 || entry.owner !== plan.owner) continue;
    const isUsed = findBucket(plan, entry.identity) !== null;
    const released = isUsed ? 0 : entry.released === 0 ? clock : entry.released;
    if (released === entry.released) continue;
    entry.released = released;
    changed = true;
  }
  return changed;
}

/** Gives a cell to a limit that has none: one that has waited, or a new one. -1: none is left. */
export function assignCell(identity: u64, owner: u64, clock: i64): i32 {
  for (let tries = 0; tries < 256; tries++) {
    const slot = waiting >= MAX_WAITING ? oldestReleased() : firstFree(clock);
    if (slot < 0) return -1;
    const index = <u32>slot / CHUNK_ENTRIES;
    const known = readChunk(index);
    const cas = sharedCas;
    if (!known) beginChunk();
    const entry = entryAt(<u32>slot % CHUNK_ENTRIES);
    if (entry.identity !== 0 && entry.released === 0) continue;
    if (entry.released !== 0) waiting -= 1;
    entry.identity = identity;
    entry.owner = owner;
    entry.released = 0;
    const written = known
      ? replaceShared(DIRECTORY, index, chunk, CHUNK_SIZE, cas)
      : writeShared(DIRECTORY, index, chunk, CHUNK_SIZE);
    if (written) return slot;
  }
  return -1;
}

function beginChunk(): void {
  memory.fill(chunk, 0, CHUNK_SIZE);
  store<u32>(chunk, MAGIC);
  store<u32>(chunk, LAYOUT, 4);
}

/** The first cell that has waited long enough or was never used; those before it are in use or wait. */
function firstFree(clock: i64): i32 {
  for (; firstUseful < MAX_CHUNKS && readChunk(firstUseful); firstUseful++) {
    for (let e: u32 = 0; e < CHUNK_ENTRIES; e++) {
      const entry = entryAt(e);
      const isFree = entry.identity === 0 || (entry.released !== 0 && clock - entry.released >= REUSE_NS);
      if (isFree) return firstUseful * CHUNK_ENTRIES + e;
    }
  }
  return firstUseful < MAX_CHUNKS ? firstUseful * CHUNK_ENTRIES : -1;
}

function oldestReleased(): i32 {
  let oldest = -1;
  let time: i64 = i64.MAX_VALUE;
  for (let k: u32 = 0; k < MAX_CHUNKS && readChunk(k); k++) {
    for (let e: u32 = 0; e < CHUNK_ENTRIES; e++) {
      const entry = entryAt(e);
      if (entry.released === 0 || entry.released >= time) continue;
      oldest = k * CHUNK_ENTRIES + e;
      time = entry.released;
    }
  }
  return oldest;
}

/** Makes the cell a full bucket of this limit, or gives it new rates if it is the limit's already. */
export function prepareCell(slot: u32, identity: u64, spacing: i64, burst: i64): void {
  for (let tries = 0; tries < 256; tries++) {
    const known = readShared(CELL, slot, cell, CELL_SIZE) && isCell(cell, sharedSize, identity);
    const cas = sharedCas;
    const clock = <i64>monotonicNs();
    const c = changetype<Cell>(cell);
    if (!known) {
      initializeCell(c, identity, clock, spacing, burst);
      if (writeShared(CELL, slot, cell, CELL_SIZE)) return;
    } else {
      if (c.spacing === spacing && c.burst === burst) return;
      rewrite(c, clock, spacing, burst);
      if (replaceShared(CELL, slot, cell, CELL_SIZE, cas)) return;
    }
  }
}
