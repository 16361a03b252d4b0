import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Rates, TrafficReport } from "../../server/metrics-service/report.ts";
import { columns, tree } from "./layout.ts";
import { buildGraph, type Choice, healthOf } from "./model.ts";

const now = 1_000_000;

function rates(requests: number, errors = 0): Rates {
  return {
    requests,
    errors,
    clientErrors: 0,
    p50: 1,
    p99: 9,
    total: requests * 10,
    totalErrors: errors * 10,
  };
}

const cluster = (host: string, subset: string, requests: number) => ({
  cluster: `outbound|80|${subset}|${host}`,
  host,
  port: 80,
  subset,
  endpoints: 1,
  healthy: 1,
  rates: rates(requests),
});

const report: TrafficReport = {
  at: now,
  windowSeconds: 5,
  total: rates(40, 4),
  sources: [
    { name: "edge", role: "gateway", namespace: "", proxies: 2, rates: rates(30, 4) },
    { name: "cart", role: "sidecar", namespace: "shop", proxies: 1, rates: rates(10) },
  ],
  services: [
    { host: "b", rates: rates(30) },
    { host: "a", rates: rates(10) },
    { host: "idle", rates: rates(0) },
  ],
  clusters: [
    cluster("a", "", 10),
    cluster("b", "", 0),
    cluster("b", "v2", 6),
    cluster("b", "v1", 24),
    cluster("idle", "", 0),
  ],
  edges: [
    { source: "edge", cluster: "outbound|80|v1|b", rates: rates(24, 2) },
    { source: "edge", cluster: "outbound|80|v2|b", rates: rates(6, 2) },
    { source: "cart", cluster: "outbound|80||a", rates: rates(10) },
  ],
  decisions: [],
  proxies: [],
};

const active = new Map(
  ["a", "b", "outbound|80||a", "outbound|80|v1|b", "outbound|80|v2|b"].map((key) => [key, now]),
);
const all: Choice = { search: "", showIdle: false, limit: 12 };
const graphOf = (choice: Partial<Choice> = {}) => buildGraph(report, active, { ...all, ...choice });
const titles = (choice: Partial<Choice> = {}): string[] => graphOf(choice).nodes.map(({ title }) => title);

describe("the graph", () => {
  test("clients, sources, then services by name, each with its versions", () => {
    assert.deepEqual(titles(), ["Clients", "cart", "edge", "a", "b", "v1", "v2"]);
  });

  test("what flows from a source to a service is the sum over its versions", () => {
    const flow = graphOf().edges.find(({ from, to }) => from === "source edge" && to === "service b");
    assert.deepEqual([flow?.requests, flow?.errors], [30, 4]);
  });

  test("clients come through gateways, not through sidecars", () => {
    const reached = graphOf().edges.flatMap(({ from, to }) => (from === "clients" ? [to] : []));
    assert.deepEqual(reached, ["source edge"]);
  });

  test("the sidecar of an application that is a service is that service", () => {
    const host = "cart.shop.svc.cluster.local";
    const services = [...report.services, { host, rates: rates(5) }];
    const graph = buildGraph({ ...report, services }, new Map([...active, [host, now]]), all);
    assert.ok(!graph.nodes.some(({ kind, title }) => kind === "source" && title === "cart"));
    assert.ok(graph.edges.some(({ from, to }) => from === `service ${host}` && to === "service a"));
    assert.equal(columns(graph, 60).boxes.size, graph.nodes.length);
  });

  test("a version's part of its service", () => {
    const shares = graphOf().nodes.flatMap(({ kind, share }) => (kind === "version" ? [share] : []));
    assert.deepEqual(shares, [0.8, 0.2]);
  });

  test("idle services when asked, hanging on a source", () => {
    const graph = graphOf({ showIdle: true });
    assert.ok(graph.nodes.some(({ title }) => title === "idle"));
    assert.ok(graph.edges.some(({ to }) => to === "service idle"));
    assert.deepEqual([graphOf().idle, graphOf().hidden], [1, 0]);
  });

  test("the busiest when there are too many", () => {
    assert.deepEqual([titles({ limit: 1 }).includes("b"), graphOf({ limit: 1 }).hidden], [true, 1]);
  });

  test("what is drawn makes way only to what has clearly more", () => {
    const drawnWith = (requests: number): string[] => {
      const services = [
        { host: "a", rates: rates(10) },
        { host: "b", rates: rates(requests) },
      ];
      const graph = buildGraph({ ...report, services }, active, { ...all, limit: 1, drawn: new Set(["a"]) });
      return graph.nodes.flatMap(({ kind, title }) => (kind === "service" ? [title] : []));
    };
    assert.deepEqual([drawnWith(14), drawnWith(16)], [["a"], ["b"]]);
  });

  test("by a part of the name", () => assert.ok(!titles({ search: "B" }).includes("a")));

  test("without any traffic the mesh itself", () => {
    const graph = buildGraph(report, new Map(), all);
    assert.equal(graph.nodes.filter(({ kind }) => kind === "service").length, 3);
  });
});

test("health: no request, no error, some, many", () => {
  const healths = [rates(0), rates(100), rates(100, 1), rates(100, 5)].map(healthOf);
  assert.deepEqual(healths, ["idle", "good", "warn", "bad"]);
});

describe("layouts", () => {
  for (const [name, layout] of [
    ["columns", columns(graphOf(), 60)],
    ["tree", tree(graphOf(), 360)],
  ] as const) {
    test(`${name}: every box has a place of its own, every edge a path`, () => {
      const boxes = [...layout.boxes.values()];
      assert.equal(boxes.length, graphOf().nodes.length);
      for (const [i, a] of boxes.entries()) {
        assert.ok(a.left >= 0 && a.left + a.width <= layout.width && a.top + a.height <= layout.height);
        for (const b of boxes.slice(i + 1)) {
          const apart =
            a.left + a.width <= b.left ||
            b.left + b.width <= a.left ||
            a.top + a.height <= b.top ||
            b.top + b.height <= a.top;
          assert.ok(apart, `${JSON.stringify(a)} ${JSON.stringify(b)}`);
        }
      }
      assert.equal(layout.paths.size, graphOf().edges.length);
    });
  }

  test("services stand in the order of their names", () => {
    const { boxes } = columns(graphOf({ showIdle: true }), 60);
    const tops = ["b", "idle"].map((host) => boxes.get(`service ${host}`)?.top ?? 0);
    assert.deepEqual(
      tops,
      [...tops].sort((a, b) => a - b),
    );
  });
});
