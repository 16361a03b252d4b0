// Faults in a whole mesh: a FaultPolicy and a VirtualService's `fault` served to a real Envoy.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { startTestMesh, type TestMesh } from "./support/mesh.ts";

const mesh = `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: go-search-service, namespace: ficool}
spec:
  hosts: [go-search-service.ficool.svc.cluster.local]
  resolution: STATIC
  ports: [{number: 8080, name: http}]
  endpoints: [{address: 127.0.0.1, ports: {http: {v1}}}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: go-search-service, namespace: ficool}
spec:
  hosts: [go-search-service]
  http:
  - name: checkout
    match: [{uri: {prefix: /checkout}}]
    route: [{destination: {host: go-search-service}}]
  - name: istio
    match: [{uri: {prefix: /istio}}]
    fault:
      delay: {fixedDelay: 30ms, percentage: {value: 100}}
      abort: {httpStatus: 418, percentage: {value: 100}}
    route: [{destination: {host: go-search-service}}]
  - name: rest
    route: [{destination: {host: go-search-service}}]
`;

const policy = (name: string, spec: string) => `
apiVersion: sluice.traffic/v1alpha1
kind: FaultPolicy
metadata: {name: ${name}, namespace: ficool}
spec:
  targetRefs: [{group: networking.istio.io, kind: VirtualService, name: go-search-service, sectionName: checkout}]
  expiresAt: 2120-01-01T00:00:00Z
${spec.replace(/^/gm, "  ")}
`;

const byHeader = (name: string) => `match: [{headers: {x-fault: {exact: ${name}}}}]`;

const faults = policy(
  "checkout",
  `faults:
- {name: down, percentage: 100, ${byHeader("down")}, abort: {httpStatus: 503}}
- {name: slow, percentage: 100, ${byHeader("slow")}, delay: {fixed: 50ms}}
- {name: thin, percentage: 100, ${byHeader("thin")}, throttle: {kibPerSecond: 64}}
headerControl: {abort: true, throttle: true}`,
);

describe("faults in a mesh", () => {
  let world: TestMesh;
  const ask = (path: string, headers: Record<string, string> = {}) => world.request({ path, headers });

  before(async () => {
    world = await startTestMesh({ files: { "mesh.yaml": mesh, "faults.yaml": faults }, services: ["v1"] });
  });
  after(() => world?.close());

  test("an abort, on its route only", async () => {
    const down = await ask("/checkout", { "x-fault": "down" });
    assert.equal(down.status, 503);
    assert.equal(down.headers["x-sluice-fault"], "ficool/checkout/down");
    assert.equal((await ask("/", { "x-fault": "down" })).status, 200);
    assert.equal((await ask("/checkout")).status, 200);
  });

  test("a delay is at least as long as asked for", async () => {
    const began = performance.now();
    const slow = await ask("/checkout", { "x-fault": "slow" });
    assert.equal(slow.status, 200);
    assert.ok(performance.now() - began >= 49);
    assert.equal(slow.headers["x-sluice-fault"], "ficool/checkout/slow");
  });

  test("a VirtualService's fault: delay, then abort", async () => {
    const began = performance.now();
    const answer = await ask("/istio");
    assert.equal(answer.status, 418);
    assert.ok(performance.now() - began >= 29);
    assert.equal(answer.headers["x-sluice-fault"], "ficool/go-search-service.istio/abort");
  });

  test("a throttled response takes its time, and its header stays in the proxy", async () => {
    const body = "x".repeat(8_000);
    const began = performance.now();
    const thin = await ask("/checkout", { "x-fault": "thin", "x-pad-a": body, "x-pad-b": body });
    const echo = thin.echo();
    // 16 KB at 64 KiB a second, of which one fill interval's worth may come at once.
    assert.ok(performance.now() - began >= 150, `${performance.now() - began}`);
    assert.equal(
      echo.headers.find(([name]) => name.startsWith("x-envoy-fault-")),
      undefined,
    );
    assert.equal(thin.headers["x-sluice-fault"], "ficool/checkout/thin");
  });

  test("callers ask, and only where they may", async () => {
    const wish = { "x-envoy-fault-abort-request": "429" };
    assert.equal((await ask("/checkout", wish)).status, 429);
    assert.equal((await ask("/", wish)).status, 200);
  });

  test("Prometheus sees policy, fault and type as labels", async () => {
    const printed = await world.envoy.admin("/stats/prometheus?filter=sluice_faults");
    const lines = printed.split("\n");
    for (const line of [
      'sluice_faults_total{policy="ficool/checkout",fault="down",type="abort"} 1',
      'sluice_faults_active{policy="ficool/checkout"} 0',
    ])
      assert.ok(lines.includes(line), printed);
  });

  test("the kill switch", async () => {
    const off = `
apiVersion: sluice.traffic/v1alpha1
kind: FaultSwitch
metadata: {name: faults}
spec: {disabled: true}
`;
    const status = async () => (await ask("/checkout", { "x-fault": "down" })).status;
    await world.apply("sluice-faults.yaml", off, async () => (await status()) === 200);
    assert.equal((await ask("/istio")).status, 200);
    await world.apply("sluice-faults.yaml", "# on\n", async () => (await status()) === 503);
  });
});
