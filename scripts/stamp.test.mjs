import assert from "node:assert/strict";
import { mkdtempSync, mkdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { hashOf, isFresh, setStamp } from "./stamp.mjs";

let root;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "sluice-stamp-"));
  mkdirSync(join(root, "a/deep"), { recursive: true });
  mkdirSync(join(root, "a/node_modules"));
  writeFileSync(join(root, "a/one.ts"), "1");
  writeFileSync(join(root, "a/deep/two.ts"), "2");
  writeFileSync(join(root, "a/node_modules/x.ts"), "x");
});
afterEach(() => rmSync(root, { recursive: true }));

test("content, names and extras count; dates and node_modules do not", () => {
  const hash = (extra) => hashOf(root, ["a"], undefined, extra);
  const before = hash();
  utimesSync(join(root, "a/one.ts"), 1, 1);
  writeFileSync(join(root, "a/node_modules/x.ts"), "y");
  assert.equal(hash(), before);
  assert.notEqual(hash(["tool@2"]), before);
  writeFileSync(join(root, "a/deep/two.ts"), "3");
  assert.notEqual(hash(), before);
});

test("moving a byte from a name to a content is a change", () => {
  writeFileSync(join(root, "ab"), "c");
  writeFileSync(join(root, "a/bc"), "");
  assert.notEqual(hashOf(root, ["ab"]), hashOf(root, ["a/bc"]));
});

test("only what is wanted is read", () => {
  const only = (path) => path === "a/one.ts";
  const before = hashOf(root, ["a", "absent"], only);
  writeFileSync(join(root, "a/deep/two.ts"), "3");
  assert.equal(hashOf(root, ["a", "absent"], only), before);
});

test("a step is fresh when its stamp matches and its outputs are there", () => {
  assert.equal(isFresh(root, "step", "h", ["a/one.ts"]), false);
  setStamp(root, "step", "h");
  assert.equal(isFresh(root, "step", "h", ["a/one.ts"]), true);
  assert.equal(isFresh(root, "step", "h2", ["a/one.ts"]), false);
  assert.equal(isFresh(root, "step", "h", ["a/gone.ts"]), false);
});
