// Derived routes in a real Envoy: what a filter writes into x-sluice-destination decides the destination and
// nothing else, and what a client writes there decides nothing. A Lua filter stands in for the module, so
// that the routes are shown by themselves.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { request } from "undici";
import { findEnvoy } from "../envoy/find.ts";
import { type EnvoyProcess, startEnvoy } from "../envoy/process.ts";
import { resourcesOf } from "../server/fixture.ts";
import { readModule } from "../server/policy/modules.ts";
import { build } from "../server/snapshot.ts";
import { staticBootstrap } from "./static-bootstrap.ts";
import { type Echo, type EchoService, startEcho } from "./support/echo.ts";

const emptyModule = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);

/** Copies the header `choose` as the filter would write its choice, and changes `kind` on the way. */
const standIn = {
  "@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua",
  defaultSourceCode: {
    inlineString: `
      function envoy_on_request(handle)
        local choice = handle:headers():get("choose")
        if choice then
          handle:headers():replace("x-sluice-destination", choice)
          handle:headers():replace("kind", "changed")
          handle:clearRouteCache()
        end
      end`,
  },
};

const mesh = ([v1, v2, v3]: number[]) => `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: shop, namespace: a}
spec:
  hosts: [shop.a.svc.cluster.local]
  resolution: STATIC
  ports: [{number: 80, name: http}]
  endpoints:
  - {address: 127.0.0.1, ports: {http: ${v1}}, labels: {version: v1}}
  - {address: 127.0.0.1, ports: {http: ${v2}}, labels: {version: v2}}
  - {address: 127.0.0.1, ports: {http: ${v3}}, labels: {version: v3}}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: shop, namespace: a}
spec:
  host: shop
  subsets:
  - {name: v1, labels: {version: v1}}
  - {name: v2, labels: {version: v2}}
  - {name: v3, labels: {version: v3}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop, namespace: a}
spec:
  hosts: [shop]
  http:
  - name: special
    match: [{headers: {kind: {exact: special}}, uri: {prefix: /api}}]
    rewrite: {uri: /internal}
    headers: {request: {set: {x-route: special}}}
    route: [{destination: {host: shop, subset: v1}}]
  - name: rest
    route: [{destination: {host: shop, subset: v2}, headers: {request: {set: {x-own: v2}}}}]
---
apiVersion: sluice.traffic/v1alpha1
kind: HeaderRoutingPolicy
metadata: {name: steer, namespace: a}
spec:
  targetRefs: [{group: networking.istio.io, kind: VirtualService, name: shop}]
  rules:
  - {name: one, match: [{headers: {a: {exact: b}}}], destination: {subset: v3}}
  - {name: two, headers: {request: {set: {kind: changed}}}}
`;

let services: EchoService[] = [];
let envoy: EnvoyProcess;
let port = 0;

before(async () => {
  services = await Promise.all(["v1", "v2", "v3"].map((version) => startEcho(version)));
  const built = build(await resourcesOf(mesh(services.map((s) => s.port))), {
    listen: { host: "127.0.0.1", port: 0 },
    modules: { header_routing: readModule("header_routing", emptyModule) },
    delivery: "inline",
  });
  assert.deepEqual(built.diagnostics, []);
  const node = {
    id: "",
    cluster: "",
    role: "gateway",
    namespace: "",
    labels: {},
    envoyVersion: "1.40.0",
  } as const;
  const config = staticBootstrap(built.snapshotFor(node), { filters: { "sluice.header_routing": standIn } });
  envoy = await startEnvoy({ binary: await findEnvoy(), config, concurrency: 1 });
  port = await envoy.listenerPort("mesh");
});

after(async () => {
  await envoy?.stop();
  await Promise.all(services.map((s) => s.close()));
});

async function ask(path: string, headers: Record<string, string | string[]>): Promise<Echo> {
  const { statusCode, body } = await request(`http://127.0.0.1:${port}${path}`, {
    headers: { host: "shop.a", ...headers },
  });
  assert.equal(statusCode, 200);
  return (await body.json()) as Echo;
}

const header = (echo: Echo, name: string) =>
  echo.headers.filter(([n]) => n === name).map(([, value]) => value);

test("a choice goes to its destination and keeps the route's other settings", async () => {
  const echo = await ask("/api/x", { kind: "special", choose: "special/v3" });
  assert.equal(echo.version, "v3");
  assert.equal(echo.path, "/internal/x");
  assert.deepEqual(header(echo, "x-route"), ["special"]);
});

test("the header that steers does not reach the service", async () => {
  const echo = await ask("/api/x", { kind: "special", choose: "special/v3" });
  assert.deepEqual(header(echo, "x-sluice-destination"), []);
  const unknown = await ask("/", { choose: "rest/nowhere" });
  assert.equal(unknown.version, "v2");
  assert.deepEqual(header(unknown, "x-sluice-destination"), []);
});

test("a changed header does not move a request to another route", async () => {
  const echo = await ask("/api/x", { kind: "special", choose: "special/" });
  assert.equal(echo.version, "v1");
  assert.equal(echo.path, "/internal/x");
  assert.deepEqual(header(echo, "kind"), ["changed"]);
});

test("headers of the route's own destination are not those of another", async () => {
  assert.deepEqual(header(await ask("/", {}), "x-own"), ["v2"]);
  const steered = await ask("/", { choose: "rest/v3" });
  assert.equal(steered.version, "v3");
  assert.deepEqual(header(steered, "x-own"), []);
});

test("a client's own header steers nothing, in any case and number", async () => {
  for (const forged of ["rest/v3", "special/v3"]) {
    for (const name of ["x-sluice-destination", "X-Sluice-Destination", "X-SLUICE-DESTINATION"]) {
      const echo = await ask("/", { [name]: forged });
      assert.equal(echo.version, "v2");
      assert.deepEqual(header(echo, "x-sluice-destination"), []);
    }
    const twice = await ask("/", { "x-sluice-destination": [forged, "rest/"] });
    assert.equal(twice.version, "v2");
  }
});

test("hosts by every name, with and without a port", async () => {
  for (const host of [
    "shop",
    "shop.a",
    "shop.a.svc",
    "shop.a.svc.cluster.local",
    "SHOP.A:80",
    "shop:12345",
  ]) {
    assert.equal((await ask("/", { host })).version, "v2", host);
  }
  const { statusCode } = await request(`http://127.0.0.1:${port}/`, { headers: { host: "other" } });
  assert.equal(statusCode, 404);
});
