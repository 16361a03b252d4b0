// `node scripts/pack/pack.mjs MODULE`: packs the data of a release module, in place. Texts and tables shrink to a
// quarter, so that the 64 KiB of a module are for code.
//
// The module has been compiled together with assembly/start/unpack.ts. Its two functions stop being exports, and
// `_initialize` calls them before anything else. The packed bytes stand in memory behind the data; before the module
// itself runs they are zeros again, as fresh memory is. Unpacking takes 0.4 ms, once in the life of a VM.

import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import binaryen from "binaryen";
import { CONTEXTS, squeeze } from "./squeeze.mjs";

const PAGE = 65_536;

/** Zeros of this length between data are left out. */
const MAX_GAP = 256;

// What the compiler uses by default; a release module does not say it.
const { BulkMemory, MutableGlobals, NontrappingFPToInt, SignExt } = binaryen.Features;
const FEATURES = BulkMemory | MutableGlobals | NontrappingFPToInt | SignExt;

const START = "_initialize";
const BEGIN = "beginUnpacking";
const UNPACK = "unpack";

/** The same module with its data packed. */
export function pack(wasm) {
  const module = binaryen.readBinary(wasm);
  module.setFeatures(FEATURES);
  const chunks = chunksOf(module);
  const packed = squeeze(chunks);
  const last = chunks[chunks.length - 1];
  const scratch = (last.start + last.bytes.length + 7) & ~7;
  const at = scratch + 2 * CONTEXTS;
  const end = at + packed.length;

  const { initial, max } = module.getMemoryInfo();
  const { i32 } = module;
  module.removeExport("memory");
  module.setMemory(Math.max(initial, Math.ceil(end / PAGE)), max ?? -1, "memory", [
    { offset: i32.const(at), data: packed, passive: false },
  ]);

  const functions = new Map([START, BEGIN, UNPACK].map((name) => [name, takeExport(module, name)]));
  const call = (name, ...values) =>
    module.call(
      functions.get(name),
      values.map((value) => i32.const(value)),
      binaryen.none,
    );
  const body = module.block(null, [
    call(BEGIN, at, scratch),
    ...chunks.map(({ start, bytes }) => call(UNPACK, start, start + bytes.length)),
    module.memory.fill(i32.const(scratch), i32.const(0), i32.const(end - scratch)),
    call(START),
  ]);
  module.addFunction("startUnpacked", binaryen.none, binaryen.none, [], body);
  module.addFunctionExport("startUnpacked", START);
  optimize(module);
  if (!module.validate()) throw new Error("packing has made an invalid module");
  return module.emitBinary();
}

/** Once more, with functions of one caller inlined whole: 500 to 900 bytes less, where the compiler has a limit. */
function optimize(module) {
  binaryen.setOptimizeLevel(3);
  binaryen.setShrinkLevel(2);
  binaryen.setAlwaysInlineMaxSize(2);
  binaryen.setFlexibleInlineMaxSize(2);
  binaryen.setOneCallerInlineMaxSize(100_000);
  module.optimize();
}

/** Removes an export and returns the name of its function. */
function takeExport(module, name) {
  const { value } = binaryen.getExportInfo(module.getExport(name));
  module.removeExport(name);
  return value;
}

/** The data, in the order of addresses, segments with less than MAX_GAP between them as one. */
function chunksOf(module) {
  const segments = Array.from({ length: module.getNumMemorySegments() }, (_, i) => {
    const { offset, data, passive } = module.getMemorySegmentInfoByIndex(i);
    if (passive)
      throw new Error("a passive segment: only data that stands in memory from the start is packed");
    return { start: offset, bytes: new Uint8Array(data) };
  }).sort((a, b) => a.start - b.start);
  const chunks = [];
  for (const { start, bytes } of segments) {
    const chunk = chunks[chunks.length - 1];
    if (chunk === undefined || start - chunk.start - chunk.bytes.length > MAX_GAP)
      chunks.push({ start, bytes });
    else {
      const joined = new Uint8Array(start - chunk.start + bytes.length);
      joined.set(chunk.bytes);
      joined.set(bytes, start - chunk.start);
      chunk.bytes = joined;
    }
  }
  return chunks;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const [path] = process.argv.slice(2);
  writeFileSync(path, pack(readFileSync(path)));
}
