// A page: the buckets of up to ten keys, a value of 256 bytes in shared data.
//
//    0  magic u32     4  layout u16    6  level u16: there are 2^level pages, and this one is complete at that
//    8  horizon i64: no decision on this page counts as earlier
//   16  ten entries of 24 bytes:
//        0  tag (48 bits of the key's hash) << 16 | protected << 15 | spacing bits 32..46
//        8  spacing bits 0..31 << 32 | burst u32
//       16  tat i64
//
// An entry holds its own rates, so that a key keeps its used share when they are edited. The hash contains the
// limit's identity: a tag belongs to one limit. An entry whose TAT has passed is a full bucket, carries no
// information whatever the rates, and is free; the horizon is raised to its TAT, so that nobody decides on the
// newcomer at a moment at which the old entry would still have counted.

import { keepUsedShare, room } from "./gcra";

export const PAGE_SIZE: u32 = 256;
export const ENTRIES: i32 = 10;
const ENTRY_SIZE: usize = 24;
const FIRST_ENTRY: usize = 16;
const MAGIC: u32 = 0x50525253;
const LAYOUT: u16 = 1;
const TAG_MASK: u64 = 0xffff_ffff_ffff_0000;
const PROTECTED: u64 = 0x8000;


@unmanaged
export class Page {
  magic: u32;
  layout: u16;
  level: u16;
  horizon: i64;
}


@unmanaged
export class Entry {
  head: u64;
  rates: u64;
  tat: i64;

  get spacing(): i64 {
    return <i64>(((this.head & 0x7fff) << 32) | (this.rates >> 32));
  }

  get burst(): i64 {
    return <i64>(this.rates & 0xffff_ffff);
  }

  setRates(spacing: i64, burst: i64): void {
    this.head = (this.head & ~(<u64>0x7fff)) | (((<u64>spacing) >> 32) & 0x7fff);
    this.rates = ((<u64>spacing) << 32) | ((<u64>burst) & 0xffff_ffff);
  }
}

export function isPage(page: usize, size: u32): bool {
  if (page === 0 || size !== PAGE_SIZE) return false;
  const p = changetype<Page>(page);
  return p.magic === MAGIC && p.layout === LAYOUT && p.level <= 32;
}

/** Writes a page without live keys. */
export function initializePage(page: Page, level: u32): void {
  memory.fill(changetype<usize>(page), 0, PAGE_SIZE);
  page.magic = MAGIC;
  page.layout = LAYOUT;
  page.level = <u16>level;
}

/** The page of a key among 2^level pages: the lowest bits of its tag. */
// @ts-ignore: decorator
@inline
export function pageIndex(hash: u64, level: u32): u32 {
  return (<u32>(hash >> 16)) & ((1 << level) - 1);
}

// @ts-ignore: decorator
@inline
function entryAt(page: Page, index: i32): Entry {
  return changetype<Entry>(changetype<usize>(page) + FIRST_ENTRY + <usize>index * ENTRY_SIZE);
}

/** The live or free entry of a key; null where the page does not know it. */
export function findEntry(page: Page, hash: u64): Entry | null {
  const tag = hash & TAG_MASK;
  for (let i = 0; i < ENTRIES; i++) {
    const entry = entryAt(page, i);
    if ((entry.head & TAG_MASK) === tag && entry.rates !== 0) return entry;
  }
  return null;
}

/** Whether claimEntry had to forget a live key. */
export let evicted: bool = false;

/**
 * Makes room for a new key with a full bucket: a free entry, else the unprotected one nearest to full again. Null
 * if `mayEvict` is false or every entry is protected. The horizon may move: take the moment again.
 */
export function claimEntry(
  page: Page,
  hash: u64,
  moment: i64,
  spacing: i64,
  burst: i64,
  mayEvict: bool,
): Entry | null {
  evicted = false;
  let chosen: Entry | null = null;
  for (let i = 0; i < ENTRIES; i++) {
    const entry = entryAt(page, i);
    const free = entry.tat <= moment;
    if (!free && (!mayEvict || (entry.head & PROTECTED) !== 0)) continue;
    if (chosen === null || entry.tat < chosen.tat) chosen = entry;
  }
  if (chosen === null) return null;
  if (chosen.tat > moment) evicted = true;
  else if (page.horizon < chosen.tat) page.horizon = chosen.tat;
  chosen.head = (hash & TAG_MASK) | (mayEvict ? 0 : PROTECTED);
  chosen.setRates(spacing, burst);
  chosen.tat = 0;
  return chosen;
}

/** When the first entry of a page that is full of live keys is free again. */
export function nextFree(page: Page): i64 {
  let least = i64.MAX_VALUE;
  for (let i = 0; i < ENTRIES; i++) least = min(least, entryAt(page, i).tat);
  return least;
}

/** Time left of an entry's tolerance at `moment`. */
export function entryRoom(entry: Entry, moment: i64): i64 {
  return room(max(entry.tat, moment), moment, entry.spacing, entry.burst);
}

/** Takes `cost` units; the entry has room for them. */
export function chargeEntry(entry: Entry, moment: i64, cost: i64): void {
  entry.tat = max(entry.tat, moment) + cost * entry.spacing;
}

/**
 * As giveBack for cells: `clock` read after the page. Nothing is given back where the page's horizon has passed the
 * charge: the key may have been edited, or forgotten and met again.
 */
export function giveBackEntry(page: Page, hash: u64, clock: i64, moment: i64, cost: i64): void {
  const entry = findEntry(page, hash);
  if (entry === null || page.horizon > moment) return;
  const rest = cost * entry.spacing - (clock - moment);
  if (rest > 0) entry.tat -= rest;
}

/** New rates for a key, the same used share. `clock` must have been read after the page. */
export function rewriteEntry(page: Page, entry: Entry, clock: i64, spacing: i64, burst: i64): void {
  if (page.horizon < clock) page.horizon = clock;
  entry.tat = keepUsedShare(entry.tat, page.horizon, entry.spacing, entry.burst, spacing, burst);
  entry.setRates(spacing, burst);
}

/** Doubling the pool: moves the keys that belong to page index + 2^level into `upper` and raises both levels. */
export function splitPage(lower: Page, upper: Page): void {
  const bit: u64 = 1 << (<u64>lower.level + 16);
  initializePage(upper, <u32>lower.level + 1);
  upper.horizon = lower.horizon;
  lower.level += 1;
  let moved = 0;
  for (let i = 0; i < ENTRIES; i++) {
    const entry = entryAt(lower, i);
    if ((entry.head & bit) === 0) continue;
    memory.copy(changetype<usize>(entryAt(upper, moved)), changetype<usize>(entry), ENTRY_SIZE);
    memory.fill(changetype<usize>(entry), 0, ENTRY_SIZE);
    moved += 1;
  }
}
