// Attachment: which policies a route has, in which order, what the filter is told, and what is reported.

import assert from "node:assert/strict";
import { test } from "node:test";
import { fromBinary } from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { TypedExtensionConfigSchema } from "../../build/envoy-api/envoy/config/core/v3/extension_pb.ts";
import { WasmSchema } from "../../build/envoy-api/envoy/extensions/filters/http/wasm/v3/wasm_pb.ts";
import { FailurePolicy } from "../../build/envoy-api/envoy/extensions/wasm/v3/wasm_pb.ts";
import { brief, resourcesOf } from "../fixture.ts";
import { type Built, build, type SnapshotOptions } from "../snapshot.ts";
import { typeUrls } from "../model.ts";
import { type FilterModule, readModule } from "./modules.ts";

const mesh = `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: shop, namespace: a}
spec:
  hosts: [shop.a.svc.cluster.local]
  resolution: STATIC
  ports: [{number: 80, name: http}]
  endpoints: [{address: 127.0.0.1, labels: {version: v1}}, {address: 127.0.0.2, labels: {version: v2}}]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: other, namespace: a}
spec:
  hosts: [other.a.svc.cluster.local]
  resolution: DNS
  ports: [{number: 80, name: http}, {number: 81, name: more}]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: shop, namespace: a}
spec:
  host: shop
  subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}]
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge, namespace: a}
spec:
  servers: [{name: web, port: {number: 8080, name: http, protocol: HTTP}, hosts: ["shop.example.com"]}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop, namespace: a}
spec:
  hosts: [shop, shop.example.com]
  gateways: [mesh, edge]
  http:
  - name: first
    match: [{uri: {prefix: /a}}]
    route: [{destination: {host: shop, subset: v1}}]
  - name: moved
    match: [{uri: {prefix: /m}}]
    redirect: {uri: /}
  - route: [{destination: {host: shop}}]
`;

const ref = (kind: string, name: string, more = ""): string =>
  `{group: networking.istio.io, kind: ${kind}, name: ${name}${more}}`;

const policy = (name: string, refs: string[], spec = "", namespace = "a"): string => `---
apiVersion: sluice.traffic/v1alpha1
kind: HeaderRoutingPolicy
metadata: {name: ${name}, namespace: ${namespace}}
spec:
  targetRefs: [${refs.join(", ")}]
${spec === "" ? "  rules: [{name: r, headers: {request: {set: {x: y}}}}]" : spec.replace(/^/gm, "  ")}
`;

const route = (kind: string, name: string, more = ""): string =>
  `{group: gateway.networking.k8s.io, kind: ${kind}, name: ${name}${more}}`;

/** Leave for a kind of policy of a namespace to refer to VirtualServices of `a`. */
const grant = (kind: string, namespace: string, more = ""): string => `---
apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata: {name: ${kind.toLowerCase()}-${namespace}, namespace: a}
spec:
  from: [{group: sluice.traffic, kind: ${kind}, namespace: ${namespace}}]
  to: [{group: networking.istio.io, kind: VirtualService${more}}]
`;

const httpRoute = `---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: api, namespace: a}
spec:
  gatewayClassName: any
  listeners: [{name: web, port: 8081, protocol: HTTP}, {name: more, port: 8082, protocol: HTTP}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web, namespace: a}
spec:
  parentRefs: [{name: api}]
  hostnames: [web.example.com]
  rules:
  - name: first
    matches: [{path: {value: /a}}]
    backendRefs: [{name: shop, port: 80}]
  - backendRefs: [{name: shop, port: 80}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: {name: calls, namespace: a}
spec:
  parentRefs: [{name: api, sectionName: more}]
  hostnames: [calls.example.com]
  rules: [{backendRefs: [{name: shop, port: 80}]}]
`;

const options: SnapshotOptions = {
  listen: { host: "127.0.0.1", port: 10_000 },
  modules: { header_routing: readModule("header_routing", Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0)) },
  delivery: "inline",
};

const built = async (yaml: string, previous?: Built): Promise<Built> =>
  build(await resourcesOf(mesh + yaml), options, previous);

/** `virtual host / route: policies`, for routes that have any. */
function attached({ mesh: { listeners, byRoute } }: Built): string[] {
  return listeners.flatMap(({ virtualHosts }) =>
    virtualHosts.flatMap((v) =>
      v.routes.flatMap((route) => {
        const list = byRoute.get(route) ?? [];
        const name = route.name.replace(/~.*/, "~");
        return list.length === 0 ? [] : [`${v.name} ${name}: ${list.map((a) => a.policy.name).join(" ")}`];
      }),
    ),
  );
}

