// What a request and a configuration may cost: hostcalls that return bytes, callbacks, and memory that stays.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { projectRoot } from "../envoy/root.ts";
import {
  bytesReturning,
  type CompiledModule,
  compileModule,
  Host,
  type Pair,
  type PropertyTree,
} from "../host/index.ts";
import { faultConfig } from "../schema/fault.ts";
import { headerRoutingConfig } from "../schema/header-routing.ts";
import type { ObjectSchema } from "../schema/language.ts";
import { metricsConfig } from "../schema/metrics.ts";
import { rateLimitConfig } from "../schema/rate-limit.ts";
import { routeId } from "../server/route-id.ts";
import { suiteConfig } from "../schema/suite.ts";
import { Generator } from "./cases/generate.ts";
import { neededCapabilities } from "./cases/in-node.ts";

const reconfigurations = 1_000;
const requests = Number(process.env.SLUICE_FUZZ ?? 10_000);
const schemas: Record<string, ObjectSchema> = {
  fault: faultConfig,
  header_routing: headerRoutingConfig,
  metrics: metricsConfig,
  rate_limit: rateLimitConfig,
  suite: suiteConfig,
};

const headers: readonly Pair[] = [
  [":authority", "search"],
  [":path", "/a?b=c"],
  [":method", "GET"],
  [":scheme", "http"],
  ["uid", "17"],
  ["cookie", "session=17; other=1"],
];
const route = { name: "base", virtualHost: "search:80" };

for (const [filter, schema] of Object.entries(schemas)) {
  const path = join(projectRoot, "build", "filters", `${filter}.wasm`);
  describe(`${filter}: memory stays`, { skip: !existsSync(path) && "the filter is not built" }, () => {
    let module: CompiledModule;
    before(async () => {
      module = await compileModule(await readFile(path));
    });

    test(`over ${reconfigurations} reconfigurations, with streams held over each`, () => {
      const host = new Host({ module, canary: false });
      const texts = takenConfigurations(module, schema, 20);
      const worker = host.workers[0];
      const round = (index: number) => {
        const held = worker.request({ headers, route });
        held.requestHeaders();
        assert.ok(host.configure(texts[index % texts.length] ?? "").ok);
        held.end();
        const next = worker.request({ headers, route });
        next.requestHeaders();
        next.end();
      };
      // Two full turns: after them every configuration has been in memory beside every neighbour.
      for (let index = 0; index < texts.length * 2; index++) round(index);
      const settled = host.threads().map((thread) => thread.memoryBytes);
      for (let index = 0; index < reconfigurations; index++) round(index);
      assert.deepEqual(
        host.threads().map((thread) => thread.memoryBytes),
        settled,
      );
      assert.deepEqual(
        host.threads().map((thread) => thread.contexts),
        [1, 1],
      );
    });

    test(`over ${requests} requests`, () => {
      const [text = ""] = takenConfigurations(module, schema, 1);
      const host = new Host({ module });
      assert.ok(host.configure(text).ok);
      const worker = host.workers[0];
      const before = worker.memoryBytes;
      for (let index = 0; index < requests; index++) {
        const stream = worker.request({ headers: [...headers, ["x-n", String(index)]], route });
        stream.requestHeaders();
        if (stream.state === "continued") stream.response({ headers: [[":status", "200"]] });
        stream.end();
        host.skip(1_000_000n);
      }
      assert.equal(worker.memoryBytes, before);
      assert.equal(worker.contexts, 1);
    });
  });
}

