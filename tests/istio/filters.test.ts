// Every filter in a real Istio: policies on two routes of one VirtualService, a change while requests flow, and
// metrics with labels through Istio's own tag rules.

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { samples } from "../support/prometheus.ts";
import { waitFor } from "../support/wait.ts";
import type { KubeObject } from "./kube-api.ts";
import { type Lab, startLab } from "./lab.ts";
import type { IstioProxy } from "./proxy.ts";
import { shop, shopRoutes } from "./shop.ts";

let lab: Lab;
let gateway: IstioProxy;
let port: number;
let base: string;

before(async () => {
  lab = await startLab();
  [port = 0] = await lab.ports(1);
  base = `${shop(port)}---${shopRoutes}---\n`;
  await lab.apply(base);
  gateway = await lab.proxy({
    name: "gw",
    labels: { istio: "gw" },
    address: "127.0.9.1",
    proxyConfig: { extraStatTags: ["virtual_host", "route", "response_code", "tenant", "limit", "policy"] },
  });
  await waitFor(
    "the gateway serves",
    async () => (await ask("/").catch(() => undefined))?.status === 200,
    30_000,
  );
});
after(() => lab?.close());

/** What a test has applied goes, and the gateway has followed. */
afterEach(async () => {
  await lab.kubernetes.api.remove(applied.splice(0).filter(({ kind }) => kind === "WasmPlugin"));
  await lab.apply(base);
  const isGone = async () => !(await gateway.admin("/config_dump")).includes("sluice-");
  await waitFor("the filters are gone", isGone, 30_000);
});

const applied: KubeObject[] = [];
const put = async (yaml: string): Promise<void> => {
  applied.push(...(await lab.put(yaml)));
};

const ask = (path: string, headers: Record<string, string> = {}) =>
  lab.request(port, { path, host: "shop.example", headers });

const onOrders =
  "targetRefs: [{group: networking.istio.io, kind: VirtualService, name: shop, sectionName: orders}]";

test("a rate limit holds on its route, a change of it acts while requests flow", async () => {
  const policy = (requests: number) => `${base}
apiVersion: sluice.traffic/v1alpha1
kind: RateLimitPolicy
metadata: {name: orders, namespace: default}
spec:
  ${onOrders}
  limits: [{name: per-user, key: [{header: uid}], requests: ${requests}, per: 1h}]
`;
  await put(policy(2));
  await waitFor(
    "the limit acts",
    async () => (await ask("/orders", { uid: "probe" })).status === 429,
    60_000,
  );
  const statuses = async (path: string, uid: string, count: number): Promise<number[]> => {
    const all: number[] = [];
    for (let i = 0; i < count; i++) all.push((await ask(path, { uid })).status);
    return all;
  };
  assert.deepEqual(await statuses("/orders", "a", 4), [200, 200, 429, 429]);
  assert.deepEqual(await statuses("/other", "a", 4), [200, 200, 200, 200]);
  const others: number[] = [];
  await put(policy(5));
  let user = 0;
  const isWider = async (): Promise<boolean> => {
    others.push((await ask("/other")).status);
    user++;
    return (await statuses("/orders", `later-${user}`, 5)).every((status) => status === 200);
  };
  await waitFor("the wider limit acts", isWider, 30_000);
  assert.deepEqual([...new Set(others)], [200]);
  assert.deepEqual(await statuses("/orders", `later-${user}`, 1), [429]);
  // Who had used up all before the change has used up all of the new limit too.
  assert.deepEqual(await statuses("/orders", "a", 1), [429]);
});

test("two routes of one VirtualService have policies of their own, also the one without a name", async () => {
  await put(`${base}
apiVersion: sluice.traffic/v1alpha1
kind: FaultPolicy
metadata: {name: orders-down, namespace: default}
spec:
  ${onOrders}
  faults: [{name: down, percentage: 100, abort: {httpStatus: 418}, match: [{headers: {x-fault: {}}}]}]
---
apiVersion: sluice.traffic/v1alpha1
kind: FaultPolicy
metadata: {name: shop-slow, namespace: default}
spec:
  targetRefs: [{group: networking.istio.io, kind: VirtualService, name: shop}]
  inherit: false
  faults: [{name: late, percentage: 100, abort: {httpStatus: 425}, match: [{headers: {x-late: {}}}]}]
`);
  const names = applied.map(({ kind, metadata }) => `${kind} ${metadata.name}`);
  assert.deepEqual(names, ["WasmPlugin sluice-fault", "VirtualService shop"]);
  await waitFor("faults act", async () => (await ask("/orders", { "x-fault": "1" })).status === 418, 60_000);
  assert.equal((await ask("/other", { "x-fault": "1" })).status, 200);
  await waitFor("on the unnamed route", async () => (await ask("/other", { "x-late": "1" })).status === 425);
  assert.equal((await ask("/orders", { "x-late": "1" })).status, 425);
});

test("header routing keeps weights per user, and a forged header chooses nothing", async () => {
  await put(`${base}
apiVersion: sluice.traffic/v1alpha1
kind: HeaderRoutingPolicy
metadata: {name: canary, namespace: default}
spec:
  ${onOrders}
  rules:
  - name: insiders
    match: [{headers: {uid: {exact: "0"}}}]
    destination: {subset: v3}
  - name: split
    destinations: [{subset: v1, weight: 50}, {subset: v2, weight: 50}]
    stickyBy: {header: uid}
`);
  const version = async (headers: Record<string, string>) => (await ask("/orders", headers)).echo().version;
  await waitFor("the filter routes", async () => (await version({ uid: "0" })) === "v3", 60_000);
  const users = Array.from({ length: 60 }, (_, i) => `user-${i}`);
  const chosen = new Map<string, string>();
  for (const uid of users) chosen.set(uid, await version({ uid }));
  assert.deepEqual([...new Set(chosen.values())].sort(), ["v1", "v2"]);
  for (const uid of users.slice(0, 20)) assert.equal(await version({ uid }), chosen.get(uid));
  for (const uid of users.slice(0, 20))
    assert.equal(await version({ uid, "x-sluice-destination": "orders/v3" }), chosen.get(uid));
  const { headers } = (await ask("/orders", { uid: "0" })).echo();
  assert.equal(
    headers.some(([name]) => name === "x-sluice-destination"),
    false,
  );
});

test("metrics have their labels through Istio's tag rules", async () => {
  await put(`${base}
apiVersion: sluice.traffic/v1alpha1
kind: MetricsPolicy
metadata: {name: tenants, namespace: default}
spec:
  targetRefs: [{group: networking.istio.io, kind: VirtualService, name: shop}]
  dimensions: [{name: tenant, header: x-tenant, values: [gold]}]
`);
  const counted = async () =>
    samples(await gateway.admin("/stats/prometheus"), "sluice_requests_total").find(
      ({ labels }) => labels.tenant === "gold" && labels.route === "orders",
    );
  const isCounted = async () => {
    await ask("/orders", { "x-tenant": "gold" });
    return await counted();
  };
  const { labels } = await waitFor("requests are counted by tenant", isCounted, 60_000);
  assert.equal(labels.virtual_host, `shop.example:${port}`);
  assert.equal(labels.response_code, "200");
});
