// Shared data by small binary keys: `sluice.1.rl.`, a letter, and a number. 1 is the version of the layouts.
//
//   c NUMBER u32  cell        d NUMBER u32  chunk of the directory of cells
//   p NUMBER u32  page        o 0           the pool of pages: its size and the key of the hash
//   m OWNER  u64  marker: which configurations of a plugin have been put in force, and when
//
// The number of keys is bounded by what is configured and never by what clients send, since nothing is ever
// deleted. Keys are created when the filter is configured: a compare-and-set on a missing key would not compare.

import { lend } from "../../assembly/abi/arena";
import { CAS_MISMATCH, OK, proxy_get_shared_data, proxy_set_shared_data } from "../../assembly/abi/hostcalls";

export const CELL: u8 = 0x63;
export const DIRECTORY: u8 = 0x64;
export const MARKER: u8 = 0x6d;
export const POOL: u8 = 0x6f;
export const PAGE: u8 = 0x70;

const PREFIX_SIZE: usize = 12;
const key: usize = memory.data<u8>([
  0x73, 0x6c, 0x75, 0x69, 0x63, 0x65, 0x2e, 0x31, 0x2e, 0x72, 0x6c, 0x2e, 0, 0, 0, 0, 0, 0, 0, 0, 0,
]);
const result: usize = memory.data(12, 4);

/** Size of what readShared has read; 0: there is no such key, or it is larger than the block. */
export let sharedSize: u32 = 0;
/** What a compare-and-set of the value just read must show. */
export let sharedCas: u32 = 0;

function nameKey(letter: u8, number: u64): usize {
  store<u8>(key, letter, PREFIX_SIZE);
  store<u64>(key, number, PREFIX_SIZE + 1);
  return PREFIX_SIZE + 1 + (letter === MARKER ? 8 : 4);
}

/** Reads a value into `block`; false: there is none of at most `size` bytes. */
export function readShared(letter: u8, number: u64, block: usize, size: u32): bool {
  store<u64>(result, 0);
  sharedSize = 0;
  sharedCas = 0;
  lend(block, size);
  const status = proxy_get_shared_data(key, nameKey(letter, number), result, result + 4, result + 8);
  lend(0, 0);
  if (status !== OK || load<usize>(result) !== block) return false;
  sharedSize = load<u32>(result, 4);
  sharedCas = load<u32>(result, 8);
  return sharedSize > 0;
}

/** Replaces the value that was read with `cas`. False: another worker was faster, or the host refuses. */
export function replaceShared(letter: u8, number: u64, block: usize, size: u32, cas: u32): bool {
  // 0 would overwrite whatever is there.
  if (cas === 0) return false;
  return proxy_set_shared_data(key, nameKey(letter, number), block, size, cas) === OK;
}

/** Configure only. Writes a value whatever is there. */
export function writeShared(letter: u8, number: u64, block: usize, size: u32): bool {
  const status = proxy_set_shared_data(key, nameKey(letter, number), block, size, 0);
  return status === OK || status === CAS_MISMATCH;
}
