import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { after, before, test } from "node:test";
import { pack } from "./pack.mjs";

const root = dirname(dirname(import.meta.dirname));
const folder = mkdtempSync(join(tmpdir(), "pack-"));
after(() => rmSync(folder, { recursive: true }));

// Noise that nothing shortens, words that repeat, a gap of zeros, and data behind it.
const noise = Array.from({ length: 3000 }, (_, i) => (Math.imul(i + 1, 2654435761) >>> 13) & 255);
const source = `
const noise: usize = memory.data<u8>([${noise}]);
const gap: usize = memory.data(200000);
const words: usize = memory.data<u32>([${Array.from({ length: 500 }, (_, i) => i % 37)}]);
let started: u32 = 0;
started = load<u32>(words + 4);
export function placeOfNoise(): usize { return noise; }
export function placeOfGap(): usize { return gap; }
export function placeOfWords(): usize { return words; }
export function text(): string { return "the same text, the same text, the same text again"; }
export function atStart(): u32 { return started; }
`;

let plain;
let packed;
before(async () => {
  const path = join(folder, "data.ts");
  const output = join(folder, "data.wasm");
  writeFileSync(path, source);
  const files = [relative(root, path), "assembly/start/unpack.ts"];
  const asc = join(root, "node_modules/assemblyscript/bin/asc.js");
  const options = ["--config", "asconfig.json", "--target", "release", "--outFile", output];
  execFileSync(process.execPath, [asc, ...files, ...options], { cwd: root, stdio: "pipe" });
  const wasm = readFileSync(output);
  const small = pack(wasm);
  assert.ok(small.length < wasm.length - 1500, `${wasm.length} became ${small.length}`);
  plain = await start(wasm);
  packed = await start(small);
});

async function start(wasm) {
  const { instance } = await WebAssembly.instantiate(wasm, {});
  instance.exports._initialize();
  return instance.exports;
}

test("memory is as it was, to the last byte", () => {
  const expected = Buffer.from(plain.memory.buffer);
  const actual = Buffer.from(packed.memory.buffer);
  assert.ok(actual.length >= expected.length);
  assert.equal(Buffer.compare(actual.subarray(0, expected.length), expected), 0);
  assert.ok(actual.subarray(expected.length).every((byte) => byte === 0));
});

test("the module's own start finds its data", () => {
  assert.equal(packed.atStart(), 1);
  assert.deepEqual([...new Uint8Array(packed.memory.buffer, packed.placeOfNoise(), 3000)], noise);
});

test("what unpacks is no export", () => {
  const names = Object.keys(plain).filter((name) => name !== "beginUnpacking" && name !== "unpack");
  assert.deepEqual(Object.keys(packed).sort(), names.sort());
});

test("the same module packs to the same bytes", () => {
  const wasm = readFileSync(join(folder, "data.wasm"));
  assert.deepEqual(pack(wasm), pack(wasm));
});