describe("header_routing: hostcalls of a request", () => {
  let module: CompiledModule;
  before(async () => {
    module = await compileModule(
      await readFile(join(projectRoot, "build", "filters", "header_routing.wasm")),
    );
  });

  const destination = { name: "all", destination: { subset: "v3" } };
  const response = { name: "all", headers: { response: { set: { "x-a": "b" } } } };
  const weighted = [
    { subset: "v1", weight: 1 },
    { subset: "v2", weight: 1 },
  ];
  const bySource = { name: "all", destinations: weighted, stickyBy: { sourceIp: {} } };
  const attached = [{ route: "base" }];
  const byVirtualHost = [{ virtualHost: "search:80", route: "base" }];

  const conditional = { ...destination, match: [{ headers: { uid: { exact: "17" } } }] };
  const table: [name: string, policy: Record<string, unknown>, bytesReturningCalls: number][] = [
    ["attached to everything, no destination, no condition", { rules: [response] }, 0],
    ["attached by host: the headers", { attach: [{ host: "search" }], rules: [destination] }, 1],
    ["the route's name", { attach: attached, rules: [destination] }, 1],
    [
      "the route's name, for a destination of a policy that is attached to everything",
      { rules: [destination] },
      1,
    ],
    ["the route's name, and the headers for a condition", { attach: attached, rules: [conditional] }, 2],
    ["the route's name of another route", { attach: [{ route: "other" }], rules: [conditional] }, 1],
    [
      "the virtual host too, where the name is configured with one",
      { attach: byVirtualHost, rules: [destination] },
      2,
    ],
    ["the client's address", { attach: attached, rules: [bySource] }, 2],
  ];
  for (const [name, policy, calls] of table) {
    test(`${calls} that return bytes: ${name}`, () => {
      const host = new Host({ module, capabilities: neededCapabilities(module) });
      assert.ok(host.configure(JSON.stringify({ policies: [{ name: "ns/p", ...policy }] })).ok);
      const properties = { source: { address: "10.0.0.1:80" } };
      const ask = () => host.workers[0].request({ headers, route, properties }).requestHeaders();
      // The first choice defines its metric; from then on a request costs the same.
      ask();
      assert.equal(bytesReturning(ask().counts), calls);
    });
  }

  test("one callback where the response is left alone, three where it is changed", () => {
    const host = new Host({ module, capabilities: neededCapabilities(module) });
    host.configure(JSON.stringify({ policies: [{ name: "ns/p", attach: attached, rules: [response] }] }));
    host.resetCounts();
    const stream = host.workers[0].request({ headers, route });
    stream.requestHeaders();
    stream.response({ headers: [[":status", "200"]] });
    stream.end();
    assert.deepEqual(host.callbacks(), {
      proxy_on_request_headers: 1,
      proxy_on_response_headers: 1,
      proxy_on_log: 1,
    });
    const conditional = ["proxy_on_response_headers", "proxy_on_log"];
    const capabilities = neededCapabilities(module).filter((one) => !conditional.includes(one));
    const lean = new Host({ module, capabilities });
    lean.configure(JSON.stringify({ policies: [{ name: "ns/p", attach: attached, rules: [destination] }] }));
    lean.resetCounts();
    const other = lean.workers[0].request({ headers, route });
    other.requestHeaders();
    other.response({ headers: [[":status", "200"]] });
    other.end();
    assert.deepEqual(lean.callbacks(), { proxy_on_request_headers: 1 });
  });
});

describe("rate_limit: hostcalls of a request in steady state", () => {
  // As our server gives it a number.
  const numbered = {
    ...route,
    metadata: { sluice: { id: routeId(route.virtualHost, route.name) } },
  };
  let module: CompiledModule;
  before(async () => {
    module = await compileModule(await readFile(join(projectRoot, "build", "filters", "rate_limit.wasm")));
  });

  const attach = [{ route: "base" }];
  const byBoth = [{ virtualHost: "search:80", route: "base" }];
  const plenty = { name: "all", requests: 1_000_000, per: "1s" };
  const one = { name: "all", requests: 1, per: "1h" };
  const clock = "clock_time_get";
  const count = "proxy_increment_metric";
  const route_ = "proxy_get_property";
  const pairs = "proxy_get_header_map_pairs";
  const answer = "proxy_send_local_response";
  const page = ["proxy_get_shared_data", "proxy_set_shared_data"];

  const table: [name: string, policy: Record<string, unknown>, calls: string[]][] = [
    ["one bucket for everything, admitted", { limits: [plenty] }, [clock, count]],
    ["one bucket for everything, refused", { limits: [one] }, [clock, count, answer]],
    ["one bucket on a route, admitted", { attach, limits: [plenty] }, [route_, clock, count]],
    ["one bucket on a route, refused", { attach, limits: [one] }, [route_, clock, count, answer]],
    [
      "one bucket on a route of a virtual host, by the number of the route",
      { attach: byBoth, limits: [plenty] },
      [route_, clock, count],
    ],
    ["attached by host", { attach: [{ host: "search" }], limits: [plenty] }, [pairs, clock, count]],
    ["another route's limit", { attach: [{ route: "other" }], limits: [plenty] }, [route_]],
    [
      "a condition",
      { limits: [{ ...plenty, match: [{ method: { exact: "GET" } }] }] },
      [pairs, clock, count],
    ],
    [
      "a condition on the client's address alone",
      { limits: [{ ...plenty, match: [{ sourceIp: ["10.0.0.0/8"] }] }] },
      [route_, clock, count],
    ],
    [
      "a key, admitted",
      { limits: [{ ...plenty, key: [{ header: "uid" }] }] },
      [pairs, clock, count, ...page],
    ],
    ["a key, refused", { limits: [{ ...one, key: [{ header: "uid" }] }] }, [pairs, clock, count, answer]],
    ["a cost", { limits: [{ ...plenty, cost: { header: "x-cost" } }] }, [pairs, clock, count]],
    [
      "an empty bucket before one that needs the headers",
      { limits: [one, { ...plenty, name: "user", key: [{ header: "uid" }] }] },
      [clock, count, answer],
    ],
    [
      "an empty bucket beside one that only counts",
      { limits: [one, { ...plenty, name: "shadow", enforce: false }] },
      [clock, count, count, answer],
    ],
  ];
  for (const [name, policy, calls] of table) {
    test(`${name}: ${calls.join(", ")}`, () => {
      const host = new Host({ module, capabilities: neededCapabilities(module) });
      const { ok, refusal } = host.configure(JSON.stringify({ policies: [{ name: "ns/p", ...policy }] }));
      assert.ok(ok, JSON.stringify(refusal));
      const properties = { source: { address: "10.0.0.1:80" } };
      const ask = () => {
        host.skip(1_000n);
        const stream = host.workers[0].request({ headers, route: numbered, properties });
        const { counts } = stream.requestHeaders();
        stream.end();
        return counts;
      };
      // The first ones define metrics, take leases and find the bucket empty.
      for (let index = 0; index < 20; index++) ask();
      const made = Object.entries(ask()).flatMap(([call, { calls }]) => Array(calls).fill(call));
      assert.deepEqual(made.sort(), [...calls].sort());
    });
  }
});

