// What Envoy's clusters become by each setting of a DestinationRule, ServiceEntry and HealthCheckPolicy.

import assert from "node:assert/strict";
import { test } from "node:test";
import { createRegistry, fromBinary, type JsonObject, type JsonValue, toJson } from "@bufbuild/protobuf";
import { ClusterSchema } from "../../build/envoy-api/envoy/config/cluster/v3/cluster_pb.ts";
import { ClusterLoadAssignmentSchema } from "../../build/envoy-api/envoy/config/endpoint/v3/endpoint_pb.ts";
import { RouteAction_HashPolicySchema } from "../../build/envoy-api/envoy/config/route/v3/route_components_pb.ts";
import { ClusterConfigSchema } from "../../build/envoy-api/envoy/extensions/clusters/dynamic_forward_proxy/v3/cluster_pb.ts";
import { ProxyProtocolUpstreamTransportSchema } from "../../build/envoy-api/envoy/extensions/transport_sockets/proxy_protocol/v3/upstream_proxy_protocol_pb.ts";
import { RawBufferSchema } from "../../build/envoy-api/envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer_pb.ts";
import { UpstreamTlsContextSchema } from "../../build/envoy-api/envoy/extensions/transport_sockets/tls/v3/tls_pb.ts";
import { HttpProtocolOptionsSchema } from "../../build/envoy-api/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.ts";
import { encodeMessage } from "../protobuf/encode.ts";
import { brief, resourcesOf } from "../fixture.ts";
import { listenerMessage } from "./listeners.ts";
import { compileMesh } from "./mesh.ts";

const registry = createRegistry(
  ClusterConfigSchema,
  HttpProtocolOptionsSchema,
  ProxyProtocolUpstreamTransportSchema,
  RawBufferSchema,
  UpstreamTlsContextSchema,
);

const service = `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: shop, namespace: a}
spec:
  hosts: [shop.a.svc.cluster.local]
  resolution: STATIC
  subjectAltNames: [shop.internal]
  ports: [{number: 80, name: http}, {number: 90, name: grpc, protocol: GRPC}, {number: 70, name: tcp, protocol: TCP}]
  endpoints:
  - {address: 127.0.0.1, ports: {http: 9001}, labels: {version: v1}, weight: 3, locality: eu/de}
  - {address: unix:///run/shop.sock, labels: {version: v2}}
`;

const rule = (policy: string, subset = "{}") => `${service}---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: shop, namespace: a}
spec:
  host: shop
  trafficPolicy: ${policy}
  subsets: [{name: v1, labels: {version: v1}, trafficPolicy: ${subset}}]
`;

async function clustersOf(yaml: string, view: { labels?: Record<string, string>; namespace?: string } = {}) {
  const listen = { host: "127.0.0.1", port: 0 };
  const seen = { namespace: view.namespace, labels: view.labels };
  const { mesh, diagnostics } = compileMesh(await resourcesOf(yaml), listen, seen);
  assert.deepEqual(diagnostics.filter((d) => d.severity === "error").map(brief), []);
  return {
    cluster(name: string): JsonObject {
      const found = mesh.clusters.get(name);
      assert.ok(found, name);
      const bytes = encodeMessage(ClusterSchema, found.message);
      return toJson(ClusterSchema, fromBinary(ClusterSchema, bytes), { registry }) as JsonObject;
    },
    endpoints(name: string): JsonValue {
      const found = mesh.clusters.get(name)?.endpoints;
      return found === undefined ? null : toJson(ClusterLoadAssignmentSchema, found);
    },
    hash(name: string): JsonValue {
      const found = mesh.clusters.get(name)?.hash;
      return found === undefined ? null : toJson(RouteAction_HashPolicySchema, found);
    },
    secrets: (name: string) => mesh.clusters.get(name)?.secrets ?? [],
    diagnostics: diagnostics.map(brief),
  };
}

const host = "shop.a.svc.cluster.local";
const http = `outbound|80||${host}`;
const options = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

type Row = [name: string, policy: string, fields: JsonObject];

