// Which pairs of conditions one request can meet both.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { HttpMatchRequest } from "../../schema/generated/types.ts";
import { bySpecificity, covers, fullName, intersection, isVisible } from "./names.ts";
import { canBothMatch } from "./overlap.ts";

const cases: [string, HttpMatchRequest | undefined, HttpMatchRequest | undefined, boolean][] = [
  ["no condition", undefined, { uri: { exact: "/a" } }, true],
  ["two paths", { uri: { exact: "/a" } }, { uri: { exact: "/b" } }, false],
  ["a path under a prefix", { uri: { exact: "/a/b" } }, { uri: { prefix: "/a" } }, true],
  ["a path beside a prefix", { uri: { exact: "/b" } }, { uri: { prefix: "/a" } }, false],
  ["nested prefixes", { uri: { prefix: "/a" } }, { uri: { prefix: "/a/b" } }, true],
  ["prefixes apart", { uri: { prefix: "/a" } }, { uri: { prefix: "/b" } }, false],
  ["a path that a regex matches", { uri: { exact: "/a1" } }, { uri: { regex: "/a\\d" } }, true],
  ["a path that a regex does not match", { uri: { exact: "/ab" } }, { uri: { regex: "/a\\d" } }, false],
  ["two regexes: not known", { uri: { regex: "/a" } }, { uri: { regex: "/b" } }, true],
  ["paths that differ in case", { uri: { exact: "/A" } }, { uri: { exact: "/a" } }, false],
  ["the same, ignored", { uri: { exact: "/A" }, ignoreUriCase: true }, { uri: { exact: "/a" } }, true],
  ["two methods", { method: { exact: "GET" } }, { method: { exact: "PUT" } }, false],
  [
    "a query parameter's first value",
    { queryParams: { q: { exact: "1" } } },
    { queryParams: { q: { exact: "2" } } },
    false,
  ],
  ["two parameters", { queryParams: { q: { exact: "1" } } }, { queryParams: { r: { exact: "2" } } }, true],
  ["a header sent twice", { headers: { h: { exact: "1" } } }, { headers: { h: { exact: "2" } } }, true],
  ["a header that must be absent", { headers: { h: { exact: "1" } } }, { withoutHeaders: { h: {} } }, false],
  [
    "a value that must be absent",
    { headers: { h: { exact: "1" } } },
    { withoutHeaders: { h: { exact: "1" } } },
    false,
  ],
  ["another value", { headers: { h: { exact: "1" } } }, { withoutHeaders: { h: { exact: "2" } } }, true],
];

for (const [name, a, b, expected] of cases) {
  test(`overlap: ${name}`, () => {
    assert.equal(canBothMatch(a, b), expected);
    assert.equal(canBothMatch(b, a), expected);
  });
}

test("names", () => {
  assert.equal(fullName("shop", "a"), "shop.a.svc.cluster.local");
  assert.equal(fullName("Shop.Example.COM", "a"), "shop.example.com");
  assert.equal(fullName("*", "a"), "*");
  assert.ok(covers("*.a.com", "x.a.com"));
  assert.ok(covers("*.com", "*.a.com"));
  assert.ok(!covers("*.a.com", "a.com"));
  assert.ok(!covers("x.a.com", "*.a.com"));
  assert.equal(intersection("*", "*.a.com"), "*.a.com");
  assert.equal(intersection("*.b.com", "x.a.com"), undefined);
  assert.deepEqual(["*", "*.b", "a.b", "*.a.b"].sort(bySpecificity), ["a.b", "*.a.b", "*.b", "*"]);
});

test("exportTo", () => {
  assert.ok(isVisible(undefined, "a", "b"));
  assert.ok(isVisible(["."], "a", "a"));
  assert.ok(!isVisible(["."], "a", "b"));
  assert.ok(isVisible(["c", "b"], "a", "b"));
  assert.ok(isVisible(["*"], "a", "b"));
  assert.ok(isVisible(["."], "a", undefined));
});
