// Series are bounded by construction: whatever clients send, over all workers and any interleaving of them. And what
// a request costs: hostcalls by name, in the steady state.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { projectRoot } from "../envoy/root.ts";
import { bytesReturning, type CompiledModule, compileModule, Host, type Pair } from "../host/index.ts";
import { routeId } from "../server/route-id.ts";

const paths = Number(process.env.SLUICE_PATHS ?? 20_000);
let module: CompiledModule;
before(async () => {
  module = await compileModule(await readFile(join(projectRoot, "build", "filters", "metrics.wasm")));
});

const route = { name: "base", virtualHost: "search:80" };
const properties = { request: { duration: 7_000_000n } };

interface Asked {
  path?: string;
  headers?: readonly Pair[];
  status?: string;
  worker?: number;
  route?: { name: string; virtualHost: string; metadata?: Record<string, Record<string, number>> };
}

function ask(host: Host, { path = "/", headers = [], status = "200", worker = 0, ...rest }: Asked = {}) {
  const stream = host.workers[worker]?.request({
    headers: [[":authority", "search"], [":path", path], [":method", "GET"], [":scheme", "http"], ...headers],
    route: rest.route ?? route,
    properties,
  });
  assert.ok(stream !== undefined);
  stream.requestHeaders();
  stream.response({ headers: [[":status", status]] });
  const outcome = stream.end();
  assert.equal(outcome.trap, undefined);
  return outcome;
}

function configured(policy: Record<string, unknown>, workers = 1): Host {
  const host = new Host({ module, workers });
  const result = host.configure(JSON.stringify({ policies: [{ name: "ns/p", ...policy }] }));
  assert.deepEqual(result.log, []);
  return host;
}

/** Label sets of a metric with their counts; each as `label=value,...`. */
function series(host: Host, name: string): Map<string, number> {
  const { counters, histograms } = host.metrics();
  const all = [
    ...Object.entries(counters),
    ...Object.entries(histograms).map(([key, values]) => [key, values.length] as const),
  ];
  return new Map(
    all.flatMap(([key, count]) => {
      const [metric, ...labels] = key.split("\x1f");
      return metric === name ? [[labels.join(","), count] as const] : [];
    }),
  );
}

const sum = (counts: Map<string, number>): number =>
  [...counts.values()].reduce((all, count) => all + count, 0);
const values = (counts: Map<string, number>, label: string): Set<string | undefined> =>
  new Set([...counts.keys()].map((key) => key.split(",").find((part) => part.startsWith(`${label}=`))));
const errors = (host: Host, reason: string): number =>
  series(host, "sluice_filter_errors_total").get(`reason=${reason}`) ?? 0;