const unlimited = {
  maxConnections: 4294967295,
  maxPendingRequests: 4294967295,
  maxRequests: 4294967295,
  maxRetries: 4294967295,
  trackRemaining: true,
};

const rows: Row[] = [
  [
    "nothing is LEAST_REQUEST",
    "{}",
    { lbPolicy: "LEAST_REQUEST", circuitBreakers: { thresholds: [unlimited] } },
  ],
  ["RANDOM", "{loadBalancer: {simple: RANDOM}}", { lbPolicy: "RANDOM" }],
  [
    "a slow start",
    "{loadBalancer: {simple: ROUND_ROBIN, warmup: {duration: 30s, aggression: 2, minimumPercent: 20}}}",
    {
      roundRobinLbConfig: {
        slowStartConfig: {
          slowStartWindow: "30s",
          aggression: { defaultValue: 2, runtimeKey: "sluice.warmup.aggression" },
          minWeightPercent: { value: 20 },
        },
      },
    },
  ],
  [
    "its old form",
    "{loadBalancer: {warmupDurationSecs: 10s}}",
    { leastRequestLbConfig: { slowStartConfig: { slowStartWindow: "10s" } } },
  ],
  [
    "a ring",
    "{loadBalancer: {consistentHash: {httpHeaderName: uid}}}",
    { lbPolicy: "RING_HASH", ringHashLbConfig: { minimumRingSize: "1024" } },
  ],
  [
    "a larger ring",
    "{loadBalancer: {consistentHash: {useSourceIp: true, ringHash: {minimumRingSize: 4096}}}}",
    { lbPolicy: "RING_HASH", ringHashLbConfig: { minimumRingSize: "4096" } },
  ],
  [
    "Maglev",
    "{loadBalancer: {consistentHash: {httpQueryParameterName: q, maglev: {tableSize: 1009}}}}",
    { lbPolicy: "MAGLEV", maglevLbConfig: { tableSize: "1009" } },
  ],
  [
    "PASSTHROUGH",
    "{loadBalancer: {simple: PASSTHROUGH}}",
    { type: "ORIGINAL_DST", lbPolicy: "CLUSTER_PROVIDED" },
  ],
  [
    "limits",
    "{connectionPool: {tcp: {maxConnections: 1, connectTimeout: 2s}, http: {http1MaxPendingRequests: 2, http2MaxRequests: 3, maxRetries: 4}}}",
    {
      connectTimeout: "2s",
      circuitBreakers: {
        thresholds: [
          { maxConnections: 1, maxPendingRequests: 2, maxRequests: 3, maxRetries: 4, trackRemaining: true },
        ],
      },
    },
  ],
  [
    "a budget of retries",
    "{retryBudget: {percent: 12.5, budgetInterval: 5s}}",
    {
      circuitBreakers: {
        thresholds: [
          {
            ...unlimited,
            retryBudget: { budgetPercent: { value: 12.5 }, minRetryConcurrency: 3, budgetInterval: "5s" },
          },
        ],
      },
    },
  ],
  [
    "lives of connections",
    "{connectionPool: {tcp: {maxConnectionDuration: 1m, idleTimeout: 9s, tcpKeepalive: {probes: 3, time: 7200s, interval: 75s}}, http: {maxRequestsPerConnection: 5}}}",
    {
      upstreamConnectionOptions: {
        tcpKeepalive: { keepaliveProbes: 3, keepaliveTime: 7200, keepaliveInterval: 75 },
      },
      typedExtensionProtocolOptions: {
        [options]: {
          "@type": `type.googleapis.com/${options}`,
          commonHttpProtocolOptions: {
            idleTimeout: "9s",
            maxRequestsPerConnection: 5,
            maxConnectionDuration: "60s",
          },
          explicitHttpConfig: { httpProtocolOptions: {} },
        },
      },
    },
  ],
  [
    "HTTP/2 by upgrade",
    "{connectionPool: {http: {h2UpgradePolicy: UPGRADE, maxConcurrentStreams: 7, http2KeepAlive: {interval: 10s, timeout: 2s}}}}",
    {
      typedExtensionProtocolOptions: {
        [options]: {
          "@type": `type.googleapis.com/${options}`,
          explicitHttpConfig: {
            http2ProtocolOptions: {
              maxConcurrentStreams: 7,
              connectionKeepalive: { interval: "10s", timeout: "2s" },
            },
          },
        },
      },
    },
  ],
  [
    "the client's protocol",
    "{connectionPool: {http: {useClientProtocol: true}}}",
    {
      typedExtensionProtocolOptions: {
        [options]: {
          "@type": `type.googleapis.com/${options}`,
          useDownstreamProtocolConfig: { httpProtocolOptions: {}, http2ProtocolOptions: {} },
        },
      },
    },
  ],
  [
    "outlier detection, whose panic is off",
    "{outlierDetection: {consecutive5xxErrors: 0, consecutiveGatewayErrors: 7, interval: 3s, baseEjectionTime: 1m, maxEjectionPercent: 40}}",
    {
      outlierDetection: {
        consecutive5xx: 0,
        enforcingConsecutive5xx: 0,
        consecutiveGatewayFailure: 7,
        enforcingConsecutiveGatewayFailure: 100,
        interval: "3s",
        baseEjectionTime: "60s",
        maxEjectionPercent: 40,
        enforcingSuccessRate: 0,
      },
      commonLbConfig: { healthyPanicThreshold: {} },
    },
  ],
  [
    "outlier detection of the proxy's own failures, with panic",
    "{outlierDetection: {splitExternalLocalOriginErrors: true, consecutiveLocalOriginFailures: 2, minHealthPercent: 30}}",
    {
      outlierDetection: {
        enforcingSuccessRate: 0,
        splitExternalLocalOriginErrors: true,
        consecutiveLocalOriginFailure: 2,
        enforcingConsecutiveLocalOriginFailure: 100,
        enforcingLocalOriginSuccessRate: 0,
      },
      commonLbConfig: { healthyPanicThreshold: { value: 30 } },
    },
  ],
];

