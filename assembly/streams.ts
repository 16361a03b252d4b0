// Streams with state: a table of fixed size, made at configure time, keyed by the stream's id, freed in on_log.
//
// Open addressing with linear probing, at most half full; a removal moves later entries of the run back, so that
// no mark of deletion is left.

/** What is kept of one stream; what the fields mean is the filter's. */
@unmanaged
export class Stream {
  /** Context id; 0: free. */
  id: u32;
  owner: usize;
  record: usize;
  rule: usize;
  flags: u32;
  value: u64;
}

const SIZE: u32 = <u32>offsetof<Stream>();

let slots: usize = 0;
let mask: u32 = 0;
let most: u32 = 0;
let used: u32 = 0;

/** Configure only. Room for at least `count` streams; what is in the table stays. */
export function ensureStreams(count: u32): void {
  if (count <= most) return;
  const oldSlots = slots;
  const oldCount: u32 = slots === 0 ? 0 : mask + 1;
  let capacity: u32 = 64;
  while (capacity < count << 1) capacity <<= 1;
  slots = heap.alloc(capacity * SIZE);
  memory.fill(slots, 0, capacity * SIZE);
  mask = capacity - 1;
  most = count;
  for (let i: u32 = 0; i < oldCount; i++) {
    const old = changetype<Stream>(oldSlots + i * SIZE);
    if (old.id !== 0) memory.copy(changetype<usize>(free(old.id)), changetype<usize>(old), SIZE);
  }
  if (oldSlots !== 0) heap.free(oldSlots);
}

/** A new entry, or that of an earlier call; null: the table is full. */
export function addStream(id: u32): Stream | null {
  const known = findStream(id);
  if (known !== null) return known;
  if (used >= most) return null;
  used += 1;
  const stream = free(id);
  stream.id = id;
  return stream;
}

export function findStream(id: u32): Stream | null {
  if (used === 0) return null;
  let at = home(id);
  let stream = streamAt(at);
  while (stream.id !== id && stream.id !== 0) {
    at = (at + 1) & mask;
    stream = streamAt(at);
  }
  return stream.id === 0 ? null : stream;
}

/** Frees an entry; entries found before are found anew. */
export function removeStream(stream: Stream): void {
  used -= 1;
  let hole = <u32>((changetype<usize>(stream) - slots) / SIZE);
  for (let at = (hole + 1) & mask; ; at = (at + 1) & mask) {
    const next = streamAt(at);
    if (next.id === 0) break;
    // It may move back only as far as its home.
    if (((at - home(next.id)) & mask) < ((at - hole) & mask)) continue;
    memory.copy(slots + hole * SIZE, changetype<usize>(next), SIZE);
    hole = at;
  }
  memory.fill(slots + hole * SIZE, 0, SIZE);
}

/** The free slot where an id belongs. */
function free(id: u32): Stream {
  let at = home(id);
  while (streamAt(at).id !== 0) at = (at + 1) & mask;
  return streamAt(at);
}

// @ts-ignore: decorator
@inline
function streamAt(at: u32): Stream {
  return changetype<Stream>(slots + at * SIZE);
}

/** Ids count up, over all workers' streams of this VM: a multiplication spreads them. */
// @ts-ignore: decorator
@inline
function home(id: u32): u32 {
  return ((id * 0x9e3779b1) >> 7) & mask;
}
