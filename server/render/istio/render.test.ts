import assert from "node:assert/strict";
import { test } from "node:test";
import { brief, resourcesOf } from "../../fixture.ts";
import type { FilterModule } from "../../policy/modules.ts";
import type { Manifest } from "../rendered.ts";
import { type IstioOptions, moduleUrls } from "./options.ts";
import { istioMesh, renderIstio } from "./render.ts";

const moduleOf = (name: string): FilterModule => ({
  name,
  bytes: new Uint8Array(),
  sha256: `${name}-sha`,
  hostcalls: [],
  callbacks: [],
});
const modules = Object.fromEntries(
  ["metrics", "rate_limit", "header_routing", "fault", "suite"].map((name) => [name, moduleOf(name)]),
);
const options: IstioOptions = {
  resource: "WasmPlugin",
  namespace: "istio-system",
  labels: {},
  mode: undefined,
  suite: false,
  phase: undefined,
  priority: 100,
  imagePullSecret: undefined,
  ...moduleUrls("http://server/filters", "1"),
};

const gateway = `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: gw, namespace: edge}
spec:
  selector: {istio: gw}
  servers: [{port: {number: 8080, name: http, protocol: HTTP}, hosts: ["*"]}]
---
`;
const shop = (gateways: string) => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop, namespace: default, labels: {team: a}}
spec:
  hosts: [${gateways === "mesh" ? "backend" : "shop.example"}]
  gateways: [${gateways}]
  http:
  - name: first
    match: [{headers: {x-a: {exact: "1"}}, name: a}, {uri: {prefix: /p}}]
    route: [{destination: {host: backend, subset: v1}}]
    timeout: 3s
  - route: [{destination: {host: backend, subset: v1}}]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: backend, namespace: default}
spec: {host: backend, subsets: [{name: v1, labels: {v: "1"}}, {name: v3, labels: {v: "3"}}]}
---
`;
const policy = (kind: string, name: string, rest: string) => `
apiVersion: sluice.traffic/v1alpha1
kind: ${kind}
metadata: {name: ${name}, namespace: default}
spec:
  ${rest}