/** The fields of `expected`, as they are in `message`. */
const partOf = (message: JsonObject, expected: JsonObject): JsonObject =>
  Object.fromEntries(Object.keys(expected).map((key) => [key, message[key] ?? null]));

for (const [name, policy, expected] of rows) {
  test(name, async () => {
    const message = (await clustersOf(rule(policy))).cluster(http);
    assert.deepEqual(partOf(message, expected), expected);
  });
}

test("other answers count as errors where they are written", async () => {
  const { cluster } = await clustersOf(
    rule("{outlierDetection: {outlierDetectionHttpErrorCodes: [429, 503]}}"),
  );
  const text = JSON.stringify(cluster(http).typedExtensionProtocolOptions);
  assert.match(text, /"orMatch":.*":status".*"429".*":status".*"503"/);
});

test("what is hashed", async () => {
  const hashed = async (hash: string) =>
    (await clustersOf(rule(`{loadBalancer: {consistentHash: {${hash}}}}`))).hash(http);
  assert.deepEqual(await hashed("httpHeaderName: uid"), { header: { headerName: "uid" } });
  assert.deepEqual(await hashed("useSourceIp: true"), { connectionProperties: { sourceIp: true } });
  assert.deepEqual(await hashed("httpQueryParameterName: q"), { queryParameter: { name: "q" } });
  assert.deepEqual(await hashed("httpCookie: {name: u}"), { cookie: { name: "u" } });
  assert.deepEqual(
    await hashed("httpCookie: {name: u, path: /, ttl: 0s, attributes: [{name: SameSite, value: Lax}]}"),
    { cookie: { name: "u", path: "/", ttl: "0s", attributes: [{ name: "SameSite", value: "Lax" }] } },
  );
});

