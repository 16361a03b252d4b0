import { buildByteSet, byteSetHas, byteSetSize, ByteSet } from "../../assembly/set";

let texts: Array<ArrayBuffer> = [];
let records = new ArrayBuffer(0);
let block = new ArrayBuffer(0);

/** Lays the values out as a configuration does, and builds their set. */
function build(values: Array<string>): ByteSet {
  texts = [];
  records = new ArrayBuffer(values.length * 8);
  for (let i = 0; i < values.length; i++) {
    const text = String.UTF8.encode(values[i]);
    texts.push(text);
    store<u32>(changetype<usize>(records) + i * 8, <u32>changetype<usize>(text));
    store<u32>(changetype<usize>(records) + i * 8, text.byteLength, 4);
  }
  block = new ArrayBuffer(<i32>byteSetSize(values.length));
  return buildByteSet(changetype<usize>(block), changetype<usize>(records), values.length);
}

function has(set: ByteSet, value: string): bool {
  const text = String.UTF8.encode(value);
  return byteSetHas(set, changetype<usize>(text), text.byteLength);
}

describe("byteSetHas", () => {
  it("finds what is in, and nothing else", () => {
    const values = build(["gold", "", "silver", "gold", "\u00ff"]);
    expect(values.count).toBe(4, "distinct values");
    expect(has(values, "gold")).toBe(true);
    expect(has(values, "silver")).toBe(true);
    expect(has(values, "")).toBe(true);
    expect(has(values, "\u00ff")).toBe(true);
    expect(has(values, "Gold")).toBe(false);
    expect(has(values, "golden")).toBe(false);
    expect(has(values, "gol")).toBe(false);
  });

  it("is empty without values", () => {
    const values = build([]);
    expect(has(values, "")).toBe(false);
    expect(has(values, "a")).toBe(false);
  });

  it("holds 100,000 values within a bounded probe", () => {
    const all: Array<string> = [];
    for (let i = 0; i < 100_000; i++) all.push("v" + i.toString());
    const values = build(all);
    expect(values.count).toBe(100_000);
    let missing = 0;
    let wrong = 0;
    for (let i = 0; i < 100_000; i += 7) if (!has(values, "v" + i.toString())) missing += 1;
    for (let i = 100_000; i < 110_000; i++) if (has(values, "v" + i.toString())) wrong += 1;
    expect(missing).toBe(0, "values not found");
    expect(wrong).toBe(0, "strangers found");
    expect(values.longestProbe).toBeLessThan(256);
  });
});
