// Which of a VirtualService's routes takes a connection, on a Gateway and in a sidecar.

import assert from "node:assert/strict";
import { test } from "node:test";
import { fromBinary } from "@bufbuild/protobuf";
import { TcpProxySchema } from "../../build/envoy-api/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.ts";
import { resourcesOf } from "../fixture.ts";
import { buildClusters } from "./clusters.ts";
import { readRegistry, type View } from "./registry.ts";
import { Report } from "./report.ts";
import type { Known } from "./routes.ts";
import { chainMatch, clustersOf, tcpProxyFilter } from "./tcp-proxy.ts";
import { gatewayTcpRoute, gatewayTlsRoutes, outboundTcpRoutes, type TcpRoute } from "./tcp-routes.ts";
import { UnknownHosts } from "./unknown-hosts.ts";

const mesh = (routes: string, gateways = "[edge]") => `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: db, namespace: a}
spec:
  hosts: [db.a.svc.cluster.local]
  resolution: STATIC
  ports: [{number: 5432, name: tcp, protocol: TCP}, {number: 5433, name: tls, protocol: TLS}]
  endpoints: [{address: 127.0.0.1, labels: {version: v1}}, {address: 127.0.0.2, labels: {version: v2}}]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: db, namespace: a}
spec:
  host: db
  trafficPolicy: {connectionPool: {tcp: {idleTimeout: 5m, maxConnectionDuration: 24h}}}
  subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}]
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge, namespace: a}
spec: {servers: [{port: {number: 5432, name: tcp, protocol: TCP}, hosts: ["*.svc.cluster.local"]}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: db, namespace: a}
spec:
  hosts: [db]
  gateways: ${gateways}
${routes.replace(/^/gm, "  ")}
`;

async function knownOf(text: string, view: Partial<View> = {}): Promise<Known> {
  const report = new Report();
  const all = { namespace: undefined, labels: undefined, ...view };
  const unknown = new UnknownHosts();
  const resources = await resourcesOf(text);
  const registry = readRegistry(resources, all, report, unknown);
  const clusters = buildClusters(registry, all, report);
  return { registry, clusters, report, unknown, allGateways: new Set(["a/edge"]), view: all };
}

function server(known: Known) {
  const gateway = known.registry.gateways.get("a/edge");
  assert.ok(gateway);
  return { gateway, index: 0, name: "tcp", port: 5432 } as Parameters<typeof gatewayTcpRoute>[0];
}

const service = (known: Known) => {
  const found = known.registry.services.get("db.a.svc.cluster.local");
  assert.ok(found);
  return found;
};

const subsets = (route: TcpRoute | undefined) => route?.destinations.map((d) => d.subset ?? "all");
const to = (subset: string) => `route: [{destination: {host: db, subset: ${subset}, port: {number: 5432}}}]`;

test("a Gateway's TCP server takes the first route for its port and name", async () => {
  const known = await knownOf(
    mesh(`tcp:
- {match: [{port: 9}], ${to("v1")}}
- {match: [{gateways: [other]}, {port: 5432, sourceLabels: {app: x}}], ${to("v2")}}
- {${to("v1")}}`),
  );
  assert.deepEqual(subsets(gatewayTcpRoute(server(known), known)), ["v2"]);
  assert.match(known.report.diagnostics.at(-1)?.message ?? "", /tcp\[1\].* takes them all/);
});