test("a subset's settings stand in place of the host's one by one, a port's of all", async () => {
  const { cluster } = await clustersOf(
    rule(
      `{loadBalancer: {simple: RANDOM}, connectionPool: {tcp: {maxConnections: 1}}, retryBudget: {}, portLevelSettings: [{port: {number: 90}, connectionPool: {tcp: {maxConnections: 9}}}]}`,
      "{connectionPool: {tcp: {maxConnections: 2}}, portLevelSettings: [{port: {number: 70}, loadBalancer: {simple: ROUND_ROBIN}}]}",
    ),
  );
  const summary = (name: string) => {
    const message = cluster(name);
    const [limits] = (message.circuitBreakers as { thresholds: JsonObject[] }).thresholds;
    return [message.lbPolicy ?? "ROUND_ROBIN", limits?.maxConnections, limits?.retryBudget !== undefined];
  };
  assert.deepEqual(summary(http), ["RANDOM", 1, true]);
  assert.deepEqual(summary(`outbound|90||${host}`), ["LEAST_REQUEST", 9, false], "nothing is taken over");
  assert.deepEqual(summary(`outbound|80|v1|${host}`), ["RANDOM", 2, true]);
  assert.deepEqual(summary(`outbound|90|v1|${host}`), ["LEAST_REQUEST", 2, false]);
  assert.deepEqual(summary(`outbound|70|v1|${host}`), ["ROUND_ROBIN", 4294967295, true]);
});

test("endpoints by locality, with weights, of sockets too", async () => {
  const { endpoints, cluster } = await clustersOf(service);
  const socketAddress = { address: "127.0.0.1", portValue: 9001 };
  assert.deepEqual(endpoints(http), {
    clusterName: http,
    endpoints: [
      {
        locality: {},
        lbEndpoints: [
          { endpoint: { address: { pipe: { path: "/run/shop.sock" } } }, loadBalancingWeight: 1 },
        ],
        loadBalancingWeight: 1,
      },
      {
        locality: { region: "eu", zone: "de" },
        lbEndpoints: [{ endpoint: { address: { socketAddress } }, loadBalancingWeight: 3 }],
        loadBalancingWeight: 3,
      },
    ],
  });
  assert.equal(cluster(http).type, "EDS");
  assert.match(JSON.stringify(cluster(`outbound|90||${host}`)), /explicitHttpConfig.*http2ProtocolOptions/);
});

const external = (spec: string) => `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: out, namespace: a}
spec: {ports: [{number: 80, name: http, targetPort: 8080}], ${spec}}
`;

test("how names are looked up", async () => {
  const of = async (spec: string, name = "outbound|80||api.test") =>
    (await clustersOf(external(spec))).cluster(name);
  for (const resolution of ["DNS", "NONE", "DYNAMIC_DNS"]) {
    const message = await of(`hosts: [api.test], resolution: ${resolution}`);
    assert.equal(message.type, "STRICT_DNS");
    assert.match(JSON.stringify(message.loadAssignment), /"address":"api.test","portValue":8080/);
  }
  assert.equal((await of("hosts: [api.test], resolution: DNS_ROUND_ROBIN")).type, "LOGICAL_DNS");
  const pattern = await of('hosts: ["*.api.test"], resolution: NONE', "outbound|80||*.api.test");
  assert.equal(pattern.lbPolicy, "CLUSTER_PROVIDED");
  assert.match(
    JSON.stringify(pattern.clusterType),
    /dynamic_forward_proxy.*"allowInsecureClusterOptions":true/,
  );
});

test("TLS: names, authorities and certificates over SDS", async () => {
  const mutual = await clustersOf(
    rule(
      "{tls: {mode: MUTUAL, clientCertificate: /c.pem, privateKey: /k.pem, caCertificates: /ca.pem, sni: x.test}}",
    ),
  );
  const socket = JSON.stringify(mutual.cluster(http).transportSocket);
  assert.match(socket, /"sni":"x.test"/);
  assert.match(socket, /"exact":"shop.internal"/, "the ServiceEntry's names count");
  assert.deepEqual(
    mutual.secrets(http).map((s) => s.kind),
    ["certificate", "ca"],
  );
  for (const { name } of mutual.secrets(http)) assert.ok(socket.includes(name));

  const simple = await clustersOf(
    rule("{tls: {mode: SIMPLE}, connectionPool: {http: {h2UpgradePolicy: UPGRADE}}}"),
  );
  const message = simple.cluster(http);
  assert.match(JSON.stringify(message.transportSocket), /"alpnProtocols":\["h2"\]/);
  assert.match(
    JSON.stringify(message.typedExtensionProtocolOptions),
    /"autoSni":true,"autoSanValidation":true/,
  );
  assert.doesNotMatch(
    JSON.stringify(simple.cluster(`outbound|70||${host}`)),
    /autoSni/,
    "no requests, no names",
  );

  const trusting = await clustersOf(rule("{tls: {mode: SIMPLE, insecureSkipVerify: true}}"));
  assert.deepEqual(trusting.secrets(http), []);
  assert.doesNotMatch(JSON.stringify(trusting.cluster(http)), /autoSanValidation|validationContext/);
  assert.equal((await clustersOf(rule("{tls: {mode: DISABLE}}"))).cluster(http).transportSocket, undefined);
});

