// The whole chain: policies of a folder, rendered, applied to a real API server, carried by istiod and pilot-agent
// into an official Envoy, seen on requests.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { waitFor } from "../support/wait.ts";
import { type Lab, startLab } from "./lab.ts";
import { shop, shopRoutes } from "./shop.ts";

let lab: Lab;
let port: number;

before(async () => {
  lab = await startLab();
  [port = 0] = await lab.ports(1);
  await lab.apply(`${shop(port)}---${shopRoutes}`);
  await lab.proxy({ name: "gw", labels: { istio: "gw" }, address: "127.0.9.1" });
  await waitFor(
    "the gateway serves",
    async () => (await ask("/").catch(() => undefined))?.status === 200,
    30_000,
  );
});
after(() => lab?.close());

const ask = (path: string, headers: Record<string, string> = {}) =>
  lab.request(port, { path, host: "shop.example", headers });

test("header routing sends by a derived route, on the route that its policy names and no other", async () => {
  const { files, diagnostics } = await lab.render(`${shop(port)}---${shopRoutes}---
apiVersion: sluice.traffic/v1alpha1
kind: HeaderRoutingPolicy
metadata: {name: canary, namespace: default}
spec:
  targetRefs: [{group: networking.istio.io, kind: VirtualService, name: shop, sectionName: orders}]
  rules:
  - name: insiders
    match: [{headers: {uid: {exact: "0"}}}]
    destination: {subset: v3}
`);
  assert.deepEqual(diagnostics, []);
  for (const { text } of files) await lab.kubernetes.api.apply(text);
  const arrives = async () => (await ask("/orders", { uid: "0" })).body.includes('"version":"v3"');
  await waitFor("the filter routes", arrives, 60_000);
  assert.equal((await ask("/orders", { uid: "1" })).echo().version, "v1");
  assert.equal((await ask("/other", { uid: "0" })).echo().version, "v1");
});
