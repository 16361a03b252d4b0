// The table of chances in the filter's README: keys fall on pages at random, since their hash is keyed, so the
// number of live keys on a page has a Poisson distribution.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { projectRoot } from "../envoy/root.ts";

const ENTRIES = 10;

/** Chances of 0, 1, 2 ... keys on a page. */
function poisson(mean: number): number[] {
  const chances = [Math.exp(-mean)];
  for (let keys = 1; keys < 100; keys++) chances.push(((chances[keys - 1] ?? 0) * mean) / keys);
  return chances;
}

function row(percent: number): string {
  const mean = (percent / 100) * (ENTRIES / 2);
  let tooFull = 0;
  let without = 0;
  for (const [keys, chance] of poisson(mean).entries()) {
    if (keys <= ENTRIES) continue;
    tooFull += chance;
    without += (keys - ENTRIES) * chance;
  }
  return `| ${percent} % | ${tooFull.toExponential(1)} | ${(without / mean).toExponential(1)} |`;
}

test("the README's chances of eviction are those of the layout", async () => {
  const readme = await readFile(join(projectRoot, "filters/rate_limit/README.md"), "utf8");
  for (const percent of [20, 40, 50, 60, 80, 100, 150, 200])
    assert.ok(readme.includes(row(percent)), `the README lacks: ${row(percent)}`);
});
