// What Envoy gets for Istio's resources, read back from the encoded messages.

import assert from "node:assert/strict";
import { before, test } from "node:test";
import { type DescMessage, fromBinary, type MessageShape } from "@bufbuild/protobuf";
import {
  Cluster_DiscoveryType,
  Cluster_LbPolicy,
  ClusterSchema,
} from "../../build/envoy-api/envoy/config/cluster/v3/cluster_pb.ts";
import type { SocketAddress } from "../../build/envoy-api/envoy/config/core/v3/address_pb.ts";
import { ClusterLoadAssignmentSchema } from "../../build/envoy-api/envoy/config/endpoint/v3/endpoint_pb.ts";
import { ListenerSchema } from "../../build/envoy-api/envoy/config/listener/v3/listener_pb.ts";
import { RouteConfigurationSchema } from "../../build/envoy-api/envoy/config/route/v3/route_pb.ts";
import { resourcesOf } from "../fixture.ts";
import { type NodeIdentity, type Snapshot, type TypeUrl, typeUrls } from "../model.ts";
import { build } from "../snapshot.ts";

const yaml = `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: shop, namespace: a}
spec:
  hosts: [shop.a.svc.cluster.local]
  resolution: STATIC
  ports: [{number: 80, name: http, targetPort: 9080}, {number: 90, name: grpc, protocol: GRPC}]
  endpoints:
  - {address: 127.0.0.1, ports: {http: 9001}, labels: {version: v1}, weight: 3}
  - {address: 127.0.0.2, labels: {version: v2}}
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: outside, namespace: b}
spec: {hosts: [api.example.org], resolution: DNS, ports: [{number: 80, name: http}], exportTo: [b]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: shop, namespace: a}
spec:
  host: shop
  trafficPolicy:
    loadBalancer: {simple: ROUND_ROBIN}
    connectionPool: {http: {http2MaxRequests: 6}}
  subsets:
  - {name: v1, labels: {version: v1}}
  - name: v2
    labels: {version: v2}
    trafficPolicy: {loadBalancer: {simple: RANDOM}, connectionPool: {tcp: {maxConnections: 100}}}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge, namespace: a}
spec:
  selector: {app: edge}
  servers: [{port: {number: 8080, name: http, protocol: HTTP}, hosts: ["*.example.com", "b/*"]}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop, namespace: a}
spec:
  hosts: [shop, "*.com", www.other.net]
  gateways: [mesh, edge]
  http:
  - name: split
    match:
    - {name: one, uri: {prefix: /a}, withoutHeaders: {x: {exact: "1"}, y: {}}, ignoreUriCase: true}
    - {headers: {uid: {exact: "0"}}}
    route:
    - {destination: {host: shop, subset: v1, port: {number: 80}}, weight: 50}
    - {destination: {host: shop, subset: v2, port: {number: 80}}, weight: 50}
    timeout: 60s
    retries: {attempts: 3, perTryTimeout: 2s, retryOn: "503,reset"}
  - route: [{destination: {host: shop, port: {number: 80}}}]
`;

const gateway: NodeIdentity = {
  id: "",
  cluster: "",
  role: "gateway",
  namespace: "",
  labels: {},
  envoyVersion: "1.40.0",
};

let snapshotFor: (node: Partial<NodeIdentity>) => Snapshot;

before(async () => {
  const options = { listen: { host: "127.0.0.1", port: 10_000 }, modules: {}, delivery: "inline" } as const;
  const built = build(await resourcesOf(yaml), options);
  assert.deepEqual(built.diagnostics, []);
  snapshotFor = (node) => built.snapshotFor({ ...gateway, ...node });
});

function read<Desc extends DescMessage>(
  type: TypeUrl,
  schema: Desc,
  name: string,
  node: Partial<NodeIdentity> = {},
): MessageShape<Desc> {
  const resource = snapshotFor(node).resources.get(type)?.get(name);
  assert.ok(resource, `no ${name}`);
  return fromBinary(schema, resource.value);
}

const cluster = (subset: string) =>
  read(typeUrls.cluster, ClusterSchema, `outbound|80|${subset}|shop.a.svc.cluster.local`);

const virtualHost = (config: string, name: string) => {
  const found = read(typeUrls.routes, RouteConfigurationSchema, config).virtualHosts.find(
    (v) => v.name === name,
  );
  assert.ok(found, `no ${name}`);
  return found;
};