describe("suite: hostcalls of a request", () => {
  const load = async (name: string) =>
    compileModule(await readFile(join(projectRoot, "build", "filters", `${name}.wasm`)));
  // A request that is steered writes its route's name, and so reads it.
  const byUid = [{ headers: { uid: { exact: "18" } } }];
  const partsOn = (attach: readonly object[]) => ({
    rateLimit: {
      policies: [{ name: "ns/l", attach, limits: [{ name: "all", requests: 1_000_000, per: "1s" }] }],
    },
    headerRouting: {
      policies: [
        { name: "ns/r", attach, rules: [{ name: "v3", match: byUid, destination: { subset: "v3" } }] },
      ],
    },
    fault: {
      policies: [
        { name: "ns/f", attach, faults: [{ name: "slow", percentage: 0.0001, delay: { fixed: "1s" } }] },
      ],
    },
    metrics: { policies: [] },
  });

  /** What is read when the headers come, and at the end, in the steady state. */
  async function readsOf(configuration: object, asked: typeof route & { metadata?: PropertyTree }) {
    const module = await load("suite");
    const host = new Host({ module, capabilities: neededCapabilities(module) });
    assert.ok(host.configure(JSON.stringify(configuration)).ok);
    const ask = () => {
      const stream = host.workers[0].request({ headers, route: asked });
      const request = stream.requestHeaders().counts;
      stream.response({ headers: [[":status", "200"]] });
      return [request, stream.end().counts] as const;
    };
    // The first requests define metrics and take a lease.
    for (let i = 0; i < 4; i++) ask();
    return ask();
  }

  /** As our server gives it. */
  const identified = {
    ...route,
    metadata: { sluice: { id: routeId(route.virtualHost, route.name) } },
  };

  test("all four kinds on a route of our server: the headers, the route's identity; at the end the status", async () => {
    const [request, end] = await readsOf(partsOn([{ virtualHost: "search:80", route: "base" }]), identified);
    assert.equal(request.proxy_get_header_map_pairs?.calls, 1);
    assert.equal(request.proxy_get_property?.calls, 1);
    assert.equal(bytesReturning(request), 2);
    assert.equal(bytesReturning(end), 1);
  });

  test("no condition on headers: the route's identity and the status alone", async () => {
    const { headerRouting: _, fault: __, ...others } = partsOn([{ virtualHost: "search:80", route: "base" }]);
    const [request, end] = await readsOf(others, identified);
    assert.equal(bytesReturning(request), 1);
    assert.equal(bytesReturning(end), 1);
  });

  test("where routes have no identity, by their names: the labels' names at the end", async () => {
    const [request, end] = await readsOf(partsOn([{ route: "base" }]), route);
    assert.equal(request.proxy_get_header_map_pairs?.calls, 1);
    assert.equal(bytesReturning(request), 2);
    assert.equal(bytesReturning(end), 3);
  });
});

/** With a small arena and small tables; of the suite, each of its parts. */
function small(schema: ObjectSchema, value: Record<string, unknown>): Record<string, unknown> {
  if (schema.fields.arenaKiB === undefined)
    return Object.fromEntries(
      Object.entries(value).map(([name, part]) => [
        name,
        small(schema.fields[name]?.schema as ObjectSchema, part as Record<string, unknown>),
      ]),
    );
  const streams = schema.fields.maxStreams === undefined ? {} : { maxStreams: 256 };
  return { ...value, arenaKiB: 64, ...streams };
}

/** Generated configurations that the filter takes, small arenas and tables so that the test stays quick. */
function takenConfigurations(module: CompiledModule, schema: ObjectSchema, count: number): string[] {
  const generator = new Generator(11);
  const texts: string[] = [];
  for (let tries = 0; texts.length < count && tries < 2_000; tries++) {
    const text = JSON.stringify(small(schema, generator.value(schema, 0) as Record<string, unknown>));
    if (new Host({ module, canary: false }).configure(text).ok) texts.push(text);
  }
  assert.equal(texts.length, count, "too few generated configurations are taken");
  return texts;
}
