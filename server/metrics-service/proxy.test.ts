import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { NodeIdentity } from "../model.ts";
import { answersKey, maxClusters, maxSeries, ProxyTraffic, windowMs } from "./proxy.ts";
import type { Samples } from "./samples.ts";

const node: NodeIdentity = {
  id: "gateway",
  cluster: "c",
  role: "gateway",
  namespace: "",
  labels: {},
  envoyVersion: "1.40.0",
};
const cluster = "outbound|80|v1|search";
const key = answersKey(cluster, "2");
const start = 1_000_000;

/** A flush in which the cluster has given so many answers in all. */
function flush(answers: number | undefined, more: Partial<Samples> = {}): Samples {
  return {
    answers: new Map(answers === undefined ? [] : [[cluster, new Map([["2", answers]])]]),
    latencies: new Map(),
    endpoints: new Map([[cluster, { total: 1, healthy: 1 }]]),
    downstream: new Map(),
    downstreamLatency: { bounds: [], counts: [] },
    decisions: [],
    ...more,
  };
}

/** Rate after the flushes, at the moment of the last one. */
function rateAfter(...flushes: [atMs: number, answers: number | undefined][]): number {
  const proxy = new ProxyTraffic(node);
  for (const [at, answers] of flushes) proxy.receive(flush(answers), start + at);
  return proxy.window(start + (flushes.at(-1)?.[0] ?? 0)).rate(key);
}

describe("the rate of a counter", () => {
  const table: { name: string; flushes: [number, number | undefined][]; rate: number }[] = [
    { name: "the first flush says nothing of now", flushes: [[0, 500]], rate: 0 },
    {
      name: "growth over the time between flushes",
      flushes: [
        [0, 500],
        [1000, 510],
        [2000, 540],
      ],
      rate: 20,
    },
    {
      name: "flushes that come late",
      flushes: [
        [0, 0],
        [2000, 40],
      ],
      rate: 20,
    },
    {
      name: "a counter that is new stood at 0",
      flushes: [
        [0, undefined],
        [1000, 7],
      ],
      rate: 7,
    },
    {
      name: "a proxy that has begun anew",
      flushes: [
        [0, 500],
        [1000, 510],
        [2000, 4],
      ],
      rate: 7,
    },
    {
      name: "what is older than the window",
      flushes: [
        [0, 0],
        [1000, 900],
        [windowMs + 1000, 900],
      ],
      rate: 0,
    },
  ];
  for (const { name, flushes, rate } of table) test(name, () => assert.equal(rateAfter(...flushes), rate));
});

test("what a proxy has no more is forgotten", () => {
  const proxy = new ProxyTraffic(node);
  proxy.receive(flush(5), start);
  assert.deepEqual([proxy.series, proxy.total(key)], [1, 5]);
  proxy.receive(flush(undefined), start + 1000);
  assert.deepEqual([proxy.series, proxy.total(key)], [0, 0]);
});

test("counters beyond the bound are left out and counted", () => {
  const proxy = new ProxyTraffic(node);
  const decisions = Array.from({ length: maxSeries + 10 }, (_, i) => ({
    kind: "fault" as const,
    policy: "ns/p",
    name: `fault-${i}`,
    outcome: "abort",
    value: 1,
  }));
  proxy.receive(flush(1, { decisions }), start);
  assert.deepEqual([proxy.series, proxy.leftOut, proxy.decisions().size], [maxSeries, 11, maxSeries - 1]);
});

test("clusters beyond the bound are left out and counted", () => {
  const proxy = new ProxyTraffic(node);
  const names = Array.from({ length: maxClusters + 5 }, (_, i) => `outbound|80||host-${i}`);
  const samples = flush(undefined, {
    answers: new Map(names.map((name) => [name, new Map([["2", 1]])])),
    endpoints: new Map(names.map((name) => [name, { total: 1, healthy: 1 }])),
  });
  proxy.receive(samples, start);
  assert.deepEqual([proxy.endpoints.size, proxy.series, proxy.leftOut], [maxClusters, maxClusters, 5]);
});

test("latencies of the window are taken together", () => {
  const proxy = new ProxyTraffic(node);
  const bounds = [1, 2, 5];
  for (const [i, counts] of [
    [9, 9, 9],
    [1, 0, 0],
    [0, 2, 1],
  ].entries()) {
    proxy.receive(flush(0, { latencies: new Map([[cluster, { bounds, counts }]]) }), start + i * 1000);
  }
  assert.deepEqual(proxy.window(start + 2000).latency(cluster).counts, [1, 2, 1]);
});
