// The values of a dimension: at most maxValues, the first to come, the same ones on every worker.
//
// Each worker has a copy, a hash table made when the filter is configured: a known value, or a full list, costs
// nothing shared. A new value is added to the list in shared data, from which the other workers take it when they
// meet a value that they do not know.

import { allocate } from "../../assembly/config/blocks";
import { itemAt } from "../../assembly/config/records";
import { sameBytes } from "../../assembly/bytes";
import { stableHash } from "../../assembly/hash";
import { ByteString } from "../../assembly/set";
import { BAD_LIST, Failure, VALUES_FULL } from "./failures";
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

/** Longer values are `_other`. */
export const MAX_VALUE: u32 = 128;

/** Of a chunk: 8 + 32 x (1 + 128) bytes at most. */
const VALUES_PER_CHUNK: u32 = 32;
const MAX_TRIES: i32 = 256;
const SEED: u64 = 0x736c756963652e76;


@unmanaged
export class ValueList {
  /** Of the list in shared data. */
  key: u64;
  /** Slots: hash u64, start u32, length u32; start 0: free. */
  slots: usize;
  mask: u32;
  /** Values that may come from clients, and those that have. */
  most: u32;
  learned: u32;
  /** Where the next learned value is kept. */
  room: usize;
  /** The chunk to read next, and how many of its entries are known. */
  chunkIndex: u32;
  taken: u32;
}


@unmanaged
class Slot {
  hash: u64;
  start: usize;
  length: u32;
}

/** Why keepValue has not kept a value. */
export let valueFailure: Failure = VALUES_FULL;
/** Hash of the value that keepValue was asked for. */
export let valueHash: u64 = 0;

/** Configure only. A list that always has `count` given values, and at most `most` in all. */
export function newValueList(key: u64, given: usize, count: u32, most: u32): ValueList {
  const list = changetype<ValueList>(allocate(offsetof<ValueList>()));
  list.key = key;
  list.most = most > count ? most - count : 0;
  let capacity: u32 = 8;
  while (capacity < (list.most + count) << 1) capacity <<= 1;
  list.mask = capacity - 1;
  list.slots = allocate(capacity * offsetof<Slot>());
  list.room = allocate(list.most * MAX_VALUE);
  for (let i: u32 = 0; i < count; i++) {
    const value = itemAt<ByteString>(given, i);
    if (!isKnown(list, value.start, value.length)) insert(list, value.start, value.length);
  }
  createChunks(key, (list.most + VALUES_PER_CHUNK - 1) / VALUES_PER_CHUNK);
  takeNew(list);
  return list;
}

/** Whether the value is one of the list, or has become one; else valueFailure says why not. */
export function keepValue(list: ValueList, start: usize, length: u32): bool {
  if (isKnown(list, start, length)) return true;
  for (let i = 0; i < MAX_TRIES; i++) {
    if (list.learned >= list.most) {
      valueFailure = VALUES_FULL;
      return false;
    }
    if (!takeNew(list)) break;
    if (isKnown(list, start, length)) return true;
    if (list.learned >= list.most) continue;
    const to = entryEnd();
    store<u8>(to, length);
    memory.copy(to + 1, start, length);
    // What was added is taken like what others add: by reading it.
    appendEntry(list.key, list.chunkIndex, length + 1);
  }
  valueFailure = BAD_LIST;
  return false;
}

function isKnown(list: ValueList, start: usize, length: u32): bool {
  const hash = stableHash(start, length, SEED);
  valueHash = hash;
  let at = (<u32>hash) & list.mask;
  let slot = slotAt(list, at);
  while (slot.start !== 0) {
    if (slot.hash === hash && slot.length === length && sameBytes(slot.start, start, length)) return true;
    at = (at + 1) & list.mask;
    slot = slotAt(list, at);
  }
  return false;
}

function insert(list: ValueList, start: usize, length: u32): void {
  const hash = stableHash(start, length, SEED);
  let at = (<u32>hash) & list.mask;
  while (slotAt(list, at).start !== 0) at = (at + 1) & list.mask;
  const slot = slotAt(list, at);
  slot.hash = hash;
  slot.start = start;
  slot.length = length;
}

// @ts-ignore: decorator
@inline
function slotAt(list: ValueList, at: u32): Slot {
  return changetype<Slot>(list.slots + at * offsetof<Slot>());
}

/** Takes what other workers have added; the last chunk stays read. False: the list is damaged. */
function takeNew(list: ValueList): bool {
  while (list.learned < list.most) {
    if (!readChunk(list.key, list.chunkIndex)) return false;
    if (!takeChunk(list)) return false;
    if (chunkCount < VALUES_PER_CHUNK) return true;
    list.chunkIndex += 1;
    list.taken = 0;
  }
  return true;
}

function takeChunk(list: ValueList): bool {
  let at = chunk + ENTRIES;
  const end = chunkEnd();
  for (let i: u32 = 0; i < chunkCount && list.learned < list.most; i++) {
    if (at >= end) return false;
    const length = <u32>load<u8>(at);
    if (length > MAX_VALUE || at + 1 + length > end) return false;
    if (i >= list.taken) {
      list.taken = i + 1;
      learn(list, at + 1, length);
    }
    at += 1 + length;
  }
  return true;
}

function learn(list: ValueList, start: usize, length: u32): void {
  list.learned += 1;
  // The value may be one of the given ones since an edit of the configuration: it takes its place all the same.
  if (isKnown(list, start, length)) return;
  memory.copy(list.room, start, length);
  insert(list, list.room, length);
  list.room += MAX_VALUE;
}
