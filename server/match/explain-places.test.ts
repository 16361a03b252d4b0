// Explanations of what does not depend on the request alone: the proxy that it comes through, the port, TLS.

import assert from "node:assert/strict";
import { before, test } from "node:test";
import { render } from "../../cli/explain.ts";
import { resourcesOf } from "../fixture.ts";
import { type Built, build } from "../snapshot.ts";
import { type ExplainInput, explain } from "./explain.ts";

const yaml = `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: shop, namespace: a}
spec:
  hosts: [shop.a.svc.cluster.local, audit.a.svc.cluster.local]
  resolution: STATIC
  ports: [{number: 80, name: http}]
  endpoints: [{address: 127.0.0.1, ports: {http: 9001}}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop, namespace: a}
spec:
  hosts: [shop]
  http:
  - name: admin
    match: [{port: 8080}]
    directResponse: {status: 204}
  - name: post
    match: [{method: {exact: POST}}]
    directResponse: {status: 201}
  - name: web
    match: [{sourceLabels: {app: web}, sourceNamespace: b}]
    route: [{destination: {host: shop}}]
    mirrors: [{destination: {host: audit}, percentage: {value: 2.5}}]
  - name: cart
    match: [{uri: {prefix: /cart}}]
    delegate: {name: cart}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: cart, namespace: a}
spec:
  http:
  - {name: add, match: [{uri: {prefix: /cart/add}}], route: [{destination: {host: shop}}]}
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: db, namespace: a}
spec:
  hosts: [db.a.svc.cluster.local]
  addresses: [127.0.10.5]
  resolution: STATIC
  ports: [{number: 5432, name: tcp, protocol: TCP}]
  endpoints: [{address: 127.0.0.1, ports: {tcp: 9003}}]
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge, namespace: a}
spec:
  servers:
  - {port: {number: 8443, name: tls, protocol: TLS}, hosts: [secure.example.com], tls: {mode: PASSTHROUGH}}
  - {port: {number: 8081, name: http, protocol: HTTP}, hosts: [secure.example.com], tls: {httpsRedirect: true}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: secure, namespace: a}
spec:
  hosts: [secure.example.com]
  gateways: [edge]
  http: [{route: [{destination: {host: shop}}]}]
  tls: [{match: [{sniHosts: [secure.example.com]}], route: [{destination: {host: shop}}]}]
`;

let built: Built;
before(async () => {
  const listen = { host: "127.0.0.1", port: 10_000 };
  built = build(await resourcesOf(yaml), { listen, modules: {}, delivery: "inline" });
  assert.deepEqual(
    built.diagnostics.filter((d) => d.severity === "error"),
    [],
  );
});

const ask = (path: string, more: Partial<ExplainInput> = {}) =>
  explain(
    built,
    {},
    {
      method: "GET",
      scheme: "http",
      authority: "shop",
      path,
      headers: [],
      sourceIp: "127.0.0.1",
      port: 80,
      ...more,
    },
  );

test("what is for other ports and callers is told where it is written", async () => {
  const nothing = await ask("/");
  assert.equal(nothing.result.status, 404);
  assert.deepEqual(nothing.passedOver, [
    { route: "admin", failed: ["port is 8080"] },
    { route: "post", failed: ['method is "POST"'] },
    { route: "web", failed: ["the caller has the label app=web"] },
    { route: "cart-add", failed: ["path begins with /cart/add"] },
  ]);
});

test("through the proxy of a caller, with copies", async () => {
  const proxy = { labels: { app: "web", x: "y" }, namespace: "b" };
  const seen = await ask("/", { proxy, authority: "shop.a" });
  assert.equal(seen.route?.name, "web");
  assert.deepEqual(seen.result.mirrors, [
    { cluster: "outbound|80||audit.a.svc.cluster.local", share: 0.025 },
  ]);
  assert.match(render(seen), /^copied to +2\.5 % {2}outbound\|80\|\|audit/m);
  const elsewhere = await ask("/", { proxy: { ...proxy, namespace: "c" }, authority: "shop.a" });
  assert.deepEqual(elsewhere.passedOver[2], { route: "web", failed: ["the caller's namespace is b"] });
});

test("a delegated route is told with the file and line of the delegate", async () => {
  const { route } = await ask("/cart/add/7");
  assert.equal(route?.resource, "VirtualService a/cart");
  assert.equal(route.name, "cart-add");
});

test("ports with TLS: by name, passed through, redirected, closed", async () => {
  const authority = "secure.example.com";
  const passed = await ask("/", { port: 8443, scheme: "https", authority });
  assert.equal(passed.result.outcome, "forwarded");
  assert.match(render(passed), /TLS is passed through/);
  const closed = await ask("/", { port: 8443, scheme: "https", authority: "other.example.com" });
  assert.match(closed.result.detail, /no server on port 8443 has this name/);
  const plain = await ask("/", { port: 8443, authority });
  assert.match(plain.result.detail, /speaks TLS/);
  const redirected = await ask("/", { port: 8081, authority });
  assert.deepEqual([redirected.result.outcome, redirected.result.status], ["redirected", 301]);
});

test("a virtual address: whatever comes is forwarded", async () => {
  for (const scheme of ["http", "https"]) {
    const { result } = await ask("/", { port: 5432, scheme, authority: "127.0.10.5:5432" });
    assert.deepEqual(result.destinations[0]?.endpoints, ["127.0.0.1:9003"]);
    assert.match(result.detail, /the connection is forwarded/);
  }
});
