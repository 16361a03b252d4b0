// The modules as they are shipped: what they import and export, how large they are, and the proof that no
// request can make a module's memory grow or trap it.

import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { projectRoot } from "../envoy/root.ts";
import { type CallGraph, callGraph } from "../host/call-graph.ts";
import { type CompiledModule, compileModule, knownHostcalls } from "../host/index.ts";

const maxKiB = 64;
/** Four filters in one: docs/architecture.md says why it cannot be as small as each of them. */
const maxKiBOf: Readonly<Record<string, number>> = { "suite.wasm": 96 };

/** Envoy reads these names by itself; they are no callbacks. */
const abiNames = ["memory", "proxy_abi_version_0_2_1", "proxy_on_memory_allocate", "_initialize"];

/** For host/ alone: Envoy has no callback of this name. */
const hostNames = ["sluice_trace"];

const atConfigureTime = ["proxy_on_vm_start", "proxy_on_configure"];

const callbacks = [
  ...atConfigureTime,
  ..."context_create tick request_headers response_headers http_call_response done log delete"
    .split(" ")
    .map((name) => `proxy_on_${name}`),
];

const folder = join(projectRoot, "build", "filters");
const names = (await readdir(folder)).filter((name) => name.endsWith(".wasm"));

test("there are modules to look at", () => assert.notEqual(names.length, 0));

const table: string[][] = [["module", "bytes", "imports", "exports"]];
after(() => {
  const widths = [0, 1, 2].map((column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  for (const row of table)
    console.log(row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  "));
});

for (const name of names) {
  describe(name, () => {
    let module: CompiledModule;
    let graph: CallGraph;
    before(async () => {
      module = await compileModule(await readFile(join(folder, name)));
      graph = await callGraph(module);
      const short = (list: readonly string[]) => `${list.length}`;
      table.push([name, `${module.bytes.length}`, short(module.imports), module.exports.join(" ")]);
    });
    /** Everything that runs for requests: all callbacks but configuration's, and the allocator. */
    const onRequests = () =>
      module.exports.filter((one) => /^proxy_on_/.test(one) && !atConfigureTime.includes(one));

    test("imports only hostcalls that Envoy 1.40 has", () => {
      assert.deepEqual(
        module.imports.filter((one) => !knownHostcalls.has(one)),
        [],
      );
    });

    test("every import is used", () => {
      const reached = new Set(
        module.exports.filter((one) => one !== "memory").flatMap((one) => graph.imports(one)),
      );
      assert.deepEqual(
        module.imports.filter((one) => !reached.has(one)),
        [],
      );
    });

    test("exports only callbacks that it needs and the ABI's names", () => {
      assert.deepEqual(
        module.exports.filter((one) => ![...abiNames, ...hostNames, ...callbacks].includes(one)),
        [],
      );
    });

    const kiB = maxKiBOf[name] ?? maxKiB;
    test(`has at most ${kiB} KiB`, () => {
      assert.ok(module.bytes.length <= kiB * 1024, `${module.bytes.length} bytes`);
    });

    test("no request can make memory grow", () => {
      for (const one of onRequests())
        assert.equal(graph.wayTo(one, "memory.grow")?.join(" > "), undefined, one);
    });

    test("no request can reach a trap", () => {
      for (const one of onRequests())
        assert.equal(graph.wayTo(one, "unreachable")?.join(" > "), undefined, one);
    });
  });
}
