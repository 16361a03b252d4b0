// Each filter in the Envoy of SLUICE_ENVOY, as `sluice render --target envoy` writes it for that version: it acts
// under the hostcalls that it is allowed, and is refused one that it is not. `npm run test:envoys` runs it in the
// newest Envoy of every minor version.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Agent } from "undici";
import { parse } from "yaml";
import { findEnvoy } from "../../envoy/find.ts";
import { type EnvoyProcess, startEnvoy } from "../../envoy/process.ts";
import { projectRoot } from "../../envoy/root.ts";
import { resourcesOf } from "../../server/fixture.ts";
import { loadModules } from "../../server/policy/modules.ts";
import { renderEnvoy } from "../../server/render/envoy/render.ts";
import { type EchoService, startEcho } from "../support/echo.ts";
import { waitFor } from "../support/wait.ts";

const host = "search.demo.svc.cluster.local";
const ref =
  "targetRefs: [{group: networking.istio.io, kind: VirtualService, name: search, sectionName: all}]";

const folder = ([v1, v2]: readonly EchoService[]): string => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: search, namespace: demo}
spec:
  hosts: [${host}]
  http:
  - {name: all, route: [{destination: {host: ${host}, subset: v1}}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: search, namespace: demo}
spec:
  host: ${host}
  subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: search, namespace: demo}
spec:
  hosts: [${host}]
  ports: [{number: 80, name: http, protocol: HTTP}]
  resolution: STATIC
  endpoints:
  - {address: 127.0.0.1, ports: {http: ${v1?.port}}, labels: {version: v1}}
  - {address: 127.0.0.1, ports: {http: ${v2?.port}}, labels: {version: v2}}
---
apiVersion: sluice.traffic/v1alpha1
kind: RateLimitPolicy
metadata: {name: limit, namespace: demo}
spec:
  ${ref}
  limits: [{name: per-user, match: [{headers: {user: {}}}], key: [{header: user}], requests: 2, per: 1h}]
---
apiVersion: sluice.traffic/v1alpha1
kind: HeaderRoutingPolicy
metadata: {name: route, namespace: demo}
spec:
  ${ref}
  rules: [{name: beta, match: [{headers: {beta: {}}}], destination: {subset: v2}}]
---
apiVersion: sluice.traffic/v1alpha1
kind: FaultPolicy
metadata: {name: fault, namespace: demo}
spec:
  ${ref}
  expiresAt: 2100-01-01T00:00:00Z
  faults:
  - {name: down, match: [{headers: {down: {}}}], percentage: 100, abort: {httpStatus: 503, body: down}}
  - {name: late, match: [{headers: {late: {}}}], percentage: 100, delay: {fixed: 100ms}}
  - {name: slow, match: [{headers: {slow: {}}}], percentage: 100, throttle: {kibPerSecond: 64}}
---
apiVersion: sluice.traffic/v1alpha1
kind: MetricsPolicy
metadata: {name: tenants, namespace: demo}
spec:
  dimensions: [{name: tenant, header: tenant, maxValues: 5}]
`;

interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
  tookMs: number;
}

const { path, version } = await findEnvoy();

describe(`Envoy ${version}`, () => {
  const services: EchoService[] = [];
  const agent = new Agent();
  let envoy: EnvoyProcess;
  let port = 0;

  /** @param without a hostcall that the filters are then not allowed. */
  async function start(without?: string): Promise<void> {
    const modules = loadModules(`${projectRoot}/build/filters`);
    const anyPort = { host: "127.0.0.1", port: 0 };
    const { files, diagnostics } = renderEnvoy(
      { directory: "demo", resources: await resourcesOf(folder(services)), modules },
      {
        listen: anyPort,
        admin: anyPort,
        envoyVersion: version,
        moduleFolder: `${projectRoot}/build/filters`,
      },
    );
    assert.deepEqual(
      diagnostics.filter(({ severity }) => severity === "error"),
      [],
    );
    const text = (files[0]?.text ?? "").replaceAll(
      new RegExp(`^ +${without ?? "nothing"}: \\{\\}\n`, "gm"),
      "",
    );
    envoy = await startEnvoy({ binary: { path, version }, config: parse(text), concurrency: 1 });
    await waitFor("Envoy is live", async () => (await envoy.admin("/ready")).startsWith("LIVE"), 30_000);
    port = await envoy.listenerPort("mesh");
  }

  before(async () => {
    for (const name of ["v1", "v2"]) services.push(await startEcho(name));
    await start();
  });
  after(async () => {
    await agent.close();
    await envoy?.stop();
    for (const service of services) await service.close();
  });

  async function get(headers: Record<string, string>): Promise<Answer> {
    const began = performance.now();
    const {
      statusCode,
      headers: given,
      body,
    } = await agent.request({
      origin: `http://127.0.0.1:${port}`,
      path: "/",
      method: "GET",
      headers: { ...headers, host },
    });
    return { status: statusCode, headers: given, body: await body.text(), tookMs: performance.now() - began };
  }
  const served = async (headers: Record<string, string>) =>
    (JSON.parse((await get(headers)).body) as { version: string }).version;

  test("a rate limit by user", async () => {
    const statuses = [];
    for (let i = 0; i < 3; i++) statuses.push((await get({ user: "ann" })).status);
    assert.deepEqual(statuses, [200, 200, 429]);
    assert.equal((await get({ user: "bob" })).status, 200);
  });

  test("a route by header", async () => {
    assert.deepEqual([await served({}), await served({ beta: "1" })], ["v1", "v2"]);
  });

  test("an abort, a delay and a throttle", async () => {
    const down = await get({ down: "1" });
    assert.deepEqual([down.status, down.body], [503, "down"]);
    const late = await get({ late: "1" });
    assert.ok(late.status === 200 && late.tookMs > 90, `${late.status} after ${late.tookMs} ms`);
    assert.equal((await get({ slow: "1" })).status, 200);
  });

  test("metrics with labels", async () => {
    await get({ tenant: "gold" });
    const line = /^sluice_requests_total\{.*tenant="gold".*\} 1$/m;
    await waitFor("the counter", async () => line.test(await envoy.admin("/stats/prometheus")));
  });

  test("nothing was refused, and no VM ended", async () => {
    const page = await envoy.admin("/stats/prometheus");
    assert.doesNotMatch(page, /^sluice_filter_errors_total\{.*\} [1-9]/m);
    assert.doesNotMatch(page, /^envoy_wasm_.*vm_(failed|reload).*\} [1-9]/m);
  });

  test("a hostcall that is not on the list is refused by Envoy", async () => {
    await envoy.stop();
    await start("proxy_replace_header_map_value");
    assert.equal(await served({ beta: "1" }), "v1", "the rule decides, and its header is not written");
  });
});
