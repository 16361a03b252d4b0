// The examples of routing, as their READMEs tell them, with numbers where they speak of shares; and what else a
// VirtualService does to traffic: CORS, copies and policies on steered routes, protocols. All in one Envoy.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Examples, startExamples } from "./support/examples.ts";
import { waitFor } from "./support/wait.ts";

const examples = [
  "request-routing",
  "traffic-shifting",
  "request-timeouts",
  "retries",
  "mirroring",
  "ab-by-cookie",
  "delegation",
  "istio-faults",
] as const;

/** A route with all that a steered request must keep; a service with two ports; policies. */
const more = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: whole, namespace: shop}
spec:
  hosts: [whole]
  http:
  - name: slow
    match: [{headers: {x-slow: {}}}]
    timeout: 1s
    retries: {attempts: 2, perTryTimeout: 100ms, retryOn: 5xx}
    route: [{destination: {host: whole, subset: v1}}]
  - name: whole
    match: [{uri: {prefix: /v7/}}]
    rewrite: {uriRegexRewrite: {match: '^/v([0-9]+)/', rewrite: '/api/\\1/'}}
    retries: {attempts: 3, retryOn: "418", backoff: 1ms}
    headers: {response: {set: {x-route: whole}}}
    mirror: {host: whole, subset: v3}
    corsPolicy:
      allowOrigins: [{exact: "https://pages.example"}]
      allowMethods: [GET, PUT]
      exposeHeaders: [x-version]
      maxAge: 1h
    route: [{destination: {host: whole, subset: v1}}]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: whole, namespace: shop}
spec:
  host: whole
  subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}, {name: v3, labels: {version: v3}}]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: whole, namespace: shop}
spec:
  hosts: [whole.shop.svc.cluster.local]
  resolution: STATIC
  ports: [{number: 80, name: http}]
  endpoints:
  - {address: 127.0.0.1, ports: {http: 18901}, labels: {version: v1}}
  - {address: 127.0.0.1, ports: {http: 18902}, labels: {version: v2}}
  - {address: 127.0.0.1, ports: {http: 18903}, labels: {version: v3}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: two-ports, namespace: shop}
spec:
  hosts: [two-ports]
  http:
  - {match: [{port: 90}], directResponse: {status: 418}}
  - route: [{destination: {host: two-ports}}]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: two-ports, namespace: shop}
spec:
  hosts: [two-ports.shop.svc.cluster.local]
  resolution: STATIC
  ports: [{number: 80, name: http}, {number: 90, name: http-admin}]
  endpoints: [{address: 127.0.0.1, ports: {http: 18904, http-admin: 18905}, labels: {version: v1}}]
---
apiVersion: sluice.traffic/v1alpha1
kind: HeaderRoutingPolicy
metadata: {name: whole, namespace: shop}
spec:
  targetRefs: [{group: networking.istio.io, kind: VirtualService, name: whole, sectionName: whole}]
  rules: [{name: try, match: [{headers: {x-try: {exact: v2}}}], destination: {subset: v2}}]
---
apiVersion: sluice.traffic/v1alpha1
kind: RateLimitPolicy
metadata: {name: beta, namespace: search}
spec:
  targetRefs: [{group: networking.istio.io, kind: VirtualService, name: routes, sectionName: beta}]
  limits: [{name: all, match: [{headers: {x-limited: {}}}], requests: 1, per: 1h}]