const shop = "shop.a.svc.cluster.local:80";
const edge = "shop.example.com:8080";
const plain = "shop.example.com:80";

test("a route, a VirtualService, a service, a server, a Gateway, the proxy: most specific first", async () => {
  const names = [
    policy("f-proxy", []),
    policy("e-gateway", [ref("Gateway", "edge")]),
    policy("d-server", [ref("Gateway", "edge", ", sectionName: web")]),
    policy("c-service", [ref("ServiceEntry", "shop")]),
    policy("b-vs", [ref("VirtualService", "shop")]),
    policy("a-route", [ref("VirtualService", "shop", ", sectionName: first")]),
  ];
  assert.deepEqual(attached(await built(names.join(""))), [
    "other.a.svc.cluster.local:80 default: f-proxy",
    "other.a.svc.cluster.local:81 default: f-proxy",
    `${shop} first: a-route b-vs c-service f-proxy`,
    `${shop} moved: b-vs f-proxy`,
    `${shop} a.shop~: b-vs c-service f-proxy`,
    `${plain} first: a-route b-vs c-service f-proxy`,
    `${plain} moved: b-vs f-proxy`,
    `${plain} a.shop~: b-vs c-service f-proxy`,
    `${edge} first: a-route b-vs c-service d-server e-gateway f-proxy`,
    `${edge} moved: b-vs d-server e-gateway f-proxy`,
    `${edge} a.shop~: b-vs c-service d-server e-gateway f-proxy`,
  ]);
});

test("equals are in the order of namespace and name; inherit: false cuts off the less specific", async () => {
  const cut = "inherit: false\nrules: [{name: r, headers: {request: {remove: [x]}}}]";
  const result = await built(
    policy("z", [ref("VirtualService", "shop", ", namespace: a")], "", "9a") +
      policy("n", [ref("VirtualService", "shop")]) +
      policy("m", [ref("VirtualService", "shop")], cut) +
      policy("all", []) +
      grant("HeaderRoutingPolicy", "9a"),
  );
  const lines = attached(result).filter((line) => line.startsWith(shop));
  assert.deepEqual(lines, [`${shop} first: z m n`, `${shop} moved: z m n`, `${shop} a.shop~: z m n`]);
});

test("HTTPRoutes and GRPCRoutes by rule and as a whole, the Gateway API's Gateways by listener and as a whole", async () => {
  const names = [
    policy("d-gateway", [route("Gateway", "api")]),
    policy("c-listener", [route("Gateway", "api", ", sectionName: more")]),
    policy("b-route", [route("HTTPRoute", "web"), route("GRPCRoute", "calls")]),
    policy("a-rule", [route("HTTPRoute", "web", ", sectionName: first")]),
    policy("a-unnamed", [route("HTTPRoute", "web", ", sectionName: a.web.1")]),
    policy("c-service", ["{group: '', kind: Service, name: shop}"]),
  ];
  const result = await built(httpRoute + names.join(""));
  assert.deepEqual(result.diagnostics, []);
  const lines = attached(result).filter((line) => /web|calls/.test(line));
  assert.deepEqual(lines, [
    "web.example.com:8081 first: a-rule b-route c-service d-gateway",
    "web.example.com:8081 a.web.1: a-unnamed b-route c-service d-gateway",
    "calls.example.com:8082 a.calls.0: b-route c-service c-listener d-gateway",
    "web.example.com:8082 first: a-rule b-route c-service c-listener d-gateway",
    "web.example.com:8082 a.web.1: a-unnamed b-route c-service c-listener d-gateway",
  ]);
});

test("leave that is withdrawn ends the policy; one that asks for too much keeps its previous version", async () => {
  const there = [ref("VirtualService", "shop", ", namespace: a")];
  const allowed = await built(policy("p", there, "", "b") + grant("HeaderRoutingPolicy", "b"));
  assert.equal(attached(allowed).length, 9);
  const withdrawn = await built(policy("p", there, "", "b"), allowed);
  assert.match(withdrawn.diagnostics[0]?.message ?? "", /no ReferenceGrant there .* It is not in force\.$/);
  assert.deepEqual(attached(withdrawn), []);

  const more = policy(
    "p",
    [...there, "{group: networking.istio.io, kind: Gateway, name: edge, namespace: a}"],
    "",
    "b",
  );
  const asking = await built(more + grant("HeaderRoutingPolicy", "b"), allowed);
  assert.match(
    asking.diagnostics[0]?.message ?? "",
    /"a\/edge" is in .* Its previous version stays in force\.$/,
  );
  assert.equal(attached(asking).length, 9);
});

