import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { resourcesOf } from "../fixture.ts";
import { build, type Mesh } from "../snapshot.ts";
import { reportRoutes } from "./routes.ts";

const host = "search.ns.svc.cluster.local";
const yaml = `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {namespace: ns, name: search}
spec:
  hosts: [${host}]
  ports: [{number: 80, name: http, protocol: HTTP}]
  location: MESH_INTERNAL
  resolution: STATIC
  endpoints:
  - {address: 127.0.0.1, ports: {http: 8081}, labels: {version: v1}}
  - {address: 127.0.0.1, ports: {http: 8082}, labels: {version: v2}}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {namespace: ns, name: search}
spec:
  host: ${host}
  subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {namespace: ns, name: search}
spec:
  hosts: [${host}]
  http:
  - name: exact
    match:
    - uri: {exact: /health}
      method: {exact: GET}
      headers: {uid: {regex: "[0-9]+"}, trace: {}}
      withoutHeaders: {robot: {prefix: "y"}}
      queryParams: {page: {exact: "1"}}
    directResponse: {status: 204}
  - name: folded
    match: [{uri: {prefix: /A}, ignoreUriCase: true}]
    redirect: {uri: /b}
  - name: rest
    route:
    - {destination: {host: ${host}, subset: v1}, weight: 1}
    - {destination: {host: ${host}, subset: v2}, weight: 3}
---
apiVersion: sluice.traffic/v1alpha1
kind: RateLimitPolicy
metadata: {namespace: ns, name: limit}
spec:
  targetRefs: [{group: networking.istio.io, kind: VirtualService, name: search, sectionName: rest}]
  limits: [{name: all, requests: 10, per: 1s}]
`;

let mesh: Mesh;

before(async () => {
  const options = { listen: { host: "127.0.0.1", port: 10000 }, modules: {}, delivery: "inline" } as const;
  mesh = build(await resourcesOf(yaml), options).mesh;
});

describe("routes", () => {
  test("in Envoy's order, with their conditions in words", () => {
    const { total, found, routes } = reportRoutes(mesh, "v1", "", 100);
    assert.deepEqual([total, found], [3, 3]);
    assert.deepEqual(
      routes.map(({ name, action }) => [name, action]),
      [
        ["exact", "answer 204"],
        ["folded", "redirect"],
        ["rest", "forward"],
      ],
    );
    assert.deepEqual(routes[0]?.match, [
      "path = /health",
      "not robot = y*",
      "trace",
      "uid ~ [0-9]+",
      "method = GET",
      "?page = 1",
    ]);
    assert.deepEqual(routes[1]?.match, ["path /A* (any case)"]);
    assert.deepEqual(routes[2]?.match, ["path /"]);
  });

  test("destinations with their share, policies with what they are attached to", () => {
    const rest = reportRoutes(mesh, "v1", "", 100).routes[2];
    assert.deepEqual(rest?.destinations, [
      { host, subset: "v1", port: 80, percent: 25 },
      { host, subset: "v2", port: 80, percent: 75 },
    ]);
    assert.deepEqual(rest?.policies, [
      { kind: "RateLimitPolicy", policy: "ns/limit", tier: "route", isPrevious: false },
    ]);
  });

  test("found by all words, in host, route or policy, and cut at the limit", () => {
    const names = (search: string, limit = 100): (string | number)[] => {
      const { found, routes } = reportRoutes(mesh, "v1", search, limit);
      return [found, ...routes.map(({ name }) => name)];
    };
    assert.deepEqual(names("LIMIT search"), [1, "rest"]);
    assert.deepEqual(names("ratelimitpolicy"), [1, "rest"]);
    assert.deepEqual(names("nothing"), [0]);
    assert.deepEqual(names("", 2), [3, "exact", "folded"]);
  });

  test("before anything is served there are none", () => {
    assert.deepEqual(reportRoutes(undefined, "", "", 10), { version: "", total: 0, found: 0, routes: [] });
  });
});
