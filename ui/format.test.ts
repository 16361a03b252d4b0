import assert from "node:assert/strict";
import { test } from "node:test";
import { ago, count, milliseconds, percent, plural, rate, serviceName } from "./format.ts";

const table: { name: string; got: string; text: string }[] = [
  { name: "no rate", got: rate(0), text: "0" },
  { name: "a trickle is not nothing", got: rate(0.01), text: "<0.1" },
  { name: "a rate", got: rate(12.34), text: "12.3" },
  { name: "a whole rate", got: rate(57), text: "57" },
  { name: "a hundred", got: rate(99.96), text: "100" },
  { name: "a thousand", got: rate(999.9), text: "1k" },
  { name: "thousands", got: rate(1240), text: "1.2k" },
  { name: "millions", got: rate(3_400_000), text: "3.4M" },
  { name: "a count", got: count(12_345), text: "12,345" },
  { name: "a large count", got: count(1_234_567), text: "1.2M" },
  { name: "no latency", got: milliseconds(null), text: "–" },
  { name: "less than one", got: milliseconds(0.25), text: "<1 ms" },
  { name: "a few", got: milliseconds(4.04), text: "4 ms" },
  { name: "some", got: milliseconds(42.4), text: "42 ms" },
  { name: "a second", got: milliseconds(1000), text: "1 s" },
  { name: "nothing of nothing", got: percent(0, 0), text: "0 %" },
  { name: "one in a million", got: percent(1, 1e6), text: "<0.1 %" },
  { name: "a small part", got: percent(1, 40), text: "2.5 %" },
  { name: "a large part", got: percent(2, 3), text: "67 %" },
  { name: "just now", got: ago(1000, 1400), text: "0 s ago" },
  { name: "minutes ago", got: ago(0, 150_000), text: "2 min ago" },
  { name: "hours ago", got: ago(0, 7_300_000), text: "2 h ago" },
  { name: "one", got: plural(1, "route"), text: "1 route" },
  { name: "none", got: plural(0, "proxy", "proxies"), text: "0 proxies" },
];

for (const { name, got, text } of table) test(name, () => assert.equal(got, text));

test("hosts of a cluster by service and namespace, others as they are", () => {
  assert.deepEqual(serviceName("search.ficool.svc.cluster.local"), { name: "search", place: "ficool" });
  assert.deepEqual(serviceName("api.example.com"), { name: "api.example.com", place: "" });
});
