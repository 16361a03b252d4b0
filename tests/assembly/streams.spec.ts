import { addStream, ensureStreams, findStream, removeStream } from "../../assembly/streams";

/** A generator of ids as a worker sees them: rising, with gaps. */
let seed: u32 = 1;
function next(): u32 {
  seed = seed * 1664525 + 1013904223;
  return seed >>> 8;
}

function drop(id: u32): void {
  const stream = findStream(id);
  if (stream !== null) removeStream(stream);
}

describe("streams", () => {
  it("are found by their ids until they are removed", () => {
    ensureStreams(64);
    const ids: u32[] = [];
    let id: u32 = 2;
    for (let round = 0; round < 3_000; round++) {
      if (ids.length < 40 && (next() & 1) === 0) {
        id += 1 + (next() & 3);
        const stream = addStream(id);
        expect(stream === null).toBe(false);
        if (stream !== null) stream.value = <u64>id * 3;
        ids.push(id);
      } else if (ids.length > 0) {
        const at = <i32>(next() % <u32>ids.length);
        const gone = ids[at];
        drop(gone);
        ids[at] = ids[ids.length - 1];
        ids.pop();
        if (findStream(gone) !== null) expect(gone).toBe(0, "a removed stream is still there");
      }
      for (let i = 0; i < ids.length; i++) {
        const stream = findStream(ids[i]);
        if (stream === null || stream.value !== <u64>ids[i] * 3) expect(ids[i]).toBe(0, "a stream is lost");
      }
    }
    for (let i = 0; i < ids.length; i++) drop(ids[i]);
  });

  it("are refused when the table is full, and kept when it grows", () => {
    for (let i: u32 = 1; i <= 64; i++) expect(addStream(i * 7) === null).toBe(false);
    expect(addStream(7) === null).toBe(false, "one that is there is no new one");
    expect(addStream(1) === null).toBe(true, "the 65th");
    ensureStreams(1000);
    expect(addStream(1) === null).toBe(false, "the 65th, after growing");
    for (let i: u32 = 1; i <= 64; i++) expect(findStream(i * 7) === null).toBe(false);
    for (let i: u32 = 1; i <= 64; i++) drop(i * 7);
    drop(1);
    expect(findStream(7) === null).toBe(true);
  });
});
