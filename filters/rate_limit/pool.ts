// The pool of pages: one per process, shared by all keyed limits of all plugins, growing only.
//
//   0  magic u32 | 4 layout u32 | 8 key of the hash, two u64 | 24 level i32, -1: no pages | 28 owners u32
//  32  owners: 14 times  owner u64, keys u64
//
// A key's page is given by the lowest `level` bits of its tag. To double, every page i is split into i and
// i + 2^level: the upper one is written first, which nobody reads yet, then the lower one with its new level by
// compare-and-set. Who reads a page of a higher level than expected looks again at that level. So no key is ever
// at two places, and none is forgotten.

import { secretU64 } from "../../assembly/abi/clock";
import { ENTRIES, initializePage, isPage, Page, PAGE_SIZE, splitPage } from "./page";
import { PAGE, POOL, readShared, replaceShared, sharedCas, sharedSize, writeShared } from "./shared";

/** 1,048,576 pages: ten million entries, about 420 MB. */
export const MAX_LEVEL: i32 = 20;

const SIZE: u32 = 256;
const MAGIC: u32 = 0x4f525253;
const LAYOUT: u32 = 1;
const MAX_OWNERS: u32 = 14;

const pool: usize = memory.data(256, 8);
const lower: usize = memory.data(256, 8);
const upper: usize = memory.data(256, 8);

/** Key of the hash that all workers of the process use. */
export let hashKey0: u64 = 0;
export let hashKey1: u64 = 0;

/** The level at which `keys` fill at most half of the entries. */
export function levelFor(keys: u64): i32 {
  let level = 0;
  while (level < 31 && (<u64>ENTRIES) << level < keys << 1) level += 1;
  return level;
}

/** Reads the pool's record: the level, -1 where there are no pages, -2 where there is no pool. */
export function readPool(): i32 {
  if (!readShared(POOL, 0, pool, SIZE) || sharedSize !== SIZE) return -2;
  if (load<u32>(pool) !== MAGIC || load<u32>(pool, 4) !== LAYOUT) return -2;
  hashKey0 = load<u64>(pool, 8);
  hashKey1 = load<u64>(pool, 16);
  return load<i32>(pool, 24);
}

/** Configure only. Keys of all owners if `owner` has `keys` of them; to be asked before anything is written. */
export function keysWith(owner: u64, keys: u64): u64 {
  if (readPool() === -2) return keys;
  let sum = keys;
  for (let i: u32 = 0; i < load<u32>(pool, 28); i++) {
    const at = pool + 32 + ((<usize>i) << 4);
    if (load<u64>(at) !== owner) sum += load<u64>(at, 8);
  }
  return sum;
}

/** Configure only. Makes the pool large enough for `keys` of this owner and returns its level. */
export function growPool(owner: u64, keys: u64): i32 {
  let level = readPool();
  if (level === -2) {
    memory.fill(pool, 0, SIZE);
    store<u32>(pool, MAGIC);
    store<u32>(pool, LAYOUT, 4);
    store<u64>(pool, secretU64(), 8);
    store<u64>(pool, secretU64(), 16);
    store<i32>(pool, -1, 24);
    writeShared(POOL, 0, pool, SIZE);
    level = readPool();
  }
  if (keys === 0 && !isOwner(owner)) return level;
  const wanted = min(levelFor(keysWith(owner, keys)), MAX_LEVEL);
  if (keys > 0 && level < 0) {
    for (let i: u32 = 0; i < (<u32>1) << wanted; i++) writeEmptyPage(i, wanted);
    level = wanted;
  }
  while (level >= 0 && level < wanted) {
    for (let i: u32 = 0; i < (<u32>1) << level; i++) if (!split(i, level)) return level;
    level += 1;
  }
  announce(owner, keys, level);
  return level;
}

function isOwner(owner: u64): bool {
  for (let i: u32 = 0; i < load<u32>(pool, 28); i++)
    if (load<u64>(pool + 32 + ((<usize>i) << 4)) === owner) return true;
  return false;
}

function writeEmptyPage(index: u32, level: i32): void {
  initializePage(changetype<Page>(lower), level);
  writeShared(PAGE, index, lower, PAGE_SIZE);
}

/** Splits page `index` of 2^level, again and again until no worker comes in between. */
function split(index: u32, level: i32): bool {
  while (readShared(PAGE, index, lower, PAGE_SIZE) && isPage(lower, sharedSize)) {
    const cas = sharedCas;
    const page = changetype<Page>(lower);
    if (<i32>page.level > level) return true;
    splitPage(page, changetype<Page>(upper));
    if (!writeShared(PAGE, index + ((<u32>1) << level), upper, PAGE_SIZE)) return false;
    if (replaceShared(PAGE, index, lower, PAGE_SIZE, cas)) return true;
  }
  return false;
}

/** Writes down the owner's keys and the level. */
function announce(owner: u64, keys: u64, level: i32): void {
  for (let tries = 0; tries < 256; tries++) {
    if (readPool() === -2) return;
    const cas = sharedCas;
    let count = load<u32>(pool, 28);
    let at: usize = 0;
    for (let i: u32 = 0; i < count; i++)
      if (load<u64>(pool + 32 + ((<usize>i) << 4)) === owner) at = pool + 32 + ((<usize>i) << 4);
    if (at === 0) {
      // Owners beyond the fourteenth share the last place, which keeps the largest of them.
      if (count < MAX_OWNERS) count += 1;
      else keys = max(keys, load<u64>(pool + 32 + ((<usize>(count - 1)) << 4), 8));
      at = pool + 32 + ((<usize>(count - 1)) << 4);
      store<u32>(pool, count, 28);
      store<u64>(at, owner);
    }
    store<u64>(at, keys, 8);
    store<i32>(pool, max(level, load<i32>(pool, 24)), 24);
    if (replaceShared(POOL, 0, pool, SIZE, cas)) return;
  }
}