test("the filter gets names, and the virtual host only where the name is not unique", async () => {
  const result = await built(
    policy("one", [ref("VirtualService", "shop", ", sectionName: first")]) +
      policy("two", [ref("ServiceEntry", "other"), ref("Gateway", "edge")]),
  );
  const { policies } = JSON.parse(result.plugins[0]?.configuration ?? "");
  const attach = (name: string) => policies.find((p: { name: string }) => p.name === name)?.attach;
  assert.deepEqual(attach("a/one"), [
    { virtualHost: shop, route: "first" },
    { virtualHost: plain, route: "first" },
    { virtualHost: edge, route: "first" },
  ]);
  assert.deepEqual(attach("a/two"), [
    { virtualHost: "other.a.svc.cluster.local:80", route: "default" },
    { virtualHost: "other.a.svc.cluster.local:81", route: "default" },
  ]);
  assert.equal(attach("a/two@gateway").length, 3);
  assert.equal(policies.find((p: { name: string }) => p.name === "a/two@gateway").seed, "a/two");
  assert.deepEqual(
    policies.map((p: { name: string }) => p.name),
    ["a/one", "a/two", "a/two@gateway"],
  );
  assert.ok(policies.every((p: object) => !("targetRefs" in p) && !("inherit" in p)));
});

const destination = (text: string): string => `rules: [{name: r, destination: ${text}}]`;
const onShop = [ref("VirtualService", "shop")];

const faults: { name: string; yaml: string; expected: RegExp }[] = [
  {
    name: "a VirtualService that is not there",
    yaml: policy("p", [ref("VirtualService", "shpo")]),
    expected:
      /spec\.targetRefs\[0\]\.name: There is no VirtualService "a\/shpo"\. Did you mean "shop"\? It is not in force\.$/,
  },
  {
    name: "one in another namespace",
    yaml: policy("p", onShop, "", "b"),
    expected: /There is no VirtualService "b\/shop"\. There is one in the namespace "a"\./,
  },
  {
    name: "a route that is not there",
    yaml: policy("p", [ref("VirtualService", "shop", ", sectionName: frist")]),
    expected: /targetRefs\[0\]\.sectionName: .* has no route named "frist"\. Did you mean "first"\?/,
  },
  {
    name: "a wrong group",
    yaml: policy("p", ["{group: sluice.traffic, kind: VirtualService, name: shop}"]),
    expected: /targetRefs\[0\]\.group: The group of VirtualService is "networking\.istio\.io"\./,
  },
  {
    name: "a kind that has no routes here",
    yaml: policy("p", ["{group: apps, kind: Deployment, name: shop}"]),
    expected: /targetRefs\[0\]\.kind: Policies cannot be attached to a Deployment\./,
  },
  {
    name: "a target in another namespace, without leave",
    yaml: policy("p", [ref("VirtualService", "shop", ", namespace: a")], "", "b"),
    expected:
      /targetRefs\[0\]\.namespace: "a\/shop" is in another namespace, and no ReferenceGrant there allows it\. Write one in the namespace "a" with from: \[\{group: "sluice\.traffic", kind: HeaderRoutingPolicy, namespace: b\}\] and to: \[\{group: "networking\.istio\.io", kind: VirtualService\}\]\. It is not in force\./,
  },
  {
    name: "leave for another kind, another namespace, another name",
    yaml:
      policy("p", [ref("VirtualService", "shop", ", namespace: a")], "", "b") +
      grant("RateLimitPolicy", "b") +
      grant("HeaderRoutingPolicy", "c") +
      grant("HeaderRoutingPolicy", "b", ", name: shopping"),
    expected: /no ReferenceGrant there allows it/,
  },
  {
    name: "a rule that an HTTPRoute does not have",
    yaml: policy("p", [route("HTTPRoute", "web", ", sectionName: firs")]) + httpRoute,
    expected:
      /targetRefs\[0\]\.sectionName: HTTPRoute "a\/web" has no rule named "firs"\. Did you mean "first"\?/,
  },
  {
    name: "a subset that is not defined",
    yaml: policy("p", onShop, destination("{subset: v3}")),
    expected:
      /rules\[0\]\.destination\.subset: No DestinationRule defines the subset "v3" of the host "shop\.a/,
  },
  {
    name: "an unknown host",
    yaml: policy("p", onShop, destination("{host: shpo}")),
    expected: /rules\[0\]\.destination\.host: No ServiceEntry has the host "shpo\.a.* Did you mean "shop\.a/,
  },
  {
    name: "a host of several ports",
    yaml: policy("p", onShop, destination("{host: other}")),
    expected: /"other\.a\.svc\.cluster\.local" has several ports \(80, 81\): say which in `port`/,
  },
  {
    name: "a Gateway whose names the mesh's own listener has too",
    yaml: `---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: eighty, namespace: a}
spec:
  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"]}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: other, namespace: a}
spec:
  hosts: [other]
  gateways: [mesh, eighty]
  http: [{name: x, route: [{destination: {host: other, port: {number: 81}}}]}]
${policy("p", [ref("Gateway", "eighty")])}`,
    expected:
      /The route "x" of .* is on the listeners "127\.0\.0\.1_80" and "mesh", and the filter could not/,
  },
  {
    name: "a port that is not there",
    yaml: policy("p", onShop, destination("{subset: v1, port: 99}")),
    expected: /destination\.port: "shop\.a\.svc\.cluster\.local" has no port 99/,
  },
];