test("clusters: the host's settings, and a subset's in their place one by one", () => {
  assert.equal(cluster("").lbPolicy, Cluster_LbPolicy.ROUND_ROBIN);
  assert.equal(cluster("v1").lbPolicy, Cluster_LbPolicy.ROUND_ROBIN);
  assert.equal(cluster("v2").lbPolicy, Cluster_LbPolicy.RANDOM);
  const limits = (subset: string) => cluster(subset).circuitBreakers?.thresholds[0];
  assert.equal(limits("v1")?.maxRequests, 6);
  assert.equal(limits("v2")?.maxConnections, 100);
  assert.equal(limits("v2")?.maxRequests, 0xffff_ffff);
  assert.equal(cluster("v1").connectTimeout?.seconds, 10n);
});

test("clusters: EDS for addresses, DNS for names, HTTP/2 by the port's protocol", () => {
  assert.equal(cluster("v1").clusterDiscoveryType.value, Cluster_DiscoveryType.EDS);
  assert.deepEqual(cluster("v1").typedExtensionProtocolOptions, {});
  const outside = read(typeUrls.cluster, ClusterSchema, "outbound|80||api.example.org");
  assert.equal(outside.clusterDiscoveryType.value, Cluster_DiscoveryType.STRICT_DNS);
  assert.equal(outside.lbPolicy, Cluster_LbPolicy.LEAST_REQUEST);
  assert.equal(outside.loadAssignment?.endpoints[0]?.lbEndpoints.length, 1);
  const grpc = read(typeUrls.cluster, ClusterSchema, "outbound|90||shop.a.svc.cluster.local");
  assert.deepEqual(Object.keys(grpc.typedExtensionProtocolOptions), [
    "envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
  ]);
});

test("endpoints: by labels, with their ports and weights", () => {
  const endpoints = (subset: string, port = 80) => {
    const name = `outbound|${port}|${subset}|shop.a.svc.cluster.local`;
    const message = read(typeUrls.endpoints, ClusterLoadAssignmentSchema, name);
    return message.endpoints.flatMap(({ lbEndpoints }) =>
      lbEndpoints.map(({ hostIdentifier, loadBalancingWeight }) => {
        const address =
          hostIdentifier.case === "endpoint" ? hostIdentifier.value.address?.address : undefined;
        assert.equal(address?.case, "socketAddress");
        const { address: ip, portSpecifier } = address.value as SocketAddress;
        return `${ip}:${portSpecifier.value} ${loadBalancingWeight}`;
      }),
    );
  };
  assert.deepEqual(endpoints(""), ["127.0.0.1:9001 3", "127.0.0.2:9080 1"]);
  assert.deepEqual(endpoints("v2"), ["127.0.0.2:9080 1"]);
  assert.deepEqual(endpoints("v1", 90), ["127.0.0.1:90 3"]);
});

test("routes: one for each condition, in order, by name", () => {
  const { routes } = virtualHost("mesh", "shop.a.svc.cluster.local:80");
  assert.deepEqual(
    routes.map((r) => r.name.replace(/~\w+$/, "~")),
    ["split.one", "split", "a.shop~"],
  );
  const [one, two, rest] = routes;
  assert.deepEqual(one?.match?.pathSpecifier, { case: "prefix", value: "/a" });
  assert.equal(one?.match?.caseSensitive, false);
  assert.deepEqual(
    one?.match?.headers.map((h) => [
      h.name,
      h.invertMatch,
      h.treatMissingHeaderAsEmpty,
      h.headerMatchSpecifier.case,
    ]),
    [
      ["x", true, true, "stringMatch"],
      ["y", true, false, "presentMatch"],
    ],
  );
  assert.equal(two?.match?.caseSensitive, true);
  assert.deepEqual(rest?.match?.pathSpecifier, { case: "prefix", value: "/" });
});

