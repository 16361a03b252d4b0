// Which configuration of a plugin is the newest, and who puts it in force.
//
// Envoy configures a canary VM and the main thread's VM before any worker's, so whoever meets a configuration that
// the marker has not seen is the first and puts it in force: it creates cells and rewrites rates. A VM that meets one
// which the marker has seen, but not as the newest, is a worker that lags behind, or the main thread after a return
// to an older configuration. Within two seconds of the last change it is taken for the former and looks again
// when they are over; the marker is then changed by whoever is first.
//
//   0  magic u32 | 4 layout u32 | 8 count u64 | 16 time of the last change i64 | 24 versions, a ring of 16 u64

import { MARKER, readShared, replaceShared, sharedCas, sharedSize, writeShared } from "./shared";

/** Longer than any worker lags behind the main thread. */
export const SETTLED_NS: i64 = 2_000_000_000;

const SIZE: u32 = 152;
const RING: u64 = 16;
const MAGIC: u32 = 0x4d525253;
const LAYOUT: u32 = 1;

const marker: usize = memory.data(152, 8);

/** Answers of askMarker. */
export const NEWEST: i32 = 0;
export const UNSEEN: i32 = 1;
export const OLDER: i32 = 2;
export const OLDER_SETTLED: i32 = 3;

/** Where `version` stands. */
export function askMarker(owner: u64, version: u64, clock: i64): i32 {
  if (!readMarker(owner)) return UNSEEN;
  if (newest() === version) return NEWEST;
  for (let i: u64 = 0; i < RING; i++) {
    if (load<u64>(marker + 24 + ((<usize>i) << 3)) !== version) continue;
    return clock - load<i64>(marker, 16) > SETTLED_NS ? OLDER_SETTLED : OLDER;
  }
  return UNSEEN;
}

/** Whether `version` is the newest; asked when a bucket has other rates than expected. */
export function isNewest(owner: u64, version: u64): bool {
  return readMarker(owner) && newest() === version;
}

/** Makes `version` the newest. */
export function advanceMarker(owner: u64, version: u64, clock: i64): void {
  for (let i = 0; i < 256; i++) {
    const known = readMarker(owner);
    const cas = sharedCas;
    if (known && newest() === version) return;
    if (!known) {
      memory.fill(marker, 0, SIZE);
      store<u32>(marker, MAGIC);
      store<u32>(marker, LAYOUT, 4);
    }
    const count = load<u64>(marker, 8);
    store<u64>(marker, count + 1, 8);
    store<i64>(marker, clock, 16);
    store<u64>(marker + 24 + ((<usize>(count & (RING - 1))) << 3), version);
    if (known ? replaceShared(MARKER, owner, marker, SIZE, cas) : writeShared(MARKER, owner, marker, SIZE))
      return;
  }
}

function readMarker(owner: u64): bool {
  return (
    readShared(MARKER, owner, marker, SIZE) &&
    sharedSize === SIZE &&
    load<u32>(marker) === MAGIC &&
    load<u32>(marker, 4) === LAYOUT &&
    load<u64>(marker, 8) > 0
  );
}

// @ts-ignore: decorator
@inline
function newest(): u64 {
  return load<u64>(marker + 24 + ((<usize>((load<u64>(marker, 8) - 1) & (RING - 1))) << 3));
}