for (const { name, yaml, expected } of faults) {
  test(`reported on the policy: ${name}`, async () => {
    const result = await built(yaml);
    assert.equal(result.diagnostics.length, 1, result.diagnostics.map(brief).join("\n"));
    const [fault] = result.diagnostics;
    assert.ok(fault);
    assert.match(brief(fault), expected);
    assert.match(fault.resource ?? "", /^HeaderRoutingPolicy /);
    assert.deepEqual(attached(result), []);
  });
}

test("a policy at fault keeps its previous version in force, and does not touch the others", async () => {
  const good = await built(policy("p", onShop, destination("{subset: v1}")) + policy("q", onShop));
  const bad = policy("p", onShop, destination("{subset: v3}"));
  const after = await built(bad + policy("q", onShop), good);
  assert.match(after.diagnostics.map(brief).join("\n"), /Its previous version stays in force\.$/);
  assert.deepEqual(attached(after), attached(good));
  assert.equal(after.plugins[0]?.configuration, good.plugins[0]?.configuration);
  const still = await built(bad, after);
  assert.match(still.plugins[0]?.configuration ?? "", /"subset":"v1"/);
  const gone = await built(bad.replace("name: shop}", "name: none}"), undefined);
  assert.equal(gone.plugins[0]?.configuration, '{"policies":[]}');
});

test("what did not change keeps its very bytes", async () => {
  const node = {
    id: "",
    cluster: "",
    role: "gateway",
    namespace: "",
    labels: {},
    envoyVersion: "1.40.0",
  } as const;
  const first = await built(policy("p", onShop));
  const before = first.snapshotFor(node);
  const after = (await built(policy("p", onShop, destination("{subset: v1}")), first)).snapshotFor(node);
  const changed: string[] = [];
  for (const [type, resources] of after.resources) {
    for (const [name, resource] of resources) {
      const old = before.resources.get(type)?.get(name);
      if (old !== resource) changed.push(name);
      else assert.equal(old.value, resource.value);
    }
  }
  assert.deepEqual(changed, ["mesh", "http.8080", "sluice.header_routing"]);
  assert.notEqual(after.version, before.version);
  assert.equal((await built(policy("p", onShop))).snapshotFor(node).version, before.version);
});

test("capabilities stand where the proxy's version reads them", async () => {
  const module = {
    ...options.modules.header_routing,
    hostcalls: ["proxy_get_header_map_pairs", "random_get"],
    callbacks: [
      "proxy_on_configure",
      "proxy_on_log",
      "proxy_on_request_headers",
      "proxy_on_response_headers",
    ],
  } as FilterModule;
  const resources = await resourcesOf(mesh + policy("p", onShop));
  const result = build(resources, { ...options, modules: { header_routing: module } });
  const expected = [
    "proxy_get_header_map_pairs",
    "proxy_on_configure",
    "proxy_on_request_headers",
    "random_get",
  ];
  for (const envoyVersion of ["1.36.2", "1.40.0", ""]) {
    const node = { id: "", cluster: "", role: "gateway", namespace: "", labels: {}, envoyVersion } as const;
    const resource = result.snapshotFor(node).resources.get(typeUrls.extension)?.get("sluice.header_routing");
    const extension = fromBinary(TypedExtensionConfigSchema, resource?.value ?? new Uint8Array());
    const config = extension.typedConfig && anyUnpack(extension.typedConfig, WasmSchema)?.config;
    const inVm = config?.vm.case === "vmConfig" ? config.vm.value.capabilityRestrictionConfig : undefined;
    const inPlugin = config?.capabilityRestrictionConfig;
    const [used, unused] = envoyVersion === "1.40.0" ? [inVm, inPlugin] : [inPlugin, inVm];
    assert.deepEqual(Object.keys(used?.allowedCapabilities ?? {}), expected, envoyVersion);
    assert.equal(unused, undefined);
    assert.equal(config?.failurePolicy, FailurePolicy.FAIL_RELOAD);
  }
});
