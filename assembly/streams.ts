// Streams with state: tables of fixed size, made at configure time, keyed by the stream's id, freed in on_log. Each
// part of a module that keeps something of a stream has a table of its own:
// `const kept: StreamTable = changetype<StreamTable>(memory.data(STREAM_TABLE_SIZE, 4));`
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


@unmanaged
export class StreamTable {
  slots: usize;
  mask: u32;
  most: u32;
  used: u32;
}

/** Bytes of a StreamTable; all 0: it has no room yet. */
export const STREAM_TABLE_SIZE: i32 = 16;

/** Configure only. Room for at least `count` streams; what is in the table stays. */
export function ensureStreams(table: StreamTable, count: u32): void {
  if (count <= table.most) return;
  const oldSlots = table.slots;
  const oldCount: u32 = oldSlots === 0 ? 0 : table.mask + 1;
  let capacity: u32 = 64;
  while (capacity < count << 1) capacity <<= 1;
  table.slots = heap.alloc(capacity * SIZE);
  memory.fill(table.slots, 0, capacity * SIZE);
  table.mask = capacity - 1;
  table.most = count;
  for (let i: u32 = 0; i < oldCount; i++) {
    const old = changetype<Stream>(oldSlots + i * SIZE);
    if (old.id !== 0) memory.copy(changetype<usize>(free(table, old.id)), changetype<usize>(old), SIZE);
  }
  if (oldSlots !== 0) heap.free(oldSlots);
}

/** A new entry, or that of an earlier call; null: the table is full. */
export function addStream(table: StreamTable, id: u32): Stream | null {
  const known = findStream(table, id);
  if (known !== null) return known;
  if (table.used >= table.most) return null;
  table.used += 1;
  const stream = free(table, id);
  stream.id = id;
  return stream;
}

export function findStream(table: StreamTable, id: u32): Stream | null {
  if (table.used === 0) return null;
  const mask = table.mask;
  let at = home(id) & mask;
  let stream = streamAt(table, at);
  while (stream.id !== id && stream.id !== 0) {
    at = (at + 1) & mask;
    stream = streamAt(table, at);
  }
  return stream.id === 0 ? null : stream;
}

/** Frees an entry; entries found before are found anew. */
export function removeStream(table: StreamTable, stream: Stream): void {
  table.used -= 1;
  const mask = table.mask;
  let hole = <u32>((changetype<usize>(stream) - table.slots) / SIZE);
  for (let at = (hole + 1) & mask; ; at = (at + 1) & mask) {
    const next = streamAt(table, at);
    if (next.id === 0) break;
    // It may move back only as far as its home.
    if (((at - home(next.id)) & mask) < ((at - hole) & mask)) continue;
    memory.copy(table.slots + hole * SIZE, changetype<usize>(next), SIZE);
    hole = at;
  }
  memory.fill(table.slots + hole * SIZE, 0, SIZE);
}

/** The free slot where an id belongs. */
function free(table: StreamTable, id: u32): Stream {
  const mask = table.mask;
  let at = home(id) & mask;
  while (streamAt(table, at).id !== 0) at = (at + 1) & mask;
  return streamAt(table, at);
}

// @ts-ignore: decorator
@inline
function streamAt(table: StreamTable, at: u32): Stream {
  return changetype<Stream>(table.slots + at * SIZE);
}

/** Ids count up, over all workers' streams of this VM: a multiplication spreads them. */
// @ts-ignore: decorator
@inline
function home(id: u32): u32 {
  return (id * 0x9e3779b1) >> 7;
}