describe("bounds", () => {
  test(`${paths} distinct paths, learned, are few series`, () => {
    const host = configured({ dimensions: [{ name: "path", path: {}, maxValues: 50 }] });
    for (let index = 0; index < paths; index++)
      ask(host, { path: `/users/${index}/orders/${index * 7}?x=${index}` });
    const counts = series(host, "sluice_requests_total");
    assert.deepEqual(
      [...counts],
      [["virtual_host=search:80,route=base,response_code=200,path=/users/{id}/orders/{id}", paths]],
    );
  });

  test(`${paths} distinct paths that nothing can be learned from are maxValues series and _other`, () => {
    const host = configured({ dimensions: [{ name: "path", path: {}, maxValues: 50 }] }, 2);
    const memory = host.workers.map(({ memoryBytes }) => memoryBytes);
    const name = (index: number) =>
      index.toString(26).replace(/\d/g, (digit) => "qrstuvwxyz"[Number(digit)] ?? "");
    for (let index = 0; index < paths; index++) ask(host, { path: `/p-${name(index)}x`, worker: index % 2 });
    const counts = series(host, "sluice_requests_total");
    assert.equal(counts.size, 51);
    assert.equal(sum(counts), paths);
    assert.equal(errors(host, "dimension_values_full"), paths - 50);
    assert.equal(series(host, "sluice_request_duration_milliseconds").size, 51);
    assert.deepEqual(
      host.workers.map(({ memoryBytes }) => memoryBytes),
      memory,
    );
  });

  test("values that are given are kept, however much junk comes first", () => {
    const host = configured({
      dimensions: [{ name: "tenant", header: "x-tenant", maxValues: 3, values: ["gold", "silver"] }],
    });
    for (let index = 0; index < 100; index++) ask(host, { headers: [["x-tenant", `junk-${index}`]] });
    ask(host, { headers: [["x-tenant", "silver"]] });
    ask(host, { headers: [["x-tenant", "gold"]] });
    assert.deepEqual(
      [...values(series(host, "sluice_requests_total"), "tenant")],
      ["tenant=junk-0", "tenant=_other", "tenant=silver", "tenant=gold"],
    );
  });

  test("junk of every byte makes no series of its own", () => {
    const host = configured({ dimensions: [{ name: "tenant", header: "x-tenant", maxValues: 1_000 }] });
    for (let byte = 128; byte < 256; byte++)
      ask(host, { headers: [["x-tenant", String.fromCharCode(byte)]] });
    ask(host, { headers: [["x-tenant", "x".repeat(129)]] });
    ask(host, { headers: [["x-tenant", "\xed\xa0\x80"]] });
    assert.deepEqual([...values(series(host, "sluice_requests_total"), "tenant")], ["tenant=_other"]);
    assert.equal(errors(host, "dimension_value_invalid"), 130);
  });

  test("label sets beyond maxSeries keep the class of the response only", () => {
    const host = configured({
      maxSeries: 5,
      dimensions: [{ name: "tenant", header: "x-tenant", maxValues: 100 }],
    });
    for (let index = 0; index < 40; index++)
      ask(host, { headers: [["x-tenant", `t${index % 20}`]], status: index < 20 ? "200" : "404" });
    const counts = series(host, "sluice_requests_total");
    const other = (code: string) => `virtual_host=_other,route=_other,response_code=${code},tenant=_other`;
    assert.equal(counts.size, 7);
    assert.equal(sum(counts), 40);
    assert.equal(counts.get(other("2xx")), 15);
    assert.equal(counts.get(other("4xx")), 20);
    assert.equal(errors(host, "series_full"), 35);
    assert.equal(sum(series(host, "sluice_request_duration_milliseconds")), 40);
  });

  test("the bound is one of the process: what a worker has added, the other counts under too", () => {
    const host = configured({ maxSeries: 3, dimensions: [{ name: "t", header: "x-t", maxValues: 2 }] }, 2);
    for (const [worker, value] of [
      [0, "a"],
      [1, "b"],
      [0, "b"],
      [1, "a"],
      [0, "c"],
      [1, "d"],
    ] as const)
      ask(host, { worker, headers: [["x-t", value]] });
    const counts = series(host, "sluice_requests_total");
    assert.deepEqual([...values(counts, "t")], ["t=a", "t=b", "t=_other"]);
    assert.equal(sum(counts), 6);
  });

  test("an edit keeps the values; fewer of them may stay unused, and none is forgotten", () => {
    const host = configured({ dimensions: [{ name: "t", header: "x-t", maxValues: 2 }] });
    for (const value of ["a", "b", "c"]) ask(host, { headers: [["x-t", value]] });
    const wider = { policies: [{ name: "ns/p", dimensions: [{ name: "t", header: "x-t", maxValues: 3 }] }] };
    assert.ok(host.configure(JSON.stringify(wider)).ok);
    for (const value of ["d", "a", "e"]) ask(host, { headers: [["x-t", value]] });
    assert.deepEqual(
      [...values(series(host, "sluice_requests_total"), "t")],
      ["t=a", "t=b", "t=_other", "t=d"],
    );
  });

  test("codes outside 100 to 599 are _other", () => {
    const host = configured({});
    for (const status of ["99", "100", "599", "600", "999"]) ask(host, { status });
    const codes = [...values(series(host, "sluice_requests_total"), "response_code")];
    assert.deepEqual(codes, ["response_code=_other", "response_code=100", "response_code=599"]);
  });

  test("a damaged list refuses and counts, and traps nothing", () => {
    const host = configured({ dimensions: [{ name: "t", header: "x-t" }] });
    host.inject("proxy_get_shared_data", () => 1);
    for (const value of ["a", "b"]) ask(host, { headers: [["x-t", value]] });
    const counts = series(host, "sluice_requests_total");
    assert.equal(sum(counts), 2);
    assert.equal(errors(host, "bad_list"), 4);
  });
});