---
`;
const onShop = "targetRefs: [{group: networking.istio.io, kind: VirtualService, name: shop}]";
const limits = "limits: [{name: all, requests: 1, per: 1s}]";
const canary = (more = "") =>
  `rules: [{name: r, match: [{headers: {uid: {exact: "0"}}}], destination: {subset: v3}${more}}]`;

interface Attached {
  policies: { name: string; attach?: unknown }[];
}

const configOf = (manifest: Manifest | undefined) => manifest?.spec.pluginConfig as Attached;

async function mesh(yaml: string, changed: Partial<IstioOptions> = {}) {
  const { plugins, virtualServices, diagnostics } = istioMesh(await resourcesOf(yaml), modules, {
    ...options,
    ...changed,
  });
  return { plugins: plugins.map((p) => p.manifest), virtualServices, told: diagnostics.map(brief) };
}

test("behind a Gateway the plugin selects its workloads, and routes are told with their virtual hosts", async () => {
  const { plugins, virtualServices, told } = await mesh(
    gateway + shop("edge/gw") + policy("RateLimitPolicy", "l", `${onShop}\n  ${limits}`),
  );
  assert.deepEqual(told, []);
  const [plugin] = plugins;
  assert.deepEqual(plugin?.metadata.name, "sluice-rate-limit");
  assert.deepEqual(plugin?.spec.selector, { matchLabels: { istio: "gw" } });
  assert.equal(plugin?.spec.failStrategy, "FAIL_RELOAD");
  assert.equal(plugin?.spec.url, "http://server/filters/rate_limit.wasm");
  assert.equal(plugin?.spec.sha256, "rate_limit-sha");
  const [shopOfGateway] = virtualServices;
  const [first, second] = (shopOfGateway?.spec.http ?? []) as { name: string }[];
  assert.equal(first?.name, "first");
  assert.match(second?.name ?? "", /^default\.shop~[0-9a-f]{8}$/);
  assert.deepEqual(virtualServices[0]?.metadata.labels, { team: "a" });
  const virtualHost = "shop.example:8080";
  assert.deepEqual(configOf(plugin).policies[0]?.attach, [
    { virtualHost, route: "first.a" },
    { virtualHost, route: "first" },
    { virtualHost, route: second?.name },
  ]);
});

test("derived routes stand before their base with all its conditions, and each match has its own value", async () => {
  const { virtualServices } = await mesh(
    gateway +
      shop("edge/gw") +
      policy(
        "HeaderRoutingPolicy",
        "c",
        `${onShop.replace("shop}", "shop, sectionName: first}")}\n  ${canary()}`,
      ),
  );
  const http = virtualServices[0]?.spec.http as Record<string, unknown>[];
  assert.equal(http.length, 3);
  assert.deepEqual(http[0], {
    name: "first",
    match: [
      { name: "a", headers: { "x-a": { exact: "1" }, "x-sluice-destination": { exact: "first.a/v3" } } },
      { uri: { prefix: "/p" }, headers: { "x-sluice-destination": { exact: "first/v3" } } },
    ],
    route: [{ destination: { host: "backend", subset: "v3" } }],
    timeout: "3s",
    headers: { request: { remove: ["x-sluice-destination"] } },
  });
  assert.equal(http[1]?.name, "first");
  assert.equal(http[2]?.name, undefined);
});

test("a rule that changes a header on which its route matches is warned of", async () => {
  const more = ", headers: {request: {set: {x-a: '2'}}}";
  const { told } = await mesh(
    gateway + shop("edge/gw") + policy("HeaderRoutingPolicy", "c", `${onShop}\n  ${canary(more)}`),
  );
  assert.match(
    told.join("\n"),
    /warning spec\.rules\[0\]\.headers\.request\.set: The route "first\.a" matches on the header "x-a"/,
  );
});

test("on the mesh one plugin acts where calls go out; the port of a Service that is not there is not guessed", async () => {
  const { plugins, told } = await mesh(
    shop("mesh") +
      policy("RateLimitPolicy", "l", `${onShop.replace("shop}", "shop, sectionName: first}")}\n  ${limits}`),
  );
  assert.deepEqual(told, []);
  assert.deepEqual(plugins[0]?.spec.match, [{ mode: "CLIENT" }]);
  assert.deepEqual(configOf(plugins[0]).policies[0]?.attach, [{ route: "first.a" }, { route: "first" }]);
});

test("a route that is told apart by nothing is refused with a remedy", async () => {
  const onService = 'targetRefs: [{group: "", kind: Service, name: backend}]';
  const rule = shop("mesh").split("---")[1] ?? "";
  const caller = shop("mesh").replaceAll("name: shop", "name: other").split("---")[0] ?? "";
  const { told } = await mesh(
    `${caller.replace("hosts: [backend]", "hosts: [front]")}---${rule}---${policy("RateLimitPolicy", "l", `${onService}\n  ${limits}`)}`,
  );
  assert.match(told.join("\n"), /The port of the host "backend\.default\.svc\.cluster\.local" is not known/);
});

test("a policy on the whole proxy is told no routes, but where another cuts it off", async () => {
  const all = policy("RateLimitPolicy", "all", limits);
  const { plugins } = await mesh(gateway + shop("edge/gw") + all);
  assert.equal(configOf(plugins[0]).policies[0]?.attach, undefined);
  const own = policy(
    "RateLimitPolicy",
    "own",
    `${onShop.replace("shop}", "shop, sectionName: first}")}\n  inherit: false\n  ${limits}`,
  );
  const cut = await mesh(gateway + shop("edge/gw") + all + own);
  const attached = configOf(cut.plugins[0]).policies.find(({ name }) => name === "default/all")
    ?.attach as unknown[];
  assert.ok(Array.isArray(attached) && attached.length > 0);
  assert.ok(!JSON.stringify(attached).includes('"first"'));
});

test("the side that serves: policies without targets only, no VirtualServices", async () => {
  const { plugins, virtualServices, told } = await mesh(
    gateway +
      shop("edge/gw") +
      policy("RateLimitPolicy", "all", limits) +
      policy("RateLimitPolicy", "own", `${onShop}\n  ${limits}`),
    { mode: "SERVER", labels: { app: "x" } },
  );
  assert.equal(plugins[0]?.metadata.name, "sluice-rate-limit-server");
  assert.deepEqual(plugins[0]?.spec.match, [{ mode: "SERVER" }]);
  assert.deepEqual(
    configOf(plugins[0]).policies.map(({ name }) => name),
    ["default/all"],
  );
  assert.deepEqual(virtualServices, []);
  assert.match(told.join("\n"), /It is left out: routes are chosen where calls go out/);
});

test("header routing has nothing to do on the side that serves", async () => {
  const { told } = await mesh(gateway + shop("edge/gw") + policy("HeaderRoutingPolicy", "c", canary()), {
    mode: "SERVER",
    labels: { app: "x" },
  });
  assert.match(told.join("\n"), /Requests that have come in have nowhere else to go/);
});

test("the suite takes all pieces in one plugin, a TrafficExtension holds them under wasm", async () => {
  const yaml =
    gateway +
    shop("edge/gw") +
    policy("RateLimitPolicy", "l", `${onShop}\n  ${limits}`) +
    policy("MetricsPolicy", "m", onShop);
  const { plugins } = await mesh(yaml, { suite: true, resource: "TrafficExtension" });
  assert.equal(plugins.length, 1);
  const wasm = plugins[0]?.spec.wasm as { pluginName: string; pluginConfig: Record<string, unknown> };
  assert.equal(wasm.pluginName, "suite");
  assert.deepEqual(Object.keys(wasm.pluginConfig).sort(), ["metrics", "rateLimit"]);
});

test("texts that YAML 1.1 would take for something else are quoted; labels for metrics are named", async () => {
  const yaml =
    gateway +
    shop("edge/gw") +
    policy(
      "MetricsPolicy",
      "m",
      `${onShop}\n  dimensions: [{name: beta, header: x-beta, values: ["yes", "on", "1e3"]}]`,
    );
  const { files } = renderIstio({ directory: ".", resources: await resourcesOf(yaml), modules }, options);
  const [{ text } = { text: "" }] = files;
  assert.match(text, /- "yes"\n\s+- "on"\n\s+- "1e3"/);
  assert.match(text, /extraStatTags: \[virtual_host, route, response_code, reason, beta\]/);
});

test("URLs of modules", () => {
  const urls = (base: string) => {
    const { moduleUrl, digest } = moduleUrls(base, "2");
    return [moduleUrl(moduleOf("fault")), Object.keys(digest(moduleOf("fault")))];
  };
  assert.deepEqual(urls("https://h/filters/"), ["https://h/filters/fault.wasm", ["sha256"]]);
  assert.deepEqual(urls("oci://h/team"), ["oci://h/team/fault:2", ["sha256"]]);
  assert.deepEqual(urls("file:///etc/m"), ["file:///etc/m/fault.wasm", []]);
  assert.throws(() => moduleUrls("ftp://h", "2"), /write http:\/\/, https:\/\/, oci:\/\/ or file:\/\//);
});
