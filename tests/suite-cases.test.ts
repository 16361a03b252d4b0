// Every case of every single filter through the suite, as the part that it is there: in host/ with the debug and the
// release build, and every ninth of them in a real Envoy. SLUICE_CASES=text runs only the cases whose name contains it.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { findEnvoy } from "../envoy/find.ts";
import { projectRoot } from "../envoy/root.ts";
import { type CompiledModule, compileModule } from "../host/index.ts";
import { suiteParts } from "../schema/suite.ts";
import { type Case, readCases } from "./cases/format.ts";
import { type CasesInEnvoy, startCases } from "./cases/in-envoy.ts";
import { neededCapabilities, runInNode } from "./cases/in-node.ts";
import { asSuiteCase, partCapabilities } from "./cases/in-suite.ts";

const wanted = process.env.SLUICE_CASES ?? "";
const everyNth = 9;

const wasm = (name: string, build = "") => join(projectRoot, "build", "filters", build, `${name}.wasm`);
const load = async (path: string) => compileModule(await readFile(path));

const all: Case[] = [];
for (const filter of Object.keys(suiteParts)) {
  const path = join(projectRoot, "filters", filter, "cases.yaml");
  const cases = (await readCases(path))
    .filter((one) => one.name.includes(wanted))
    .map((one) => asSuiteCase(one, filter));
  all.push(...cases.map((one) => ({ ...one, name: `${filter}: ${one.name}` })));
  for (const build of ["", "debug"]) {
    describe(`${filter}: cases through the suite, ${build || "release"} build`, () => {
      let suite: CompiledModule;
      let capabilities: string[];
      before(async () => {
        suite = await load(wasm("suite", build));
        capabilities = partCapabilities(suite, await load(wasm(filter, build)));
      });
      for (const one of cases)
        test(one.name, () => assert.deepEqual(runInNode(suite, one, capabilities), []));
    });
  }
}

const inEnvoy = all.filter((one) => !one.nodeOnly).filter((_, index) => index % everyNth === 0);
describe("cases through the suite in Envoy", { skip: inEnvoy.length === 0 && "no case chosen" }, () => {
  let envoy: CasesInEnvoy;
  before(async () => {
    const capabilities = neededCapabilities(await load(wasm("suite")));
    envoy = await startCases({
      binary: await findEnvoy(),
      wasm: wasm("suite"),
      capabilities,
      cases: inEnvoy,
    });
  });
  after(() => envoy?.stop());
  for (const one of inEnvoy) test(one.name, async () => assert.deepEqual(await envoy.run(one), []));
});
