// What a VirtualService's fields become in Envoy's messages, and which of its routes are for whom.

import assert from "node:assert/strict";
import { test } from "node:test";
import { createRegistry, fromBinary, toJson } from "@bufbuild/protobuf";
import type { Route } from "../../build/envoy-api/envoy/config/route/v3/route_components_pb.ts";
import { RouteSchema } from "../../build/envoy-api/envoy/config/route/v3/route_components_pb.ts";
import { CorsPolicySchema } from "../../build/envoy-api/envoy/extensions/filters/http/cors/v3/cors_pb.ts";
import { PreviousHostsPredicateSchema } from "../../build/envoy-api/envoy/extensions/retry/host/previous_hosts/v3/previous_hosts_pb.ts";
import { PreviousPrioritiesConfigSchema } from "../../build/envoy-api/envoy/extensions/retry/priority/previous_priorities/v3/previous_priorities_config_pb.ts";
import { brief, resourcesOf } from "../fixture.ts";
import { type Built, build } from "../snapshot.ts";

const services = `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: shop, namespace: a}
spec:
  hosts: [shop.a.svc.cluster.local]
  resolution: STATIC
  ports: [{number: 80, name: http}, {number: 90, name: http-admin}]
  endpoints: [{address: 127.0.0.1, ports: {http: 9001}}]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: audit, namespace: b}
spec:
  hosts: [audit.b.svc.cluster.local]
  resolution: STATIC
  ports: [{number: 80, name: http}]
  endpoints: [{address: 127.0.0.1, ports: {http: 9002}}]
`;

const to = "route: [{destination: {host: shop}}]";

async function built(...documents: string[]): Promise<Built> {
  const text = [services, ...documents].join("\n---\n");
  const options = { listen: { host: "127.0.0.1", port: 0 }, modules: {}, delivery: "inline" } as const;
  return build(await resourcesOf(text), options);
}

const virtualService = (http: string, more = "") => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop, namespace: a}
spec:
  hosts: [shop]
${more}
  http:
${http.replace(/^/gm, "  ")}`;

const anyone = { id: "", cluster: "", role: "sidecar", namespace: "", labels: {}, locality: "" } as const;

const registry = createRegistry(PreviousHostsPredicateSchema, PreviousPrioritiesConfigSchema);

interface Place {
  port?: number;
  namespace?: string;
  labels?: Record<string, string>;
}

function hostOf(all: Built, { port = 80, namespace = "", labels = {} }: Place = {}) {
  const mesh = all.meshFor({ ...anyone, namespace, labels, envoyVersion: "1.40.0" });
  const host = mesh.listeners[0]?.virtualHosts.find((v) => v.name === `shop.a.svc.cluster.local:${port}`);
  assert.ok(host);
  return host;
}

const names = (all: Built, place?: Place) => hostOf(all, place).routes.map(({ name }) => name);

/** The first route as Envoy's JSON, with its action's fields beside the others. */
async function route(http: string): Promise<Record<string, unknown>> {
  const all = await built(virtualService(http));
  assert.deepEqual(all.diagnostics.map(brief), []);
  const message = hostOf(all).routes[0]?.message as Route;
  const { route: action, ...rest } = toJson(RouteSchema, message, { registry }) as { route?: object };
  return { ...rest, ...action };
}

test("a rewrite by regular expression", async () => {
  const made = await route(
    `- ${to}\n  rewrite: {uriRegexRewrite: {match: "^/v(\\\\d+)/", rewrite: '/\\1/'}}`,
  );
  assert.deepEqual(made.regexRewrite, { pattern: { regex: "^/v(\\d+)/" }, substitution: "/\\1/" });
});

test("mirrors: all, a share, none, several", async () => {
  const audit = "{host: audit.b.svc.cluster.local}";
  const policies = async (fields: string) => (await route(`- ${to}\n  ${fields}`)).requestMirrorPolicies;
  const one = (numerator?: number) => ({
    cluster: "outbound|80||audit.b.svc.cluster.local",
    runtimeFraction: { defaultValue: { ...(numerator && { numerator }), denominator: "MILLION" } },
    traceSampled: false,
  });
  assert.deepEqual(await policies(`mirror: ${audit}`), [one(1_000_000)]);
  assert.deepEqual(await policies(`mirror: ${audit}\n  mirrorPercentage: {value: 12.5}`), [one(125_000)]);
  assert.deepEqual(await policies(`mirror: ${audit}\n  mirrorPercent: 3`), [one(30_000)]);
  assert.equal(await policies(`mirror: ${audit}\n  mirrorPercentage: {value: 0}`), undefined);
  assert.deepEqual(
    await policies(`mirrors: [{destination: ${audit}}, {destination: ${audit}, percentage: {value: 1}}]`),
    [one(1_000_000), one(10_000)],
  );
});

test("retries: Istio's two, none, and every field", async () => {
  const policy = async (fields: string) => (await route(`- ${to}\n  ${fields}`)).retryPolicy as object;
  const standard = {
    retryOn: "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes",
    numRetries: 2,
    hostSelectionRetryMaxAttempts: "5",
  };
  const { retryHostPredicate, ...rest } = (await policy("timeout: 1s")) as Record<string, unknown>;
  assert.deepEqual(rest, standard);
  assert.ok(retryHostPredicate);
  assert.equal(await policy("retries: {}"), undefined);
  const own =
    "{attempts: 4, perTryTimeout: 1s, retryOn: '5xx, 409', backoff: 50ms, retryIgnorePreviousHosts: false, retryRemoteLocalities: true}";
  const { retryPriority, ...every } = (await policy(`retries: ${own}`)) as Record<string, { name: string }>;
  assert.equal(retryPriority?.name, "envoy.retry_priorities.previous_priorities");
  assert.deepEqual(every, {
    retryOn: "5xx,retriable-status-codes",
    retriableStatusCodes: [409],
    numRetries: 4,
    perTryTimeout: "1s",
    retryBackOff: { baseInterval: "0.050s" },
    hostSelectionRetryMaxAttempts: "5",
  });
});

test("a timeout, and none by default", async () => {
  assert.equal((await route(`- ${to}\n  timeout: 1.5s`)).timeout, "1.500s");
  assert.equal((await route(`- ${to}\n  name: none`)).timeout, "0s");
});

test("CORS, also where the route redirects", async () => {
  const policy = `{allowOrigins: [{exact: "https://a.example"}, {regex: ".*b"}], allowMethods: [GET, PUT],
      allowHeaders: [x-a, x-b], exposeHeaders: [x-c], maxAge: 24h, allowCredentials: true, unmatchedPreflights: IGNORE}`;
  for (const does of [to, "redirect: {uri: /x}"]) {
    const all = await built(virtualService(`- ${does}\n  corsPolicy: ${policy}`));
    const config = hostOf(all).routes[0]?.message.typedPerFilterConfig["envoy.filters.http.cors"];
    assert.ok(config);
    assert.deepEqual(toJson(CorsPolicySchema, fromBinary(CorsPolicySchema, config.value)), {
      allowOriginStringMatch: [{ exact: "https://a.example" }, { safeRegex: { regex: ".*b" } }],
      allowMethods: "GET,PUT",
      allowHeaders: "x-a,x-b",
      exposeHeaders: "x-c",
      maxAge: "86400",
      allowCredentials: true,
      filterEnabled: { defaultValue: { numerator: 100 } },
      forwardNotMatchingPreflights: false,
    });
  }
});

test("a match for one port, with statPrefix", async () => {
  const all = await built(
    virtualService(`- {name: admin, match: [{port: 90, statPrefix: admin}], ${to}}\n- {name: rest, ${to}}`),
  );
  assert.deepEqual(names(all), ["rest"]);
  assert.deepEqual(names(all, { port: 90 }), ["admin", "rest"]);
  assert.deepEqual(hostOf(all).leftOut, [{ route: "admin", why: "port is 90", position: 0 }]);
  assert.equal(hostOf(all, { port: 90 }).routes[0]?.message.statPrefix, "admin");
});

test("a match for callers by label and namespace", async () => {
  const all = await built(
    virtualService(
      `- {name: labels, match: [{sourceLabels: {app: web, tier: front}}], ${to}}
