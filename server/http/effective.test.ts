// The API's answer: routes, or a policy with the proxies to which it is sent.

import assert from "node:assert/strict";
import { test } from "node:test";
import { resourcesOf } from "../fixture.ts";
import { type NodeIdentity, type ProxyState, typeUrls } from "../model.ts";
import { build } from "../snapshot.ts";
import { type EffectiveReport, effectiveRoute } from "./effective.ts";
import type { ServerView } from "./view.ts";

const built = build(
  await resourcesOf(`
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: shop, namespace: a}
spec:
  hosts: [shop.a.svc.cluster.local]
  exportTo: ["."]
  resolution: STATIC
  ports: [{number: 80, name: http}]
  endpoints: [{address: 127.0.0.1}]
---
apiVersion: sluice.traffic/v1alpha1
kind: RateLimitPolicy
metadata: {name: limit, namespace: a}
spec:
  targetRefs: [{group: networking.istio.io, kind: ServiceEntry, name: shop}]
  limits: [{name: all, requests: 5, per: 1s}]
`),
  { listen: { host: "127.0.0.1", port: 10000 }, modules: {}, delivery: "inline" },
);

const node = (id: string, namespace: string): NodeIdentity => ({
  id,
  namespace,
  cluster: "",
  role: "sidecar",
  labels: {},
  envoyVersion: "1.40.0",
});

const proxy = (id: string, namespace: string, error: string): ProxyState => ({
  node: node(id, namespace),
  peer: "",
  connectedAt: "",
  variant: "delta",
  version: error === "" ? "v" : "",
  types: { [typeUrls.extension]: { acknowledged: "", sent: "", state: error ? "nacked" : "synced", error } },
});

const view = {
  configuration: () => ({ version: "v" }),
  mesh: (of?: NodeIdentity) => (of === undefined ? built.mesh : built.meshFor(of)),
  proxies: () => [proxy("good", "a", ""), proxy("refusing", "a", "no"), proxy("elsewhere", "b", "")],
  wantedVersion: () => "v",
} as unknown as ServerView;

const ask = async (query: string): Promise<EffectiveReport> =>
  (await effectiveRoute(view).request(`/effective?${query}`)).json() as Promise<EffectiveReport>;

test("routes that have a policy", async () => {
  const { version, found, routes } = await ask("");
  assert.deepEqual([version, found, routes?.[0]?.route], ["v", 1, "default"]);
  assert.equal(routes?.[0]?.kinds[0]?.fields[0]?.field, "limits[all]");
  assert.equal((await ask("route=absent")).found, 0);
});

test("a policy, with the proxies that see a route of it", async () => {
  const { policies } = await ask("policy=a/limit");
  assert.deepEqual(policies?.[0]?.proxies, [
    { id: "good", state: "synced" },
    { id: "refusing", state: "nacked" },
  ]);
});
