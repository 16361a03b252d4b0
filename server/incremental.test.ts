// A build after an edit gives what a build from nothing gives, and makes no more than the edit touches.

import assert from "node:assert/strict";
import { test } from "node:test";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { RouteConfigurationSchema } from "../build/envoy-api/envoy/config/route/v3/route_pb.ts";
import { encodingCount } from "./encoded.ts";
import { brief, resourcesOf } from "./fixture.ts";
import { type NodeIdentity, type Resource, type Snapshot, typeUrls } from "./model.ts";
import { type Built, build, type SnapshotOptions } from "./snapshot.ts";

const module = (name: string) => ({
  name,
  bytes: new Uint8Array([0, 97, 115, 109]),
  sha256: name,
  hostcalls: ["proxy_log"],
  callbacks: ["proxy_on_request_headers"],
});
const options: SnapshotOptions = {
  listen: { host: "127.0.0.1", port: 10000 },
  modules: { rate_limit: module("rate_limit"), header_routing: module("header_routing") },
  delivery: "inline",
};
const gateway: NodeIdentity = {
  id: "",
  cluster: "",
  role: "gateway",
  namespace: "",
  labels: {},
  envoyVersion: "1.40.0",
};

const web: NodeIdentity = { ...gateway, labels: { app: "web" } };

/** As the source does: the same text gives the same spec, in a new resource. */
const parsed = new Map<string, Resource>();

async function load(texts: Iterable<string>): Promise<Resource[]> {
  const resources: Resource[] = [];
  for (const text of texts) {
    const known = parsed.get(text) ?? (await resourcesOf(text))[0];
    assert.ok(known);
    parsed.set(text, known);
    resources.push({ ...known });
  }
  return resources;
}

/** Nothing is remembered of specs that no one has seen. */
const unseen = (resources: readonly Resource[]): Resource[] =>
  resources.map((r) => ({ ...r, spec: structuredClone(r.spec) }));

interface Service {
  ports: number[];
  subsets: string[];
  /** Index of the subset, prefix and weight of each route; -1: the whole host. */
  routes: { subset: number; path: number; weight: number; name: string | undefined; more?: string }[];
  /** Balanced by a consistent hash, which routes have a part of. */
  isHashed?: boolean;
  /** Prefix of the paths that are delegated, and settings of the delegate's route. */
  delegated?: { path: number; more: string };
  policy: "none" | "limit" | "steer";
  limit: number;
}

const host = (i: number): string => `service-${i}.shop.svc.cluster.local`;

function documents(services: readonly Service[]): string[] {
  return services.flatMap((service, i) => {
    const subsets = service.subsets.map((name) => `{name: ${name}, labels: {version: ${name}}}`);
    const all = [
      `apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: service-${i}, namespace: shop}
spec:
  hosts: [${host(i)}]
  ports: [${service.ports.map((p) => `{number: ${p}, name: http-${p}, protocol: HTTP}`).join(", ")}]
  resolution: STATIC
  endpoints: [{address: 10.0.0.${i + 1}, labels: {version: v1}}, {address: 10.0.1.${i + 1}, labels: {version: v2}}]`,
      `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: service-${i}, namespace: shop}
spec: {host: service-${i}, ${service.isHashed ? "trafficPolicy: {loadBalancer: {consistentHash: {useSourceIp: true}}}, " : ""}subsets: [${subsets.join(", ")}]}`,
      `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: service-${i}, namespace: shop}
spec:
  hosts: [service-${i}]
  http: [${[...delegating(i, service), ...service.routes.map((r) => route(i, service, r))].join(", ")}]`,
      ...delegate(i, service),
    ];
    return service.policy === "none" ? all : [...all, policy(i, service)];
  });
}

const delegating = (i: number, { delegated }: Service): string[] =>
  delegated === undefined
    ? []
    : [`{name: delegated, match: [{uri: {prefix: /d${delegated.path}}}], delegate: {name: delegate-${i}}}`];

