// What render writes for Envoy Gateway, against the schema of its published CRDs in a real API server.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { projectRoot } from "../../envoy/root.ts";
import { formatDiagnostic } from "../../schema/diagnostic.ts";
import { loadModules } from "../../server/policy/modules.ts";
import { renderEnvoyGateway } from "../../server/render/envoy-gateway/render.ts";
import { moduleUrls } from "../../server/render/istio/options.ts";
import { loadFolder } from "../../server/source/load.ts";
import { applyDefinitions } from "./control-plane.ts";
import { writeFolder } from "./folder.ts";
import { type KubeObject, objectsOf } from "./kube-api.ts";
import { defaults, type Lab, startLab } from "./lab.ts";

const modules = loadModules(join(projectRoot, "build/filters"));
let lab: Lab;

before(async () => {
  lab = await startLab({ services: [], crds: ["gateway-api"], istiod: false });
  const chart = join(lab.tools, "crds/envoy-gateway/gateway.envoyproxy.io_envoyextensionpolicies.yaml");
  // The file is of a chart, whose template only switches it on and off.
  await applyDefinitions(lab.kubernetes.api, readFileSync(chart, "utf8").replace(/^\{\{.*\}\}$/gm, ""));
});
after(() => lab?.close());

const routes = `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: backend, namespace: default}
spec:
  hosts: [backend.default.svc.cluster.local]
  resolution: STATIC
  ports: [{number: 80, name: http, protocol: HTTP}]
  endpoints: [{address: 127.0.0.1}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: eg, namespace: default}
spec:
  gatewayClassName: eg
  listeners: [{name: http, port: 8080, protocol: HTTP}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop, namespace: default}
spec:
  parentRefs: [{name: eg}]
  hostnames: [shop.example]
  rules:
  - name: orders
    matches: [{path: {type: PathPrefix, value: /orders}}, {path: {type: PathPrefix, value: /carts}}]
    backendRefs: [{name: backend, port: 80}]
  - backendRefs: [{name: backend, port: 80}]
---
`;

const policies = `
apiVersion: sluice.traffic/v1alpha1
kind: RateLimitPolicy
metadata: {name: orders, namespace: default}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: shop, sectionName: orders}]
  limits: [{name: per-user, key: [{header: uid}], requests: 1, per: 1s}]
---
apiVersion: sluice.traffic/v1alpha1
kind: FaultPolicy
metadata: {name: all, namespace: default}
spec:
  expiresAt: 2036-01-01T00:00:00Z
  faults: [{name: down, percentage: 1, abort: {httpStatus: 503}}]
`;

async function render(yaml: string, url: string): Promise<{ objects: KubeObject[]; told: string[] }> {
  const directory = await writeFolder(lab.directory, yaml);
  const { resources } = await loadFolder(directory);
  const { files, diagnostics } = renderEnvoyGateway(
    { directory, resources, modules },
    { ...defaults, ...moduleUrls(url, "1") },
  );
  const told = diagnostics.map(formatDiagnostic).sort();
  return { objects: files.flatMap(({ text }) => objectsOf(text)), told };
}

for (const url of ["http://sluice.example/filters", "oci://registry.example/sluice"]) {
  test(`an EnvoyExtensionPolicy with modules from ${url}`, async () => {
    const { objects, told } = await render(routes + policies, url);
    assert.deepEqual(told, []);
    const [policy] = objects;
    assert.ok(policy);
    const { status, body } = await lab.kubernetes.api.tryApply(policy);
    assert.ok(status < 300, body.message);
    const { wasm } = policy.spec as {
      wasm: { name: string; config: { policies: { attach?: unknown }[] } }[];
    };
    assert.deepEqual(
      wasm.map(({ name }) => name),
      ["sluice-rate-limit", "sluice-fault"],
    );
    assert.deepEqual(wasm[0]?.config.policies[0]?.attach, [
      { route: "httproute/default/shop/rule/0/match/0/shop_example" },
      { route: "httproute/default/shop/rule/0/match/1/shop_example" },
    ]);
    assert.equal(wasm[1]?.config.policies[0]?.attach, undefined);
  });
}

test("what it cannot carry is told", async () => {
  const { told } = await render(
    `${routes}
apiVersion: sluice.traffic/v1alpha1
kind: HeaderRoutingPolicy
metadata: {name: canary, namespace: default}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: shop}]
  rules: [{name: r, destination: {host: backend}}]
---
apiVersion: sluice.traffic/v1alpha1
kind: MetricsPolicy
metadata: {name: all, namespace: default}
spec: {}
`,
    "http://sluice.example/filters",
  );
  assert.equal(told.length, 2, told.join("\n"));
  const all = told.join("\n");
  assert.match(all, /error: Header routing is not available under Envoy Gateway/);
  assert.match(all, /warning: Envoy Gateway's bootstrap has no rules for these labels/);
});
