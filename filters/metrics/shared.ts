// Append-only lists in shared data, in chunks, so that what is added writes one chunk and not the list.
//
// Keys: `sluice.1.mt.`, then the list u64 and the chunk u32. 1 is the version of the layouts. A chunk:
//
//   0  magic u32 | 4 count of its entries u32 | 8 entries
//
// The number of keys is bounded by what is configured and never by what clients send, since nothing is ever
// deleted. Keys are created when the filter is configured: a compare-and-set on a missing key would not compare.

import { lend } from "../../assembly/abi/arena";
import { OK, proxy_get_shared_data, proxy_set_shared_data } from "../../assembly/abi/hostcalls";

/** Where the entries of a chunk begin. */
export const ENTRIES: usize = 8;
/** Of the largest chunk: 32 values of a dimension with their lengths, or 256 label sets. */
export const CHUNK_SIZE: u32 = 4136;

const MAGIC: u32 = 0x4d4c4953;
const PREFIX_SIZE: usize = 12;
const KEY_SIZE: usize = 24;
const key: usize = memory.data<u8>([
  0x73, 0x6c, 0x75, 0x69, 0x63, 0x65, 0x2e, 0x31, 0x2e, 0x6d, 0x74, 0x2e, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  0, 0, 0, 0,
]);
const result: usize = memory.data(12, 4);

/** The chunk that was read last. */
export const chunk: usize = memory.data(4136, 8);
/** How many entries it has. */
export let chunkCount: u32 = 0;
let chunkSize: u32 = 0;
let chunkCas: u32 = 0;

function nameKey(list: u64, index: u32): void {
  store<u64>(key, list, PREFIX_SIZE);
  store<u32>(key, index, PREFIX_SIZE + 8);
}

/** Reads a chunk; false: it is not there, or something else is. */
export function readChunk(list: u64, index: u32): bool {
  nameKey(list, index);
  store<u64>(result, 0);
  store<u32>(result, 0, 8);
  lend(chunk, CHUNK_SIZE);
  const status = proxy_get_shared_data(key, KEY_SIZE, result, result + 4, result + 8);
  lend(0, 0);
  chunkCount = 0;
  if (status !== OK || load<usize>(result) !== chunk) return false;
  chunkSize = load<u32>(result, 4);
  chunkCas = load<u32>(result, 8);
  if (chunkSize < <u32>ENTRIES || load<u32>(chunk) !== MAGIC) return false;
  chunkCount = load<u32>(chunk, 4);
  return true;
}

/** The end of what was read; an entry that reaches beyond it is damaged. */
export function chunkEnd(): usize {
  return chunk + chunkSize;
}

/** Whether `size` more bytes fit the chunk that was read. */
export function hasRoom(size: u32): bool {
  return chunkSize + size <= CHUNK_SIZE;
}

/** Where the next entry of the chunk that was read is written, before appendEntry. */
export function entryEnd(): usize {
  return chunk + chunkSize;
}

/** Adds the entry of `size` bytes just written. False: another worker was faster: read again. */
export function appendEntry(list: u64, index: u32, size: u32): bool {
  // 0 would overwrite whatever is there.
  if (chunkCas === 0) return false;
  store<u32>(chunk, chunkCount + 1, 4);
  nameKey(list, index);
  return proxy_set_shared_data(key, KEY_SIZE, chunk, chunkSize + size, chunkCas) === OK;
}

/** Configure only. Creates the first `count` chunks of a list where they are missing. */
export function createChunks(list: u64, count: u32): void {
  // Chunks are created in order, so that the last one tells of all.
  if (count === 0 || readChunk(list, count - 1)) return;
  for (let i: u32 = 0; i < count; i++) {
    if (readChunk(list, i)) continue;
    store<u32>(chunk, MAGIC);
    store<u32>(chunk, 0, 4);
    nameKey(list, i);
    proxy_set_shared_data(key, KEY_SIZE, chunk, <u32>ENTRIES, 0);
  }
}
