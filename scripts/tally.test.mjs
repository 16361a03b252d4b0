// The counts decide whether a run is green, so they are checked on a run that has everything in it.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

const mixed = `
import { describe, test } from "node:test";
test("passes", () => {});
test("fails", () => { throw new Error("the reason"); });
test("is skipped", { skip: "no such thing here" }, () => {});
test("holds others", async (t) => {
  await t.test("inner passes", () => {});
  await t.test("inner fails", () => { throw new Error("the inner reason"); });
});
describe("a group", () => { test("grouped", () => {}); });
`;

function runTests(files) {
  const directory = mkdtempSync(join(tmpdir(), "sluice-tally-"));
  try {
    const paths = Object.entries(files).map(([name, text]) => {
      writeFileSync(join(directory, name), text);
      return join(directory, name);
    });
    const reporters = [
      `--test-reporter=${import.meta.dirname}/report.mjs`,
      "--test-reporter-destination=stdout",
    ];
    const counters = [
      `--test-reporter=${import.meta.dirname}/tally.mjs`,
      `--test-reporter-destination=${join(directory, "tally.json")}`,
    ];
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const args = ["--test", ...reporters, ...counters, ...paths];
    const { stdout, status } = spawnSync(process.execPath, args, { encoding: "utf8", env });
    return { stdout, status, counts: JSON.parse(readFileSync(join(directory, "tally.json"), "utf8")) };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

test("passes, failures and skipped tests are counted; holders and groups are not", () => {
  const { counts, stdout, status } = runTests({ "mixed.test.mjs": mixed });
  assert.equal(status, 1);
  assert.equal(counts.passed, 3);
  assert.equal(counts.failed, 2);
  assert.match(counts.skipped.join(), /is skipped \(no such thing here\)/);
  assert.match(counts.failures.map(({ text }) => text).join(), /the reason[\s\S]*the inner reason/);
  assert.match(stdout, /✓ passes\n {2}✗ fails/);
  assert.match(stdout, / {4}✓ inner passes/);
});

test("a file that cannot be loaded is a failure", () => {
  const { counts } = runTests({
    "broken.test.mjs": "import './gone.mjs';",
    "fine.test.mjs": 'import "node:test";',
  });
  assert.equal(counts.failed, 1);
  assert.equal(counts.passed, 0, "a file without a test is no test");
  assert.match(counts.failures.map(({ name }) => name).join(), /broken\.test\.mjs/);
});

test("a file that ends in the middle of a test is a failure", () => {
  const { counts, status } = runTests({
    "left.test.mjs": 'import { test } from "node:test"; test("never ends", () => new Promise(() => {}));',
    "exits.test.mjs": 'import { test } from "node:test"; test("exits", () => process.exit(3));',
  });
  assert.equal(status, 1);
  assert.equal(counts.passed, 0);
  assert.equal(counts.failed, 2);
});