const delegate = (i: number, { delegated, ports }: Service): string[] =>
  delegated === undefined
    ? []
    : [
        `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: delegate-${i}, namespace: shop}
spec:
  http: [{${delegated.more}, route: [{destination: {host: service-${i}, port: {number: ${ports[0]}}}}]}]`,
      ];

/** Settings of a route that its messages are made from. */
const settings = [
  "timeout: 1s",
  "retries: {attempts: 3, backoff: 10ms}",
  "mirror: {host: service-0, port: {number: 80}}",
  "mirrors: [{destination: {host: service-1, port: {number: 80}}, percentage: {value: 5}}]",
  "corsPolicy: {allowOrigin: [a], maxAge: 1h}",
  "rewrite: {uriRegexRewrite: {match: a, rewrite: b}}",
  "match: [{port: 8080}, {uri: {prefix: /e}}]",
  "match: [{sourceLabels: {app: web}, statPrefix: web}]",
];

function route(i: number, service: Service, r: Service["routes"][number]): string {
  const port = `port: {number: ${service.ports[0]}}`;
  const subset = service.subsets[r.subset];
  const to = `host: service-${i}, ${port}${subset === undefined ? "" : `, subset: ${subset}`}`;
  const name = r.name === undefined ? "" : `name: ${r.name}, `;
  const whole = `{destination: {host: service-${i}, ${port}}, weight: ${100 - r.weight}}`;
  const match = `match: [{uri: {prefix: /p${r.path}}}, {headers: {x-p: {exact: "${r.path}"}}}]`;
  const { more = "" } = r;
  const both = more.startsWith("match") ? more : `${match}${more === "" ? "" : `, ${more}`}`;
  return `{${name}${both}, route: [{destination: {${to}}, weight: ${r.weight}}, ${whole}]}`;
}

function policy(i: number, { policy: kind, limit, subsets }: Service): string {
  const target = `targetRefs: [{group: networking.istio.io, kind: VirtualService, name: service-${i}}]`;
  const metadata = `metadata: {name: policy-${i}, namespace: shop}`;
  const rules = subsets.map((subset) => `{name: to-${subset}, destination: {subset: ${subset}}}`).join(", ");
  return kind === "limit"
    ? `apiVersion: sluice.traffic/v1alpha1\nkind: RateLimitPolicy\n${metadata}\nspec: {${target}, limits: [{name: all, requests: ${limit}, per: 1s}]}`
    : `apiVersion: sluice.traffic/v1alpha1\nkind: HeaderRoutingPolicy\n${metadata}\nspec: {${target}, rules: [${rules}]}`;
}

function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function edit(services: Service[], random: (below: number) => number): void {
  const service = services[random(services.length)];
  const first = service?.routes[random(service.routes.length)];
  if (service === undefined || first === undefined) return;
  const edits = [
    () => (first.weight = 1 + random(99)),
    () => (first.path = random(5)),
    () => (first.subset = random(3) - 1),
    () => (first.name = first.name === undefined ? `route-${random(1000)}` : undefined),
    () => (service.limit = 1 + random(1000)),
    () => (service.policy = (["none", "limit", "steer"] as const)[random(3)] ?? "none"),
    () => (service.ports = random(2) === 0 ? [80] : [8080, 80]),
    () => (service.subsets = [["v1"], ["v2"], ["v1", "v2"]][random(3)] ?? ["v1"]),
    () => service.routes.push({ subset: random(3) - 1, path: random(5), weight: 50, name: undefined }),
    () => service.routes.length > 1 && service.routes.shift(),
    () => (first.more = settings[random(settings.length)] ?? ""),
    () => delete first.more,
    () => (service.isHashed = random(2) === 0),
    () => (service.delegated = { path: random(3), more: settings[random(settings.length)] ?? "" }),
    () => delete service.delegated,
    () => services.push(newService()),
    () => services.length > 2 && services.pop(),
  ];
  edits[random(edits.length)]?.();
}

const newService = (): Service => ({
  ports: [80],
  subsets: ["v1", "v2"],
  routes: [{ subset: 0, path: 0, weight: 90, name: "main" }],
  policy: "limit",
  limit: 10,
});

