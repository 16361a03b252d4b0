import {
  addStream,
  ensureStreams,
  findStream,
  removeStream,
  STREAM_TABLE_SIZE,
  StreamTable,
} from "../../assembly/streams";

const table: StreamTable = changetype<StreamTable>(memory.data(STREAM_TABLE_SIZE, 4));

/** A generator of ids as a worker sees them: rising, with gaps. */
let seed: u32 = 1;
function next(): u32 {
  seed = seed * 1664525 + 1013904223;
  return seed >>> 8;
}

function drop(id: u32): void {
  const stream = findStream(table, id);
  if (stream !== null) removeStream(table, stream);
}

describe("streams", () => {
  it("are found by their ids until they are removed", () => {
    ensureStreams(table, 64);
    const ids: u32[] = [];
    let id: u32 = 2;
    for (let round = 0; round < 3_000; round++) {
      if (ids.length < 40 && (next() & 1) === 0) {
        id += 1 + (next() & 3);
        const stream = addStream(table, id);
        expect(stream === null).toBe(false);
        if (stream !== null) stream.value = <u64>id * 3;
        ids.push(id);
      } else if (ids.length > 0) {
        const at = <i32>(next() % <u32>ids.length);
        const gone = ids[at];
        drop(gone);
        ids[at] = ids[ids.length - 1];
        ids.pop();
        if (findStream(table, gone) !== null) expect(gone).toBe(0, "a removed stream is still there");
      }
      for (let i = 0; i < ids.length; i++) {
        const stream = findStream(table, ids[i]);
        if (stream === null || stream.value !== <u64>ids[i] * 3) expect(ids[i]).toBe(0, "a stream is lost");
      }
    }
    for (let i = 0; i < ids.length; i++) drop(ids[i]);
  });

  it("are refused when the table is full, and kept when it grows", () => {
    for (let i: u32 = 1; i <= 64; i++) expect(addStream(table, i * 7) === null).toBe(false);
    expect(addStream(table, 7) === null).toBe(false, "one that is there is no new one");
    expect(addStream(table, 1) === null).toBe(true, "the 65th");
    ensureStreams(table, 1000);
    expect(addStream(table, 1) === null).toBe(false, "the 65th, after growing");
    for (let i: u32 = 1; i <= 64; i++) expect(findStream(table, i * 7) === null).toBe(false);
    for (let i: u32 = 1; i <= 64; i++) drop(i * 7);
    drop(1);
    expect(findStream(table, 7) === null).toBe(true);
  });
});
