// Every filters/NAME/cases.yaml, in host/ with the debug and the release build, and in a real Envoy.
// SLUICE_CASES=text runs only the cases whose name contains it.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { findEnvoy } from "../envoy/find.ts";
import { projectRoot } from "../envoy/root.ts";
import { type CompiledModule, compileModule } from "../host/index.ts";
import { readCases } from "./cases/format.ts";
import { type CasesInEnvoy, startCases } from "./cases/in-envoy.ts";
import { neededCapabilities, runInNode } from "./cases/in-node.ts";

const wanted = process.env.SLUICE_CASES ?? "";

for (const filter of await filtersWithCases()) {
  const cases = (await readCases(casesOf(filter))).filter((one) => one.name.includes(wanted));
  const wasm = (build: string) => join(projectRoot, "build", "filters", build, `${filter}.wasm`);

  for (const build of ["", "debug"]) {
    describe(`${filter}: cases in the ${build || "release"} build`, () => {
      let module: CompiledModule;
      before(async () => {
        module = await compileModule(await readFile(wasm(build)));
      });
      for (const one of cases) {
        test(one.name, () => assert.deepEqual(runInNode(module, one), []));
      }
    });
  }

  const inEnvoy = cases.filter((one) => !one.nodeOnly);
  describe(`${filter}: cases in Envoy`, { skip: inEnvoy.length === 0 && "no case chosen" }, () => {
    let envoy: CasesInEnvoy;
    before(async () => {
      const module = await compileModule(await readFile(wasm("")));
      const capabilities = neededCapabilities(module);
      envoy = await startCases({ binary: await findEnvoy(), wasm: wasm(""), capabilities, cases: inEnvoy });
    });
    after(() => envoy?.stop());
    for (const one of inEnvoy) {
      test(one.name, async () => assert.deepEqual(await envoy.run(one), []));
    }
  });
}

function casesOf(filter: string): string {
  return join(projectRoot, "filters", filter, "cases.yaml");
}

async function filtersWithCases(): Promise<string[]> {
  const rooms = await readdir(join(projectRoot, "filters"), { withFileTypes: true });
  return rooms
    .filter((room) => room.isDirectory() && existsSync(casesOf(room.name)))
    .map((room) => room.name);
}