test("the PROXY protocol goes around TLS", async () => {
  const { cluster } = await clustersOf(rule("{tls: {mode: SIMPLE}, proxyProtocol: {version: V2}}"));
  assert.match(
    JSON.stringify(cluster(http).transportSocket),
    /upstream_proxy_protocol.*"version":"V2".*envoy.transport_sockets.tls/,
  );
});

const check = (spec: string) => `${rule("{outlierDetection: {}}")}---
apiVersion: sluice.traffic/v1alpha1
kind: HealthCheckPolicy
metadata: {name: shop, namespace: a}
spec: {host: shop, ${spec}}
`;

test("health checks, for a port and for subsets", async () => {
  const { cluster } = await clustersOf(
    check(
      'http: {path: /up, expectedStatuses: ["204", "200-201"], headers: {x: y}}, port: 80, panicThreshold: 40, interval: 2s',
    ),
  );
  assert.deepEqual(
    partOf(cluster(http), { healthChecks: [], commonLbConfig: {}, ignoreHealthOnHostRemoval: true }),
    {
      healthChecks: [
        {
          timeout: "1s",
          interval: "2s",
          noTrafficInterval: "2s",
          unhealthyThreshold: 3,
          healthyThreshold: 2,
          httpHealthCheck: {
            host,
            path: "/up",
            method: "GET",
            requestHeadersToAdd: [{ header: { key: "x", value: "y" } }],
            expectedStatuses: [
              { start: "204", end: "205" },
              { start: "200", end: "202" },
            ],
            retriableStatuses: [{ start: "100", end: "600" }],
          },
        },
      ],
      commonLbConfig: { healthyPanicThreshold: { value: 40 } },
      ignoreHealthOnHostRemoval: true,
    },
  );
  assert.equal(cluster(`outbound|90||${host}`).healthChecks, undefined);
  const subset = await clustersOf(check("grpc: {service: s}, subsets: [v1], checkPort: 9"));
  assert.equal(subset.cluster(http).healthChecks, undefined);
  const text = JSON.stringify(subset.cluster(`outbound|90|v1|${host}`).healthChecks);
  assert.match(text, /"altPort":9,.*"grpcHealthCheck":\{"serviceName":"s","authority":"shop.a.svc/);
});

test("what a health check may not name is told", async () => {
  const listen = { host: "127.0.0.1", port: 0 };
  const told = async (yaml: string) =>
    compileMesh(await resourcesOf(yaml), listen, { namespace: undefined, labels: undefined }).diagnostics.map(
      (d) => d.message,
    );
  assert.deepEqual(await told(check("tcp: {}, port: 8080, subsets: [v2]")), [
    `"${host}" has no port 8080. Its ports: 80, 90, 70.`,
    `No DestinationRule defines the subset "v2" of "${host}". Known: v1.`,
  ]);
  assert.match((await told(check("tcp: {}").replace("host: shop, tcp", "host: shot, tcp"))).join(), /shot/);
  const twice = `${check("tcp: {}")}---\n${check("tcp: {}, port: 80").split("---\n").at(-1)?.replace("name: shop", "name: two")}`;
  assert.match((await told(twice)).join(), /HealthCheckPolicy a\/shop .* checks the same endpoints/);
});

test("a rule for some proxies stands before one for all, for those alone", async () => {
  const two = `${rule("{loadBalancer: {simple: RANDOM}}")}---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: edge, namespace: a}
spec: {host: shop, workloadSelector: {matchLabels: {app: edge}}, trafficPolicy: {loadBalancer: {simple: ROUND_ROBIN}}}
`;
  const policyOf = async (labels: Record<string, string>, namespace = "a") =>
    (await clustersOf(two, { labels, namespace })).cluster(http).lbPolicy ?? "ROUND_ROBIN";
  assert.equal(await policyOf({ app: "edge", other: "x" }), "ROUND_ROBIN");
  assert.equal(await policyOf({ app: "other" }), "RANDOM");
  assert.equal(await policyOf({ app: "edge" }, "b"), "RANDOM");
});

test("instances that are selected, with the resource's labels and its spec's", async () => {
  const workload = (name: string, spec: string, labels = "{}") => `---
apiVersion: networking.istio.io/v1
kind: WorkloadEntry
metadata: {name: ${name}, namespace: a, labels: ${labels}}
spec: ${spec}
`;
  const yaml = `${external("hosts: [api.test], resolution: STATIC, workloadSelector: {labels: {app: api}}")}
${workload("b", "{address: 10.0.0.2, labels: {app: api}}")}
${workload("a", "{address: 10.0.0.1, ports: {http: 1}}", "{app: api}")}
${workload("c", "{address: 10.0.0.3, labels: {app: else}}", "{app: api}")}`;
  const { endpoints, diagnostics } = await clustersOf(yaml);
  const found = [
    ...JSON.stringify(endpoints("outbound|80||api.test")).matchAll(/"address":"([^"]*)","portValue":(\d+)/g),
  ];
  assert.deepEqual(
    found.map(([, address, port]) => `${address}:${port}`),
    ["10.0.0.1:1", "10.0.0.2:8080"],
  );
  assert.deepEqual(diagnostics, []);
  const none = await clustersOf(
    external("hosts: [api.test], resolution: STATIC, workloadSelector: {labels: {app: api}}"),
  );
  assert.match(none.diagnostics.join(), /No WorkloadEntry of the namespace "a" has the labels \{app: api\}/);
});

test("failover that nothing sets off is told where it is written", async () => {
  const failover = "loadBalancer: {localityLbSetting: {failover: [{from: a, to: b}]}}";
  const told = (
    await clustersOf(rule(`{portLevelSettings: [{port: {number: 90}, ${failover}}]}`, `{${failover}}`))
  ).diagnostics;
  const at = (path: string) => new RegExp(`warning spec\\.${path}\\.loadBalancer.*failover: has no effect`);
  assert.match(told.join("\n"), at("subsets\\[0\\]\\.trafficPolicy"));
  assert.match(told.join("\n"), at("trafficPolicy\\.portLevelSettings\\[0\\]"));
  assert.equal(told.length, 2);
  assert.deepEqual((await clustersOf(rule(`{${failover}, outlierDetection: {}}`))).diagnostics, []);
});

test("PASSTHROUGH: the listener restores addresses, and a connection straight to it has none to go to", async () => {
  const yaml = rule("{loadBalancer: {simple: PASSTHROUGH}}");
  const listenersOf = async (text: string) => {
    const listen = { host: "127.0.0.1", port: 10_000 };
    const { mesh } = compileMesh(await resourcesOf(text), listen, {
      namespace: undefined,
      labels: undefined,
    });
    const [first] = mesh.listeners;
    assert.ok(first);
    return listenerMessage([first], []);
  };
  const { listenerFilters, filterChains } = await listenersOf(yaml);
  assert.deepEqual(
    listenerFilters.map((f) => f.name),
    ["envoy.filters.listener.original_dst"],
  );
  assert.deepEqual(
    filterChains.map((c) => [
      c.filterChainMatch?.destinationPort,
      c.filters.map((f) => f.name.split(".").at(-1)),
    ]),
    [
      [10_000, ["set_filter_state", "http_connection_manager"]],
      [undefined, ["http_connection_manager"]],
    ],
  );
  assert.deepEqual((await listenersOf(service)).listenerFilters, []);
});
