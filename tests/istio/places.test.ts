// Where policies stand in a real Istio: on an HTTPRoute of the Gateway API, and at both sides of a sidecar.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { waitFor } from "../support/wait.ts";
import { type Lab, startLab } from "./lab.ts";

let lab: Lab;

before(async () => {
  lab = await startLab();
});
after(() => lab?.close());

const backend = `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: backend, namespace: default}
spec:
  hosts: [backend.default.svc.cluster.local]
  location: MESH_INTERNAL
  resolution: STATIC
  ports: [{number: 80, name: http, protocol: HTTP}]
  endpoints: [{address: 127.0.0.1, ports: {http: {v1}}, labels: {version: v1}}]
`;

/** No kubelet runs: the Pod is only an object, its address only an identity. */
const gatewayApi = (port: number): string => `${backend}---
apiVersion: v1
kind: Pod
metadata: {name: api-0, namespace: default, labels: {gateway.networking.k8s.io/gateway-name: api}}
spec: {nodeName: node, containers: [{name: istio-proxy, image: none}]}
---
apiVersion: v1
kind: Service
metadata: {name: api, namespace: default}
spec: {selector: {gateway.networking.k8s.io/gateway-name: api}, ports: [{name: http, port: ${port}, targetPort: ${port}}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: api-1, namespace: default, labels: {kubernetes.io/service-name: api}}
addressType: IPv4
ports: [{name: http, port: ${port}}]
endpoints: [{addresses: [10.244.0.5], conditions: {ready: true}, targetRef: {kind: Pod, name: api-0, namespace: default}}]
---`;

/** `addresses` is for Istio only: our server binds where it is told. */
const routes = (port: number, addresses = ""): string => `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: api, namespace: default}
spec:
  gatewayClassName: istio
  ${addresses}
  listeners: [{name: http, port: ${port}, protocol: HTTP}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop, namespace: default}
spec:
  parentRefs: [{name: api}]
  hostnames: [shop.example]
  rules:
  - name: orders
    matches: [{path: {type: PathPrefix, value: /orders}}]
    backendRefs: [{group: networking.istio.io, kind: Hostname, name: backend.default.svc.cluster.local, port: 80}]
  - backendRefs: [{group: networking.istio.io, kind: Hostname, name: backend.default.svc.cluster.local, port: 80}]
`;

test("policies on the rules of an HTTPRoute, with a name and without", async () => {
  const [port = 0] = await lab.ports(1);
  const address = "addresses: [{type: Hostname, value: api.default.svc.cluster.local}]";
  await lab.apply(`${gatewayApi(port)}${routes(port, address)}`);
  await lab.proxy({
    name: "api",
    labels: { "gateway.networking.k8s.io/gateway-name": "api" },
    address: "10.244.0.5",
  });
  const status = async (path: string, headers: Record<string, string> = {}): Promise<number> =>
    (await lab.request(port, { path, host: "shop.example", headers })).status;
  await waitFor("the gateway serves", async () => (await status("/").catch(() => 0)) === 200, 60_000);
  const objects = await lab.put(`${backend}---${routes(port)}---
apiVersion: sluice.traffic/v1alpha1
kind: FaultPolicy
metadata: {name: orders, namespace: default}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: shop, sectionName: orders}]
  faults: [{name: down, percentage: 100, abort: {httpStatus: 418}, match: [{headers: {x-fault: {}}}]}]
---
apiVersion: sluice.traffic/v1alpha1
kind: RateLimitPolicy
metadata: {name: all, namespace: default}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: shop, sectionName: default.shop.1}]
  limits: [{name: all, requests: 1, per: 1h}]
`);
  assert.deepEqual(
    objects.map(({ metadata }) => metadata.namespace),
    ["default", "default"],
  );
  const acts = async () => (await status("/orders", { "x-fault": "1" })) === 418;
  await waitFor("the fault acts", acts, 60_000);
  assert.equal(await status("/other", { "x-fault": "1" }), 200);
  await waitFor("the limit acts", async () => (await status("/other")) === 429, 30_000);
  assert.equal(await status("/orders"), 200);
});

const sidecar = (inbound: number, outbound: number): string => `${backend}---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: front, namespace: default}
spec:
  hosts: [front.default.svc.cluster.local]
  location: MESH_INTERNAL
  resolution: STATIC
  ports: [{number: ${inbound}, name: http, protocol: HTTP}]
  endpoints: [{address: 127.0.9.3, ports: {http: ${inbound}}, labels: {app: front}}]
---
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: {name: front, namespace: default}
spec:
  workloadSelector: {labels: {app: front}}
  ingress:
  - {port: {number: ${inbound}, protocol: HTTP, name: http}, bind: 127.0.9.3, captureMode: NONE, defaultEndpoint: "127.0.0.1:{v2}"}
  egress:
  - {port: {number: ${outbound}, protocol: HTTP, name: egress}, bind: 127.0.9.3, captureMode: NONE, hosts: ["./*"]}
---
`;

const backendRoutes = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: backend, namespace: default}
spec:
  hosts: [backend.default.svc.cluster.local]
  http:
  - name: calls
    route: [{destination: {host: backend.default.svc.cluster.local}}]
`;

test("at a sidecar, on calls that go out and on requests that come in", async () => {
  const [inbound = 0] = await lab.ports(1);
  await lab.apply(`${sidecar(inbound, 80)}${backendRoutes}`);
  await lab.proxy({
    name: "front",
    labels: { app: "front" },
    address: "127.0.9.3",
    type: "sidecar",
    env: { ISTIO_META_UNPRIVILEGED_POD: "false" },
  });
  const out = async (headers: Record<string, string> = {}): Promise<number> =>
    (await lab.requestAt("127.0.9.3", 80, { host: "backend.default.svc.cluster.local", headers })).status;
  const into = async (headers: Record<string, string> = {}): Promise<number> =>
    (await lab.requestAt("127.0.9.3", inbound, { host: "front.default.svc.cluster.local", headers })).status;
  await waitFor("calls go out", async () => (await out().catch(() => 0)) === 200, 60_000);
  await waitFor("requests come in", async () => (await into().catch(() => 0)) === 200, 60_000);
  const fault = (name: string, targets: string, status: number) => `---
apiVersion: sluice.traffic/v1alpha1
kind: FaultPolicy
metadata: {name: ${name}, namespace: default}
spec:
  ${targets}
  faults: [{name: down, percentage: 100, abort: {httpStatus: ${status}}, match: [{headers: {x-fault: {}}}]}]
`;
  const onBackend =
    "targetRefs: [{group: networking.istio.io, kind: VirtualService, name: backend, sectionName: calls}]";
  await lab.put(`${backend}---${backendRoutes}${fault("calls", onBackend, 418)}`, { namespace: "default" });
  await waitFor("calls fail", async () => (await out({ "x-fault": "1" })) === 418, 60_000);
  assert.equal(await into({ "x-fault": "1" }), 200);
  // A policy on the whole proxy, for the side that serves.
  await lab.put(fault("served", "inherit: true", 425).slice(4), {
    namespace: "default",
    labels: { app: "front" },
    mode: "SERVER",
  });
  await waitFor("requests fail", async () => (await into({ "x-fault": "1" })) === 425, 60_000);
  assert.equal(await out({ "x-fault": "1" }), 418);
});