const told = (built: Built): string[] => built.diagnostics.map(brief);

const versions = (snapshot: Snapshot): string[] =>
  [...snapshot.resources.values()].flatMap((ofType) =>
    [...ofType.values()].map((r) => `${r.name} ${r.version}`),
  );

for (const seed of [1, 2, 3]) {
  test(`random edits, seed ${seed}: an incremental build equals one from nothing`, async () => {
    const random = randomFrom(seed);
    const services = [newService(), newService(), newService()];
    let previous: Built | undefined;
    let published = 0;
    for (let i = 0; i < 60; i++) {
      edit(services, random);
      const resources = await load(documents(services));
      const built = build(resources, options, previous);
      const fresh = build(unseen(resources), options);
      // A policy at fault keeps its previous version in force, of which a fresh build knows nothing.
      if (fresh.diagnostics.some((d) => d.severity === "error")) continue;
      assert.deepEqual(told(built), told(fresh));
      for (const node of [gateway, web]) {
        assert.deepEqual(versions(built.snapshotFor(node)), versions(fresh.snapshotFor(node)));
      }
      previous = built;
      published++;
    }
    assert.ok(published > 20, `${published} of 60 states could be served`);
  });
}

test("an edit encodes the routes that it touches and no others", async () => {
  const services = Array.from({ length: 50 }, newService);
  const first = build(await load(documents(services)), options);
  const before = first.snapshotFor(gateway);
  const [edited] = services;
  assert.ok(edited?.routes[0]);

  const encodingsOf = async (change: () => void, previous: Built) => {
    change();
    const resources = await load(documents(services));
    const start = encodingCount();
    const built = build(resources, options, previous);
    const snapshot = built.snapshotFor(gateway);
    return { built, snapshot, count: encodingCount() - start };
  };
  // Each build makes the listener, the table's frame, 50 virtual hosts' frames and two plugins anew.
  const frames = 54;
  const same = await encodingsOf(() => {}, first);
  assert.equal(same.count, frames);
  assert.equal(same.snapshot.version, before.version);

  const route = edited.routes[0];
  const oneRoute = await encodingsOf(() => (route.weight = 11), same.built);
  assert.equal(oneRoute.count, frames + 2, "a route with two conditions is two of Envoy's");
  const onePolicy = await encodingsOf(() => (edited.limit = 99), oneRoute.built);
  assert.equal(onePolicy.count, frames);
});

test("what did not change is the very same object in the next snapshot", async () => {
  const services = [newService(), newService()];
  const first = build(await load(documents(services)), options);
  const before = first.snapshotFor(gateway);
  services[0] = { ...newService(), limit: 77 };
  const after = build(await load(documents(services)), options, first).snapshotFor(gateway);
  for (const [typeUrl, ofType] of after.resources) {
    for (const [name, resource] of ofType) {
      const isSame = resource === before.resources.get(typeUrl)?.get(name);
      assert.equal(isSame, name !== "sluice.rate_limit", `${typeUrl} ${name}`);
    }
  }
});

test("a route table put together from its parts reads as one message", async () => {
  const services = [newService(), { ...newService(), policy: "steer" as const }];
  const snapshot = build(await load(documents(services)), options).snapshotFor(gateway);
  const table = snapshot.resources.get(typeUrls.routes)?.get("mesh");
  assert.ok(table);
  const message = fromBinary(RouteConfigurationSchema, table.value);
  const names = message.virtualHosts.map((v) => `${v.name} ${v.routes.map((r) => r.name).join(" ")}`);
  assert.deepEqual(names, [`${host(0)}:80 main main`, `${host(1)}:80 main main main main main main`]);
  const filters = message.virtualHosts.flatMap((v) =>
    v.routes.map((r) => Object.keys(r.typedPerFilterConfig)),
  );
  assert.deepEqual([...new Set(filters.flat())].sort(), ["sluice.header_routing", "sluice.rate_limit"]);
  assert.equal(toBinary(RouteConfigurationSchema, message).length, table.value.length);
});