test("wherever another worker's request comes between two shared calls, the bound holds and all are counted", () => {
  const policy = { maxSeries: 2, dimensions: [{ name: "t", header: "x-t", maxValues: 1 }] };
  let calls = 1;
  for (let at = 1; at <= calls; at++) {
    const host = configured(policy, 2);
    calls = 0;
    host.onHostcall = ({ name, thread }) => {
      if (!name.includes("shared_data") || thread !== "worker 0") return;
      calls += 1;
      if (calls === at) ask(host, { worker: 1, headers: [["x-t", "b"]] });
    };
    ask(host, { headers: [["x-t", "a"]] });
    host.onHostcall = undefined;
    const counts = series(host, "sluice_requests_total");
    assert.equal(sum(counts), 2, `before call ${at}`);
    assert.equal(counts.size, 2, `before call ${at}`);
    assert.equal(values(counts, "t").size, 2, `before call ${at}`);
  }
  assert.ok(calls > 3);
});

test("dimensions that Envoy has no rule for are one label, and said in the log", () => {
  const host = new Host({ module, node: { metadata: { STATS_LABELS: "route,ten,tenant" } } });
  const dimensions = ["t", "tenant", "tenants"].map((name) => ({ name, header: `x-${name}` }));
  const { log } = host.configure(JSON.stringify({ policies: [{ name: "ns/p", dimensions }] }));
  const lines = new Set(log.map(({ level, message }) => `${level} ${message}`));
  assert.deepEqual(
    [...lines],
    ["t", "tenants"].map(
      (name) =>
        `warn sluice: no rule for the label "${name}": shown within "dimensions" until Envoy starts with a bootstrap that has it`,
    ),
  );
  ask(host, { headers: dimensions.map(({ name, header }): Pair => [header, `${name}.1`]) });
  assert.deepEqual(
    [...series(host, "sluice_requests_total").keys()],
    [
      "virtual_host=search:80,route=base,response_code=200,tenant=tenant.1,dimensions=t=t.1,tenants=tenants.1",
    ],
  );
});

describe("cost of a request in the steady state", () => {
  const table: [name: string, policy: Record<string, unknown>, bytesReturningCalls: number][] = [
    ["the route's identity, status, duration", {}, 3],
    ["and the route's name, where a policy is attached by it", { attach: [{ route: "base" }] }, 4],
    [
      "and all request headers once, however many dimensions",
      {
        dimensions: [
          { name: "a", header: "x-t" },
          { name: "b", path: {} },
          { name: "c", method: {} },
        ],
      },
      4,
    ],
    [
      "and one per response header and flags",
      {
        dimensions: [
          { name: "a", responseHeader: "x-kind" },
          { name: "b", responseFlags: {} },
        ],
      },
      5,
    ],
  ];
  for (const [name, policy, calls] of table) {
    test(`${calls} that return bytes: ${name}`, () => {
      const host = configured(policy);
      const headers: Pair[] = [["x-t", "a"]];
      const flagged = { ...properties, response: { flags: 0n } };
      const request = () => {
        const stream = host.workers[0].request({
          headers: [[":authority", "s"], [":path", "/"], [":method", "GET"], ...headers],
          route: { ...route, metadata: { sluice: { id: routeId(route.virtualHost, route.name) } } },
          properties: flagged,
        });
        stream.requestHeaders();
        stream.response({
          headers: [
            [":status", "200"],
            ["x-kind", "a"],
          ],
        });
        return stream.end();
      };
      request();
      host.resetCounts();
      const { counts } = request();
      assert.equal(bytesReturning(counts), calls);
      assert.deepEqual(
        Object.keys(counts).filter((one) => /shared|define/.test(one)),
        [],
        "nothing shared, nothing defined",
      );
      assert.equal(counts.proxy_increment_metric?.calls, 1);
      assert.equal(counts.proxy_record_metric?.calls, 1);
      assert.deepEqual(host.callbacks(), { proxy_on_log: 1 });
    });
  }

  test("a route without identity is known by its names, as the same one", () => {
    const host = configured({});
    ask(host);
    const identity = { sluice: { id: routeId(route.virtualHost, route.name) } };
    ask(host, { route: { ...route, metadata: identity } });
    const { counts } = ask(host);
    assert.equal(bytesReturning(counts), 4);
    assert.deepEqual(
      [...series(host, "sluice_requests_total")],
      [["virtual_host=search:80,route=base,response_code=200", 3]],
    );
    assert.equal(host.counts().proxy_define_metric?.calls, 2, "a counter and a histogram, once");
  });

  test("a full list costs nothing shared either", () => {
    const host = configured({ maxSeries: 3, dimensions: [{ name: "t", header: "x-t", maxValues: 1 }] });
    for (const value of ["a", "b"]) ask(host, { headers: [["x-t", value]] });
    const { counts } = ask(host, { headers: [["x-t", "c"]] });
    assert.deepEqual(
      Object.keys(counts).filter((one) => /shared|define/.test(one)),
      [],
    );
  });
});
