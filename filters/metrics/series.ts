// Label sets and the ids of their metrics: one hash table per VM, made when the filter is configured and kept over
// all configurations, since Envoy gives a new id at every definition and never frees one.
//
// A label set is known by 128 bits of hash. How many there are is bounded for the whole process by lists in shared
// data, one per metric, of which every worker has a copy in its table: a label set that is known, or a full list,
// costs nothing shared.

import {
  appendEntry,
  chunk,
  chunkCount,
  chunkEnd,
  createChunks,
  entryEnd,
  ENTRIES,
  readChunk,
} from "./shared";

/** A label set. */
@unmanaged
export class Series {
  low: u64;
  high: u64;
  state: u32;
  /** Ids of the metrics that have these labels; 0: none. */
  counter: u32;
  duration: u32;
  requestBytes: u32;
  responseBytes: u32;
  unused: u32;
}

/** States. FREE: no label set; KNOWN: admitted, by this worker or another, and not defined here yet. */
const FREE: u32 = 0;
export const KNOWN: u32 = 1;
export const DEFINED: u32 = 2;

/** The label sets of one metric. */
@unmanaged
export class SeriesList {
  key: u64;
  /** How many of them this worker has room for. */
  most: u32;
  learned: u32;
  /** The chunk to read next, and how many of its entries are known. */
  chunkIndex: u32;
  taken: u32;
}

const ENTRY_SIZE: u32 = 16;
const ENTRIES_PER_CHUNK: u32 = 256;
const MAX_TRIES: i32 = 256;
/** Room for label sets that are counted beyond the lists: `_other`, by class of response. */
const RESERVE: u32 = 1024;

export const REQUESTS: SeriesList = newList(1);
export const DURATIONS: SeriesList = newList(2);
export const ISTIO: SeriesList = newList(3);
export const OTEL: SeriesList = newList(4);

let slots: usize = 0;
let mask: u32 = 0;
let used: u32 = 0;
let limit: u32 = 0;
let reserved: u32 = 0;

function newList(key: u64): SeriesList {
  const list = changetype<SeriesList>(heap.alloc(offsetof<SeriesList>()));
  memory.fill(changetype<usize>(list), 0, offsetof<SeriesList>());
  list.key = key;
  return list;
}

/** Whether admitSeries has failed for a damaged list, not for a full one. */
export let isListDamaged: bool = false;

/** Configure only. Room for `most` label sets of a metric; ensureTable must follow. */
export function ensureSeries(list: SeriesList, most: u32): void {
  if (most <= list.most) return;
  list.most = most;
  createChunks(list.key, (most + ENTRIES_PER_CHUNK - 1) / ENTRIES_PER_CHUNK);
}

/** Configure only. One table for all lists, with what other workers have added. */
export function ensureTable(): void {
  growTable(REQUESTS.most + DURATIONS.most + ISTIO.most + OTEL.most + RESERVE);
  takeNew(REQUESTS);
  takeNew(DURATIONS);
  takeNew(ISTIO);
  takeNew(OTEL);
}

function growTable(count: u32): void {
  if (count <= limit) return;
  const oldSlots = slots;
  const oldCapacity: u32 = slots === 0 ? 0 : mask + 1;
  let capacity: u32 = 1024;
  while (capacity - (capacity >> 2) < count) capacity <<= 1;
  slots = zeroed(capacity * offsetof<Series>());
  mask = capacity - 1;
  limit = count;
  for (let i: u32 = 0; i < oldCapacity; i++) {
    const old = changetype<Series>(oldSlots + i * offsetof<Series>());
    if (old.state === FREE) continue;
    const to = place(old.low, old.high);
    memory.copy(changetype<usize>(to), changetype<usize>(old), offsetof<Series>());
  }
  if (oldSlots !== 0) heap.free(oldSlots);
}

/** Memory of zeros. Pages that are new are zero already, and cost nothing until they are used. */
function zeroed(size: usize): usize {
  const end = (<usize>memory.size()) << 16;
  const block = heap.alloc(size);
  if (block < end) memory.fill(block, 0, min(size, end - block));
  return block;
}

/** The label set's slot, or the free one where it belongs. */
function place(low: u64, high: u64): Series {
  let at = (<u32>low) & mask;
  let series = changetype<Series>(slots + at * offsetof<Series>());
  while (series.state !== FREE && (series.low !== low || series.high !== high)) {
    at = (at + 1) & mask;
    series = changetype<Series>(slots + at * offsetof<Series>());
  }
  return series;
}

/** A label set that is known; null: it is not. */
export function findSeries(low: u64, high: u64): Series | null {
  const series = place(low, high);
  return series.state === FREE ? null : series;
}

function insert(low: u64, high: u64): Series | null {
  const series = place(low, high);
  if (series.state !== FREE) return series;
  if (used >= limit) return null;
  used += 1;
  series.low = low;
  series.high = high;
  series.state = KNOWN;
  return series;
}

/** A label set, as one of at most `most`; null: the list is full, or isListDamaged. */
export function admitSeries(list: SeriesList, low: u64, high: u64, most: u32): Series | null {
  isListDamaged = false;
  most = min(most, list.most);
  for (let i = 0; i < MAX_TRIES; i++) {
    const known = findSeries(low, high);
    if (known !== null) return known;
    if (list.learned >= most) return null;
    if (!takeNew(list)) break;
    if (findSeries(low, high) !== null || list.learned >= most) continue;
    const to = entryEnd();
    store<u64>(to, low);
    store<u64>(to, high, 8);
    // What was added is taken like what others add: by reading it.
    appendEntry(list.key, list.chunkIndex, ENTRY_SIZE);
  }
  isListDamaged = true;
  return null;
}

/** A label set beyond the lists: one of `_other`. Null: there is no room for it. */
export function reserveSeries(low: u64, high: u64): Series | null {
  const known = findSeries(low, high);
  if (known !== null) return known;
  if (reserved >= RESERVE) return null;
  reserved += 1;
  return insert(low, high);
}

/** Takes what other workers have added; the last chunk stays read. False: the list is damaged. */
function takeNew(list: SeriesList): bool {
  while (list.learned < list.most) {
    if (!readChunk(list.key, list.chunkIndex)) return false;
    if (chunk + ENTRIES + chunkCount * ENTRY_SIZE > chunkEnd()) return false;
    for (let i = list.taken; i < chunkCount && list.learned < list.most; i++) {
      const entry = chunk + ENTRIES + i * ENTRY_SIZE;
      list.taken = i + 1;
      list.learned += 1;
      insert(load<u64>(entry), load<u64>(entry, 8));
    }
    if (chunkCount < ENTRIES_PER_CHUNK) return true;
    list.chunkIndex += 1;
    list.taken = 0;
  }
  return true;
}