`;

let mesh: Examples;
before(async () => {
  mesh = await startExamples(examples, { files: { "more.yaml": more } });
});
after(() => mesh?.close());

for (const name of examples) {
  test(`examples/${name} does what its README says`, async () => {
    assert.ok((await mesh.follow(name)) >= 1);
  });
}

/** How often each version answers. */
async function versions(host: string, count: number, headers: Record<string, string> = {}) {
  const seen: Record<string, number> = {};
  for (let i = 0; i < count; i += 50) {
    const answers = await Promise.all(Array.from({ length: 50 }, () => mesh.request({ host, headers })));
    for (const answer of answers) {
      assert.equal(answer.status, 200);
      const { version } = answer.echo();
      seen[version] = (seen[version] ?? 0) + 1;
    }
  }
  return seen;
}

/** Five standard deviations of so many draws: a right share is outside once in two million runs. */
function assertShare(count: number, of: number, share: number): void {
  const allowed = 5 * Math.sqrt(of * share * (1 - share));
  assert.ok(Math.abs(count - of * share) <= allowed, `${count} of ${of} is not ${share * 100} %`);
}

const copies = async (cluster: string): Promise<number> => {
  const line = await mesh.envoy.admin(
    `/stats?filter=cluster.${cluster.replaceAll("|", ".")}.upstream_rq_total`,
  );
  return Number(/(\d+)\s*$/.exec(line)?.[1] ?? 0);
};

test("weights and copies have their shares", async () => {
  const { v1 = 0, v2 = 0 } = await versions("catalogue", 1_000);
  assert.equal(v1 + v2, 1_000);
  assertShare(v2, 1_000, 0.1);
  const cluster = (version: string) => `outbound|80|${version}|orders.shop.svc.cluster.local`;
  const before = await Promise.all([copies(cluster("v2")), copies(cluster("v3"))]);
  assert.deepEqual(await versions("orders", 400), { v1: 400 });
  await waitFor("all copies are sent", async () => (await copies(cluster("v2"))) - before[0] === 400);
  assertShare((await copies(cluster("v3"))) - before[1], 400, 0.25);
});

const origin = "https://pages.example";

test("a preflight request is answered by the proxy, for the origins that are allowed", async () => {
  const preflight = (from: string, host = "whole") =>
    mesh.request({
      host,
      method: "OPTIONS",
      path: "/v7/x",
      headers: { origin: from, "access-control-request-method": "PUT" },
    });
  const allowed = await preflight(origin);
  assert.deepEqual(
    [allowed.status, allowed.body, allowed.headers["access-control-allow-origin"]],
    [200, "", origin],
  );
  assert.equal(allowed.headers["access-control-allow-methods"], "GET,PUT");
  assert.equal(allowed.headers["access-control-max-age"], "3600");
  const other = await preflight("https://elsewhere.example");
  assert.equal(other.headers["access-control-allow-origin"], undefined);
  assert.equal(other.echo().method, "OPTIONS");
});

test("an answer tells a page of an allowed origin that it may read it", async () => {
  const { headers } = await mesh.request({ host: "whole", path: "/v7/x", headers: { origin } });
  assert.equal(headers["access-control-allow-origin"], origin);
  assert.equal(headers["access-control-expose-headers"], "x-version");
});

test("a steered request keeps its route's rewrite, CORS, copies, headers and name", async () => {
  const cluster = "outbound|80|v3|whole.shop.svc.cluster.local";
  const before = await copies(cluster);
  const steered = await mesh.request({
    host: "whole",
    path: "/v7/things?q=1",
    headers: { origin, "x-try": "v2", "x-sample-status": "200" },
  });
  const echo = steered.echo();
  assert.equal(echo.version, "v2");
  assert.equal(echo.path, "/api/7/things?q=1");
  assert.equal(steered.headers["access-control-allow-origin"], origin);
  assert.equal(steered.headers["x-route"], "whole");
  await waitFor("its copy is sent", async () => (await copies(cluster)) === before + 1);
});

test("a steered request is retried as its route says", async () => {
  const retries = async () => {
    const stats = await mesh.envoy.admin("/stats?filter=cluster.outbound.80.v2.whole.*upstream_rq_retry$");
    return Number(/(\d+)\s*$/.exec(stats)?.[1] ?? 0);
  };
  const before = await retries();
  const headers = { "x-try": "v2", "x-sample-status": "418" };
  assert.equal((await mesh.request({ host: "whole", path: "/v7/x", headers })).status, 418);
  assert.equal((await retries()) - before, 3);
});

test("a try that takes too long is given up and the next begins", async () => {
  const headers = { "x-sample-delay": "400", "x-slow": "1" };
  const { status } = await mesh.request({ host: "whole", path: "/v7/x", headers });
  assert.equal(status, 504);
});

test("a route for one port of a host", async () => {
  assert.equal((await mesh.request({ host: "two-ports:90" })).status, 418);
  assert.equal((await mesh.request({ host: "two-ports:80" })).echo().version, "v1");
  assert.equal((await mesh.request({ host: "two-ports" })).echo().version, "v1");
});

test("a rate limit on a delegated route, by the team's name for it", async () => {
  const ask = async (path: string) =>
    (await mesh.request({ host: "store.example.com", path, headers: { "x-limited": "1" } })).status;
  assert.deepEqual([await ask("/search/beta"), await ask("/search/beta")], [200, 429]);
  assert.deepEqual([await ask("/search"), await ask("/search")], [200, 200]);
});