- {name: namespace, match: [{sourceNamespace: b}], ${to}}
- {name: rest, ${to}}`,
    ),
  );
  assert.deepEqual(all.diagnostics.map(brief), []);
  assert.deepEqual(names(all), ["rest"]);
  assert.deepEqual(names(all, { labels: { app: "web", tier: "front", x: "y" } }), ["labels", "rest"]);
  assert.deepEqual(names(all, { labels: { app: "web" }, namespace: "b" }), ["namespace", "rest"]);
  assert.match(hostOf(all).leftOut[0]?.why ?? "", /the labels app=web, tier=front/);
});

test("a match for gateways leaves the caller aside", async () => {
  const all = await built(
    virtualService(
      `- {name: edge, match: [{gateways: [edge]}], ${to}}
- {name: inside, match: [{gateways: [mesh], sourceLabels: {app: none}}], ${to}}`,
      "  gateways: [mesh, edge]",
    ),
    `apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge, namespace: a}
spec: {servers: [{port: {number: 8080, name: http, protocol: HTTP}, hosts: ["*"]}]}`,
  );
  assert.deepEqual(names(all), ["inside"]);
  const edge = all.mesh.listeners.find((l) => l.port === 8080)?.virtualHosts[0];
  assert.deepEqual(
    edge?.routes.map(({ name }) => name),
    ["edge"],
  );
});

test("where no route is for a place, the service is reached as without a VirtualService", async () => {
  const all = await built(virtualService(`- {name: admin, match: [{port: 90}], ${to}}`));
  assert.deepEqual(names(all), ["default"]);
  assert.deepEqual(names(all, { port: 90 }), ["admin"]);
});

test("two VirtualServices for one host are merged where ports or callers keep them apart", async () => {
  const second = (match: string) =>
    virtualService(`- {name: second, match: [${match}], ${to}}`).replace("name: shop,", "name: other,");
  const first = virtualService(`- {name: first, match: [{port: 80, sourceLabels: {app: a}}], ${to}}`);
  for (const match of ["{port: 90}", "{sourceLabels: {app: b}}"]) {
    const all = await built(first, second(match));
    assert.deepEqual(
      all.diagnostics.map(({ severity }) => severity),
      ["warning", "warning"].slice(0, new Set(all.diagnostics.map(({ message }) => message)).size),
    );
  }
  const clash = await built(first, second("{port: 80}"));
  assert.ok(clash.diagnostics.some(({ severity }) => severity === "error"));
});
