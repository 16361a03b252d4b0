import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { NodeIdentity } from "../model.ts";
import { reportTraffic } from "./report.ts";
import type { Samples } from "./samples.ts";
import { maxProxies, rememberMs, silentMs, Traffic } from "./traffic.ts";

const start = 1_000_000;

const node = (id: string, labels: Record<string, string> = {}): NodeIdentity => ({
  id,
  cluster: "c",
  role: "gateway",
  namespace: "",
  labels,
  envoyVersion: "1.40.0",
});

const v1 = "outbound|80|v1|search.ns.svc.cluster.local";

function flush(answers: number, errors = 0): Samples {
  const counts = [answers, 0, errors];
  return {
    answers: new Map([
      [
        v1,
        new Map([
          ["2", answers],
          ["5", errors],
        ]),
      ],
    ]),
    latencies: new Map([[v1, { bounds: [1, 10, 100], counts }]]),
    endpoints: new Map([[v1, { total: 2, healthy: 1 }]]),
    downstream: new Map([
      ["2", answers],
      ["5", errors],
    ]),
    downstreamLatency: { bounds: [1, 10, 100], counts },
    decisions: [{ kind: "routing", policy: "ns/p", name: "canary", outcome: "v1", value: answers }],
  };
}

/** A proxy that has pushed at 0 and 1 s. */
function push(traffic: Traffic, who: NodeIdentity, ...flushes: Samples[]) {
  const stream = traffic.open(who);
  for (const [i, samples] of flushes.entries()) stream?.receive(samples, start + i * 1000);
  return stream;
}

describe("the picture", () => {
  test("proxies of one application are one source, and rates add up", () => {
    const traffic = new Traffic();
    for (const id of ["a", "b"]) push(traffic, node(id, { app: "edge" }), flush(0), flush(30, 10));
    const report = reportTraffic(traffic, start + 1000);
    assert.deepEqual(
      report.sources.map(({ name, proxies, rates }) => [name, proxies, rates.requests]),
      [["edge", 2, 80]],
    );
    const [edge] = report.edges;
    assert.deepEqual([edge?.source, edge?.cluster, edge?.rates.errors], ["edge", v1, 20]);
    const [cluster] = report.clusters;
    assert.deepEqual(
      [cluster?.host, cluster?.port, cluster?.subset, cluster?.endpoints, cluster?.healthy],
      ["search.ns.svc.cluster.local", 80, "v1", 2, 1],
    );
    assert.deepEqual([report.total.requests, report.total.total, report.total.totalErrors], [80, 80, 20]);
    assert.equal(report.services[0]?.rates.requests, 80);
  });

  test("latencies of all proxies together", () => {
    const traffic = new Traffic();
    push(traffic, node("a"), flush(0), flush(100));
    push(traffic, node("b"), flush(0), flush(0, 100));
    const { p50, p99 } = reportTraffic(traffic, start + 1000).total;
    assert.deepEqual([p50, p99 !== null && p99 > 90], [1, true]);
  });

  test("decisions now and in all", () => {
    const traffic = new Traffic();
    push(traffic, node("a"), flush(500), flush(520));
    const [decision] = reportTraffic(traffic, start + 1000).decisions;
    assert.deepEqual(
      [decision?.policy, decision?.outcome, decision?.rate, decision?.total],
      ["ns/p", "v1", 20, 520],
    );
  });

  test("without any proxy it is empty", () => {
    const { sources, edges, total } = reportTraffic(new Traffic(), start);
    assert.deepEqual([sources, edges, total.requests, total.p99], [[], [], 0, null]);
  });
});

describe("who is there", () => {
  const presences = (traffic: Traffic, now: number): string[][] =>
    reportTraffic(traffic, now).proxies.map(({ id, presence }) => [id, presence]);

  test("one that pushes, one that is silent, one that has gone and no longer counts", () => {
    const traffic = new Traffic();
    push(traffic, node("a"), flush(1), flush(2));
    push(traffic, node("b"), flush(1), flush(2))?.close();
    assert.deepEqual(presences(traffic, start + 1000), [
      ["a", "live"],
      ["b", "gone"],
    ]);
    assert.equal(reportTraffic(traffic, start + 1000).total.total, 2);
    assert.deepEqual(presences(traffic, start + 1001 + silentMs), [
      ["a", "silent"],
      ["b", "gone"],
    ]);
    assert.deepEqual(presences(traffic, start + 1001 + rememberMs), [["a", "silent"]]);
  });

  test("a reconnection is the same proxy: nothing is counted twice, nothing lost", () => {
    const traffic = new Traffic();
    push(traffic, node("a"), flush(100), flush(110))?.close();
    traffic.open(node("a"))?.receive(flush(150), start + 3000);
    const report = reportTraffic(traffic, start + 3000);
    assert.deepEqual([report.proxies.length, report.total.total], [1, 150]);
    assert.equal(report.total.requests, 16.67);
  });

  test("two proxies of one id are told apart", () => {
    const traffic = new Traffic();
    push(traffic, node("a"), flush(1000), flush(1010));
    const second = push(traffic, node("a"), flush(5), flush(10));
    assert.deepEqual(presences(traffic, start + 1000), [
      ["a", "live"],
      ["a (2)", "live"],
    ]);
    assert.equal(reportTraffic(traffic, start + 1000).total.requests, 15);
    second?.close();
    assert.deepEqual(presences(traffic, start + 1000), [["a", "live"]]);
  });

  test("there is room for so many; those gone longest make way", () => {
    const traffic = new Traffic();
    for (let i = 0; i < maxProxies; i++) push(traffic, node(`p${i}`), flush(1))?.close();
    assert.notEqual(traffic.open(node("new")), undefined);
    assert.equal(presences(traffic, start).length, maxProxies);
    for (let i = 1; i < maxProxies; i++) push(traffic, node(`q${i}`), flush(1));
    assert.equal(traffic.open(node("too many")), undefined);
  });
});
