// Quantities written as text: exact values, and what is none.

import assert from "node:assert/strict";
import { test } from "node:test";
import { durationMs, formatDuration, parseDuration, parsePercent, parseTimestamp } from "./values.ts";

test("durations are exact to the nanosecond", () => {
  const table: [string, bigint | undefined][] = [
    ["0s", 0n],
    ["100ms", 100_000_000n],
    ["1.5s", 1_500_000_000n],
    ["1h30m", 5_400_000_000_000n],
    ["1m0.000000001s", 60_000_000_001n],
    ["10us", 10_000n],
    ["10µs", 10_000n],
    ["8760h", 31_536_000_000_000_000n],
    ["", undefined],
    ["1", undefined],
    ["-1s", undefined],
    ["1 s", undefined],
    ["s", undefined],
    [".5s", undefined],
    ["1d", undefined],
  ];
  for (const [text, ns] of table) assert.equal(parseDuration(text), ns, text);
  assert.equal(durationMs("1500us"), 1.5);
  assert.throws(() => durationMs("1"), /not a duration: 1/);
});

test("durations are printed in the largest units", () => {
  const table: [bigint, string][] = [
    [0n, "0s"],
    [1_000_000n, "1ms"],
    [60_000_000_000n, "1m"],
    [5_400_000_000_000n, "1h30m"],
    [61_500_000_000n, "1m1500ms"],
  ];
  for (const [ns, text] of table) {
    assert.equal(formatDuration(ns), text);
    assert.equal(parseDuration(text), ns);
  }
});

test("percentages are exact to the millionth", () => {
  const table: [number | string, number | undefined][] = [
    [0, 0],
    [100, 1_000_000],
    [0.0001, 1],
    [33.3333, 333_333],
    ["20%", 200_000],
    ["20 %", 200_000],
    ["0.5", 5_000],
    [100.0001, undefined],
    [0.00001, undefined],
    [-1, undefined],
    ["x", undefined],
    ["", undefined],
    [Number.NaN, undefined],
  ];
  for (const [value, millionths] of table) assert.equal(parsePercent(value), millionths, String(value));
});

test("moments need a zone and must exist", () => {
  assert.equal(parseTimestamp("1970-01-01T00:00:01Z"), 1000);
  assert.equal(parseTimestamp("1970-01-01t01:00:01.5+01:00"), 1500);
  assert.equal(parseTimestamp("2028-02-29T00:00:00Z"), Date.UTC(2028, 1, 29));
  for (const text of [
    "2027-02-29T00:00:00Z",
    "2027-01-01",
    "2027-01-01T00:00:00",
    "2027-13-01T00:00:00Z",
    "2027-01-01T24:00:00Z",
    "now",
  ])
    assert.equal(parseTimestamp(text), undefined, text);
});
