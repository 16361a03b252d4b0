// A set of byte strings, built at configure time and asked on the request path: `in` with 100,000 values.
//
// A block is laid out as
//   0  count u32 | 4 capacity u32 | 8 longest probe u32 | 12 the values' address u32 | 16 slots
// and a slot as  0  tag u32 (lower half of the hash) | 4 index of the value + 1, u32 (0: free).
// Open addressing, linear probing, two thirds full. The values stay where they are and are not copied. A look-up
// reads at most as many slots as the longest probe at building, whatever the request holds.

import { sameBytes } from "./bytes";
import { stableHash } from "./hash";

/** A byte string, in a contiguous array. */
@unmanaged
export class ByteString {
  start: usize;
  length: u32;
}


@unmanaged
export class ByteSet {
  count: u32;
  capacity: u32;
  longestProbe: u32;
  values: usize;
}

const HEADER_SIZE: usize = 16;
const SLOT_SIZE: usize = 8;
const SEED: u64 = 0x736c756963652e73;

/** Bytes that a set of `count` values takes. */
export function byteSetSize(count: u32): usize {
  return HEADER_SIZE + <usize>capacityFor(count) * SLOT_SIZE;
}

/**
 * Builds a set of the `count` records at `values` in `block`, which has byteSetSize(count) bytes, aligned to 8.
 * Values may repeat. The records and their bytes must live as long as the set.
 */
export function buildByteSet(block: usize, values: usize, count: u32): ByteSet {
  const set = changetype<ByteSet>(block);
  const capacity = capacityFor(count);
  memory.fill(block, 0, byteSetSize(count));
  set.capacity = capacity;
  set.values = values;
  const slots = block + HEADER_SIZE;
  for (let index: u32 = 0; index < count; index++) {
    const value = changetype<ByteString>(values + index * offsetof<ByteString>());
    if (byteSetHas(set, value.start, value.length)) continue;
    const hash = stableHash(value.start, value.length, SEED);
    let slot = home(hash, capacity);
    let probe: u32 = 1;
    while (load<u32>(slots + slot * SLOT_SIZE, 4) !== 0) {
      slot = slot + 1 === capacity ? 0 : slot + 1;
      probe += 1;
    }
    store<u32>(slots + slot * SLOT_SIZE, <u32>hash);
    store<u32>(slots + slot * SLOT_SIZE, index + 1, 4);
    if (probe > set.longestProbe) set.longestProbe = probe;
    set.count += 1;
  }
  return set;
}

/** Whether the `length` bytes at `start` are one of the values. */
export function byteSetHas(set: ByteSet, start: usize, length: u32): bool {
  const hash = stableHash(start, length, SEED);
  const tag = <u32>hash;
  const capacity = set.capacity;
  const slots = changetype<usize>(set) + HEADER_SIZE;
  let slot = home(hash, capacity);
  for (let left = set.longestProbe; left > 0; left--) {
    const index = load<u32>(slots + slot * SLOT_SIZE, 4);
    if (index === 0) return false;
    if (load<u32>(slots + slot * SLOT_SIZE) === tag) {
      const value = changetype<ByteString>(set.values + (index - 1) * offsetof<ByteString>());
      if (value.length === length && sameBytes(value.start, start, length)) return true;
    }
    slot = slot + 1 === capacity ? 0 : slot + 1;
  }
  return false;
}

function capacityFor(count: u32): u32 {
  return count + (count >> 1) + 8;
}

/** The upper half of the hash, scaled to the capacity. */
// @ts-ignore: decorator
@inline
function home(hash: u64, capacity: u32): usize {
  return <usize>(((hash >> 32) * capacity) >> 32);
}