test("weights, and Envoy's TCP proxy of them", async () => {
  const known = await knownOf(
    mesh(`tcp:
- route:
  - {destination: {host: db, subset: v1, port: {number: 5432}}, weight: 30}
  - {destination: {host: db, subset: v2, port: {number: 5432}}, weight: 70}
  - {destination: {host: db, port: {number: 5432}}, weight: 0}`),
  );
  const route = gatewayTcpRoute(server(known), known);
  assert.ok(route);
  const filter = tcpProxyFilter(route);
  assert.equal(filter?.configType.case, "typedConfig");
  const config = filter.configType.case === "typedConfig" ? filter.configType.value.value : undefined;
  const proxy = fromBinary(TcpProxySchema, config ?? new Uint8Array());
  assert.equal(proxy.statPrefix, "db.a");
  assert.equal(proxy.idleTimeout?.seconds, 300n);
  assert.equal(proxy.maxDownstreamConnectionDuration?.seconds, 86_400n);
  assert.equal(proxy.clusterSpecifier.case, "weightedClusters");
  assert.deepEqual(
    proxy.clusterSpecifier.case === "weightedClusters" &&
      proxy.clusterSpecifier.value.clusters.map((c) => [c.name.split("|")[2], c.weight]),
    [
      ["v1", 30],
      ["v2", 70],
    ],
  );
  assert.deepEqual(
    clustersOf(route).map((name) => name.split("|")[2]),
    ["v1", "v2"],
  );
});

test("TLS that passes through: a chain for each condition, no name twice", async () => {
  const known = await knownOf(
    mesh(`tls:
- {match: [{sniHosts: [DB.a.svc.cluster.local], port: 5432}], ${to("v1")}}
- {match: [{sniHosts: [db.a.svc.cluster.local]}], ${to("v2")}}`).replace(
      "hosts: [db]",
      "hosts: [db.a.svc.cluster.local]",
    ),
  );
  const [only, ...more] = gatewayTlsRoutes(server(known), known);
  assert.deepEqual(more, []);
  assert.deepEqual(subsets(only), ["v1"]);
  assert.deepEqual(only && chainMatch(only).serverNames, ["db.a.svc.cluster.local"]);
  assert.match(known.report.diagnostics[0]?.message ?? "", /is routed on this port by .* already/);
});

test("a sidecar: ranges of addresses first, then the service itself, unless a route takes all", async () => {
  const ranges = `tcp:\n- {match: [{destinationSubnets: [10.1.0.0/16, "10.2.0.1"]}], ${to("v1")}}`;
  const some = await knownOf(mesh(ranges, "[mesh]"));
  const chains = outboundTcpRoutes(service(some), 5432, some);
  assert.deepEqual(chains.map(subsets), [["v1"], ["all"]]);
  const [first] = chains;
  assert.deepEqual(first && chainMatch(first).prefixRanges.map((r) => [r.addressPrefix, r.prefixLen]), [
    ["10.1.0.0", 16],
    ["10.2.0.1", 32],
  ]);
  const labels = `tcp:\n- {match: [{sourceLabels: {app: web}}], ${to("v2")}}`;
  const web = await knownOf(mesh(labels, "[mesh]"), { labels: { app: "web" } });
  assert.deepEqual(outboundTcpRoutes(service(web), 5432, web).map(subsets), [["v2"]]);
  const other = await knownOf(mesh(labels, "[mesh]"));
  assert.deepEqual(outboundTcpRoutes(service(other), 5432, other).map(subsets), [["all"]]);
});

test("a sidecar: TLS by name, else the service itself", async () => {
  const routes = `tls:\n- {match: [{sniHosts: [db.a.svc.cluster.local], port: 5433}], ${to("v2")}}`;
  const text = mesh(routes, "[mesh]").replace("hosts: [db]", "hosts: [db.a.svc.cluster.local]");
  const known = await knownOf(text);
  assert.deepEqual(outboundTcpRoutes(service(known), 5433, known).map(subsets), [["v2"]]);
  const none = await knownOf(text.replace("port: 5433}]", "port: 1}]"));
  assert.deepEqual(outboundTcpRoutes(service(none), 5433, none).map(subsets), [["all"]]);
});

test("subnets on a Gateway are told to have no effect", async () => {
  const known = await knownOf(mesh(`tcp:\n- {match: [{destinationSubnets: [10.0.0.0/8]}], ${to("v1")}}`));
  assert.deepEqual(subsets(gatewayTcpRoute(server(known), known)), ["v1"]);
  assert.match(known.report.diagnostics[0]?.message ?? "", /no effect, as in Istio/);
});