test("routes: weights, timeouts and retries, with Istio's defaults", () => {
  const { routes } = virtualHost("mesh", "shop.a.svc.cluster.local:80");
  const [split, , rest] = routes.map(({ action }) => (action.case === "route" ? action.value : undefined));
  assert.equal(split?.clusterSpecifier.case, "weightedClusters");
  const weighted =
    split?.clusterSpecifier.case === "weightedClusters" ? split.clusterSpecifier.value : undefined;
  assert.deepEqual(
    weighted?.clusters.map((c) => [c.name.split("|")[2], c.weight]),
    [
      ["v1", 50],
      ["v2", 50],
    ],
  );
  assert.equal(split?.timeout?.seconds, 60n);
  assert.equal(split?.retryPolicy?.numRetries, 3);
  assert.equal(split?.retryPolicy?.perTryTimeout?.seconds, 2n);
  assert.equal(split?.retryPolicy?.retryOn, "reset,retriable-status-codes");
  assert.deepEqual(split?.retryPolicy?.retriableStatusCodes, [503]);
  assert.equal(rest?.timeout?.seconds, 0n);
  assert.equal(rest?.retryPolicy?.numRetries, 2);
  assert.equal(
    rest?.retryPolicy?.retryOn,
    "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes",
  );
});

test("virtual hosts of the mesh: every name of a service, and hosts that no service has", () => {
  const { virtualHosts } = read(typeUrls.routes, RouteConfigurationSchema, "mesh");
  const domains = Object.fromEntries(virtualHosts.map((v) => [v.name, v.domains]));
  const names = ["shop.a.svc.cluster.local", "shop.a.svc", "shop.a", "shop"];
  assert.deepEqual(domains, {
    "*.com:80": ["*.com", "*.com:80", "*.com:10000"],
    "api.example.org:80": ["api.example.org", "api.example.org:80", "api.example.org:*"],
    "shop.a.svc.cluster.local:80": [...names, ...names.map((n) => `${n}:80`), ...names.map((n) => `${n}:*`)],
    "shop.a.svc.cluster.local:90": names.map((n) => `${n}:90`),
    "www.other.net:80": ["www.other.net", "www.other.net:80", "www.other.net:*"],
  });
});

test("a service without a VirtualService gets a route named default", () => {
  const { routes } = virtualHost("mesh", "api.example.org:80");
  assert.deepEqual(
    routes.map((r) => [
      r.name,
      r.action.case === "route" ? r.action.value.clusterSpecifier.value : undefined,
    ]),
    [["default", "outbound|80||api.example.org"]],
  );
});

test("a Gateway serves the narrower of both hosts, and only namespaces that it names", () => {
  const table = read(typeUrls.routes, RouteConfigurationSchema, "http.8080");
  assert.deepEqual(
    table.virtualHosts.map((v) => [v.name, v.domains]),
    [["*.example.com:8080", ["*.example.com"]]],
  );
  assert.equal(table.ignorePortInHostMatching, true);
  const listener = read(typeUrls.listener, ListenerSchema, "127.0.0.1_8080");
  assert.equal(listener.perConnectionBufferLimitBytes, 32_768);
});

test("a proxy sees what its namespace and labels allow", () => {
  const names = (node: Partial<NodeIdentity>, type: TypeUrl) => [
    ...(snapshotFor(node).resources.get(type)?.keys() ?? []),
  ];
  const outside = "outbound|80||api.example.org";
  assert.ok(names({}, typeUrls.cluster).includes(outside));
  assert.ok(names({ namespace: "b" }, typeUrls.cluster).includes(outside));
  assert.ok(!names({ namespace: "a" }, typeUrls.cluster).includes(outside));
  assert.deepEqual(names({ labels: { app: "edge" } }, typeUrls.listener), ["mesh", "127.0.0.1_8080"]);
  assert.deepEqual(names({ labels: { app: "other" } }, typeUrls.listener), ["mesh"]);
  assert.equal(
    snapshotFor({ labels: { app: "edge", pod: "1" } }),
    snapshotFor({ labels: { app: "edge", pod: "2" } }),
  );
});

test("a generated name stays when routes come before it", async () => {
  const options = { listen: { host: "127.0.0.1", port: 0 }, modules: {}, delivery: "inline" } as const;
  const names = async (extra: string) => {
    const text = yaml.replace("  http:\n", `  http:\n${extra}`);
    const { mesh } = build(await resourcesOf(text), options);
    const routes = mesh.listeners[0]?.virtualHosts.find((v) => v.host.startsWith("shop"))?.routes ?? [];
    return routes.map((r) => r.name);
  };
  const before = await names("");
  const after = await names("  - {match: [{uri: {exact: /n}}], directResponse: {status: 204}}\n");
  assert.equal(after.length, before.length + 1);
  assert.equal(after.at(-1), before.at(-1));
});
