// Shared data by small binary keys: `sluice.1.fl.`, a letter, and an identity. 1 is the version of the layouts.
//
//   a POLICY u64  how many requests each VM holds or throttles (active.ts)
//   w FAULT  u64  until when a fault has switched itself off (watch.ts)
//
// Keys are made of what is configured, never of what clients send, since nothing is ever deleted. They are created
// when the filter is configured: a compare-and-set on a missing key would not compare.

import { lend } from "../../assembly/abi/arena";
import { OK, proxy_get_shared_data, proxy_set_shared_data } from "../../assembly/abi/hostcalls";

export const ACTIVE: u8 = 0x61;
export const WATCH: u8 = 0x77;

const PREFIX_SIZE: usize = 12;
const KEY_SIZE: usize = 21;
const key: usize = memory.data<u8>([
  0x73, 0x6c, 0x75, 0x69, 0x63, 0x65, 0x2e, 0x31, 0x2e, 0x66, 0x6c, 0x2e, 0, 0, 0, 0, 0, 0, 0, 0, 0,
]);
const result: usize = memory.data(12, 4);

/** What a compare-and-set of the value just read must show. */
export let sharedCas: u32 = 0;

function nameKey(letter: u8, identity: u64): void {
  store<u8>(key, letter, PREFIX_SIZE);
  store<u64>(key, identity, PREFIX_SIZE + 1);
}

/** Reads a value into `block`; its size, 0 when there is none of at most `size` bytes. */
export function readShared(letter: u8, identity: u64, block: usize, size: u32): u32 {
  store<u64>(result, 0);
  sharedCas = 0;
  nameKey(letter, identity);
  lend(block, size);
  const status = proxy_get_shared_data(key, KEY_SIZE, result, result + 4, result + 8);
  lend(0, 0);
  if (status !== OK || load<usize>(result) !== block) return 0;
  sharedCas = load<u32>(result, 8);
  return load<u32>(result, 4);
}

/** Replaces the value that was read with `cas`. False: another worker was faster, or the host refuses. */
export function replaceShared(letter: u8, identity: u64, block: usize, size: u32, cas: u32): bool {
  // 0 would overwrite whatever is there.
  if (cas === 0) return false;
  nameKey(letter, identity);
  return proxy_set_shared_data(key, KEY_SIZE, block, size, cas) === OK;
}

/** Writes a value whatever is there. */
export function writeShared(letter: u8, identity: u64, block: usize, size: u32): void {
  nameKey(letter, identity);
  proxy_set_shared_data(key, KEY_SIZE, block, size, 0);
}
