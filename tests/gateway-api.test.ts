// The Gateway API in a real Envoy: HTTPRoutes and GRPCRoutes on listeners, their filters, and which of many routes
// takes a request: held against a plain reading of the specification, and against the server's own matcher.

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect as connectHttp2, createServer as createHttp2 } from "node:http2";
import { request } from "node:https";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { findVirtualHost } from "../server/match/domains.ts";
import { tryRoutes } from "../server/match/route.ts";
import { build } from "../server/snapshot.ts";
import { loadFolder } from "../server/source/load.ts";
import { randomRoutes, randomRequest, type Asked, whoTakes } from "./support/gateway-api.ts";
import { authority, type Authority } from "./support/certificates.ts";
import { type Answer, type RequestOptions, startTestMesh, type TestMesh } from "./support/mesh.ts";
import { freePorts } from "../cli/up/free-ports.ts";
import { waitFor } from "./support/wait.ts";

let mesh: TestMesh;
let root: Authority;
let [port, tlsPort, manyPort] = [0, 0, 0];
const grpc = createHttp2();

/** Routes of `many`, by name. */
const many = randomRoutes(20_261_124);

before(async () => {
  root = await authority("Sluice tests");
  const shop = await root.issue({ name: "shop.example.com" });
  [port = 0, tlsPort = 0, manyPort = 0] = await freePorts(3);
  grpc.on("stream", (stream, headers) => {
    stream.respond(
      { ":status": 200, "content-type": "application/grpc", "x-called": headers[":path"] },
      { waitForTrailers: true },
    );
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.end();
  });
  await new Promise<void>((resolve) => grpc.listen(0, "127.0.0.1", resolve));
  const base64 = (text: string): string => Buffer.from(text).toString("base64");
  mesh = await startTestMesh({
    services: ["v1", "v2"],
    files: {
      "services.yaml": services((grpc.address() as AddressInfo).port),
      "secret.yaml": `
apiVersion: v1
kind: Secret
metadata: {name: shop, namespace: certificates}
type: kubernetes.io/tls
data: {tls.crt: ${base64(shop.certificate)}, tls.key: ${base64(shop.key)}}
`,
      "gateway.yaml": gateways(),
      "routes.yaml": routes,
      "many.yaml": many.yaml,
    },
  });
  await waitFor("the routes", async () => (await ask({ path: "/a" })).status === 200);
});

after(async () => {
  await mesh?.close();
  grpc.close();
});

const services = (grpcPort: number): string =>
  [
    ["shop", "one", "HTTP", "{v1}"],
    ["shop", "two", "HTTP", "{v2}"],
    ["other", "far", "HTTP", "{v2}"],
    ["shop", "calls", "GRPC", String(grpcPort)],
  ]
    .map(
      ([namespace, name, protocol, at]) => `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: ${name}, namespace: ${namespace}}
spec:
  hosts: [${name}.${namespace}.svc.cluster.local]
  ports: [{number: 80, name: p, protocol: ${protocol}}]
  resolution: STATIC
  endpoints: [{address: 127.0.0.1, ports: {p: ${at}}}]
`,
    )
    .join("---");

const gateways = (): string => `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge, namespace: shop}
spec:
  gatewayClassName: sluice
  listeners:
  - {name: open, port: ${port}, protocol: HTTP, hostname: "*.example.com", allowedRoutes: {namespaces: {from: All}}}
  - {name: own, port: ${port}, protocol: HTTP, hostname: own.example.com}
  - {name: secure, port: ${tlsPort}, protocol: HTTPS, hostname: shop.example.com, tls: {certificateRefs: [{name: shop, namespace: certificates}]}}
  - {name: many, port: ${manyPort}, protocol: HTTP}
---
apiVersion: gateway.networking.k8s.io/v1beta1
kind: ReferenceGrant
metadata: {name: certificates, namespace: certificates}
spec:
  from: [{group: gateway.networking.k8s.io, kind: Gateway, namespace: shop}]
  to: [{group: "", kind: Secret}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata: {name: far, namespace: other}
spec:
  from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: shop}]
  to: [{group: "", kind: Service, name: far}]
`;

const routes = `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop, namespace: shop}
spec:
  parentRefs: [{name: edge, sectionName: open}, {name: edge, sectionName: secure}]
  hostnames: [shop.example.com]
  rules:
  - matches: [{path: {type: PathPrefix, value: /a/}}]
    backendRefs: [{name: one, port: 80}]
  - name: split
    matches: [{path: {type: Exact, value: /split}}]
    backendRefs: [{name: one, port: 80, weight: 3}, {name: two, port: 80, weight: 1, filters: [{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: x-arm, value: two}]}}]}]
  - matches: [{path: {value: /far}}]
    backendRefs: [{name: far, namespace: other, port: 80}]
  - matches: [{path: {value: /host}}]
    backendRefs: [{group: networking.istio.io, kind: Hostname, name: two.shop.svc.cluster.local, port: 80}]
  - matches: [{path: {value: /headers}}]
    filters:
    - type: RequestHeaderModifier
      requestHeaderModifier: {set: [{name: X-Set, value: new}], add: [{name: x-add, value: more}], remove: [x-gone]}
    - {type: ResponseHeaderModifier, responseHeaderModifier: {set: [{name: x-answer, value: "yes"}]}}
    backendRefs: [{name: one, port: 80}]
  - matches: [{path: {value: /cut}}]
    filters: [{type: URLRewrite, urlRewrite: {hostname: inner.example, path: {type: ReplacePrefixMatch, replacePrefixMatch: /}}}]
    backendRefs: [{name: one, port: 80}]
  - matches: [{path: {value: /move}}]
    filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /to/}}}]
    backendRefs: [{name: one, port: 80}]
  - matches: [{path: {value: /full}}]
    filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplaceFullPath, replaceFullPath: /one}}}]
    backendRefs: [{name: one, port: 80}]
  - matches: [{path: {value: /go}}]
    filters: [{type: RequestRedirect, requestRedirect: {scheme: https, hostname: new.example.com, path: {type: ReplacePrefixMatch, replacePrefixMatch: /}, statusCode: 301}}]
  - matches: [{path: {value: /elsewhere}}]
    filters: [{type: RequestRedirect, requestRedirect: {hostname: new.example.com, port: 8443, path: {type: ReplaceFullPath, replaceFullPath: /x}}}]
  - matches: [{path: {value: /mirror}}]
    filters: [{type: RequestMirror, requestMirror: {backendRef: {name: two, port: 80}}}]
    backendRefs: [{name: one, port: 80}]
  - matches: [{path: {value: /cors}}]
    filters: [{type: CORS, cors: {allowOrigins: ["https://*.example.org"], allowMethods: [GET], maxAge: 7}}]
    backendRefs: [{name: one, port: 80}]
  - matches: [{path: {value: /nowhere}}]
  - matches: [{path: {value: /zero}}]
    backendRefs: [{name: one, port: 80, weight: 0}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: guest, namespace: guests}
spec:
  parentRefs: [{name: edge, namespace: shop}]
  hostnames: [own.example.com, guest.example.com]
  rules: [{filters: [{type: RequestRedirect, requestRedirect: {hostname: guest.example.com}}]}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: {name: calls, namespace: shop}
spec:
  parentRefs: [{name: edge, sectionName: open}]
  hostnames: [calls.example.com]
  rules:
  - matches: [{method: {service: shop.v1.Search, method: Find}}]
    filters: [{type: ResponseHeaderModifier, responseHeaderModifier: {set: [{name: x-rule, value: exact}]}}]
    backendRefs: [{name: calls, port: 80}]
  - matches: [{method: {service: shop.v1.Search}, headers: [{name: tier, value: gold}]}]
    filters: [{type: ResponseHeaderModifier, responseHeaderModifier: {set: [{name: x-rule, value: gold}]}}]
    backendRefs: [{name: calls, port: 80}]
  - matches: [{method: {method: "F.*", type: RegularExpression}}]
    filters: [{type: ResponseHeaderModifier, responseHeaderModifier: {set: [{name: x-rule, value: regex}]}}]
    backendRefs: [{name: calls, port: 80}]
`;

const ask = (options: RequestOptions): Promise<Answer> =>
  mesh.request({ host: "shop.example.com", port, ...options });

test("nothing but what is meant is told of these resources", () => {
  const told = mesh.server.state().diagnostics.map(({ message }) => message);
  assert.deepEqual(told, []);
});

test("a prefix goes by whole segments", async () => {
  const found = await Promise.all(
    ["/a", "/a/", "/a/b", "/ab"].map(async (path) => (await ask({ path })).status),
  );
  assert.deepEqual(found, [200, 200, 200, 404]);
});

test("backends: weights, other namespaces by leave, hosts, and none", async () => {
  const arms = new Map<string, number>();
  for (let i = 0; i < 200; i++) {
    const { version, headers } = (await ask({ path: "/split" })).echo();
    assert.equal(
      headers.some(([name]) => name === "x-arm"),
      version === "v2",
    );
    arms.set(version, (arms.get(version) ?? 0) + 1);
  }
  // 150 are expected; six standard deviations are 37.
  assert.ok(Math.abs((arms.get("v1") ?? 0) - 150) < 37, JSON.stringify([...arms]));
  assert.equal((await ask({ path: "/far" })).echo().version, "v2");
  assert.equal((await ask({ path: "/host" })).echo().version, "v2");
  assert.equal((await ask({ path: "/nowhere" })).status, 500);
  assert.equal((await ask({ path: "/zero" })).status, 500);
});

test("header filters", async () => {
  const answer = await ask({
    path: "/headers",
    headers: { "x-set": "old", "x-add": "some", "x-gone": "here" },
  });
  const got = answer
    .echo()
    .headers.filter(([name]) => name.startsWith("x-set") || name.startsWith("x-add") || name === "x-gone");
  assert.deepEqual(
    got.sort(),
    [
      ["x-add", "some"],
      ["x-add", "more"],
      ["x-set", "new"],
    ].sort(),
  );
  assert.equal(answer.headers["x-answer"], "yes");
});

test("rewrites", async () => {
  const reached = async (path: string): Promise<string> => (await ask({ path })).echo().path;
  const rows = [
    ["/cut", "/"],
    ["/cut/", "/"],
    ["/cut/b?c=d", "/b?c=d"],
    ["/move", "/to"],
    ["/move/b", "/to/b"],
    ["/full/a/b?c=d", "/one?c=d"],
  ] as const;
  for (const [path, expected] of rows) assert.equal(await reached(path), expected, path);
  const host = (await ask({ path: "/cut" })).echo().headers.find(([name]) => name === "host");
  assert.deepEqual(host, ["host", "inner.example"]);
});

test("redirects", async () => {
  const moved = await ask({ path: "/go/a?b" });
  assert.deepEqual([moved.status, moved.headers.location], [301, "https://new.example.com:443/a?b"]);
  const other = await ask({ path: "/elsewhere" });
  assert.deepEqual([other.status, other.headers.location], [302, "http://new.example.com:8443/x"]);
});

test("a mirror gets a copy", async () => {
  const before = mesh.services.v2?.count() ?? 0;
  assert.equal((await ask({ path: "/mirror" })).echo().version, "v1");
  await waitFor("the copy", () => (mesh.services.v2?.count() ?? 0) === before + 1);
});

test("CORS: a preflight is answered, for the origins that are allowed", async () => {
  const preflight = (origin: string): Promise<Answer> =>
    ask({ path: "/cors", method: "OPTIONS", headers: { origin, "access-control-request-method": "GET" } });
  const allowed = await preflight("https://app.example.org");
  assert.equal(allowed.headers["access-control-allow-origin"], "https://app.example.org");
  assert.equal(allowed.headers["access-control-max-age"], "7");
  const refused = await preflight("https://example.net");
  assert.equal(refused.headers["access-control-allow-origin"], undefined);
});

test("HTTPS: the listener's certificate, from a Secret of another namespace by leave", async () => {
  const outgoing = request({
    host: "127.0.0.1",
    port: tlsPort,
    path: "/a",
    servername: "shop.example.com",
    headers: { host: "shop.example.com" },
    ca: root.ca,
    agent: false,
  });
  outgoing.end();
  const [response] = await once(outgoing, "response");
  response.resume();
  assert.equal(response.statusCode, 200);
});

test("a listener's hosts are its own, and its namespaces too", async () => {
  // `own` allows routes of its namespace only, and `open` must not take its host.
  assert.equal((await ask({ host: "own.example.com" })).status, 404);
  assert.equal((await ask({ host: "guest.example.com" })).status, 302);
  assert.equal((await ask({ host: "stranger.example.com" })).status, 404);
});

test("GRPCRoute: by service and method, the more specific first", async () => {
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  const call = async (path: string, more: Record<string, string> = {}): Promise<unknown> => {
    const stream = session.request({
      ":method": "POST",
      ":path": path,
      ":authority": "calls.example.com",
      "content-type": "application/grpc",
      te: "trailers",
      ...more,
    });
    stream.end();
    const [headers] = await once(stream, "response");
    stream.resume();
    return headers["x-rule"] ?? headers["grpc-status"];
  };
  assert.equal(await call("/shop.v1.Search/Find"), "exact");
  assert.equal(await call("/shop.v1.Search/Find", { tier: "gold" }), "exact");
  assert.equal(await call("/shop.v1.Search/Look", { tier: "gold" }), "gold");
  assert.equal(await call("/shop.v1.Cart/Fill"), "regex");
  assert.equal(await call("/shop.v1.Cart/Empty"), "12"); // UNIMPLEMENTED
  session.close();
});

test("which of many routes takes a request is what the specification says", async () => {
  const { resources } = await loadFolder(mesh.directory);
  const built = build(resources, { listen: { host: "127.0.0.1", port: 0 }, modules: {}, delivery: "inline" });
  const listener = built.mesh.listeners.find((l) => l.port === manyPort);
  const random = many.random;
  const requests = Number(process.env.SLUICE_REQUESTS ?? 300);
  let taken = 0;
  for (let i = 0; i < requests; i++) {
    const asked = randomRequest(random);
    const expected = whoTakes(many.routes, asked);
    const answer = await ask({ ...asked, port: manyPort, headers: asked.headers });
    assert.equal(answer.headers["x-rule"], expected, `Envoy: ${JSON.stringify(asked)}`);
    assert.equal(
      ownMatcher(listener?.virtualHosts ?? [], asked),
      expected,
      `matcher: ${JSON.stringify(asked)}`,
    );
    if (expected !== undefined) taken++;
  }
  assert.ok(taken > requests / 2, `only ${taken} of ${requests} requests met a rule`);
});

type VirtualHosts = Parameters<
  typeof findVirtualHost<ReturnType<typeof build>["mesh"]["listeners"][number]["virtualHosts"][number]>
>[0];

function ownMatcher(virtualHosts: VirtualHosts, asked: Asked): string | undefined {
  const found = findVirtualHost(virtualHosts, asked.host, true);
  const headers = Object.entries(asked.headers);
  const tried = tryRoutes(found?.virtualHost.routes ?? [], {
    method: asked.method,
    scheme: "http",
    authority: asked.host,
    path: asked.path,
    headers,
  });
  const route = tried.find(({ matches }) => matches)?.route;
  const marked = route?.message.responseHeadersToAdd.find(({ header }) => header?.key === "x-rule");
  return marked?.header?.value;
}

test("a policy on a rule of an HTTPRoute, and on no other", async () => {
  await mesh.apply(
    "policy.yaml",
    `apiVersion: sluice.traffic/v1alpha1
kind: RateLimitPolicy
metadata: {name: two, namespace: shop}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: shop, sectionName: split}]
  limits: [{name: all, requests: 2, per: 1h}]
`,
  );
  const statuses = async (path: string): Promise<number[]> => {
    const found: number[] = [];
    for (let i = 0; i < 4; i++) found.push((await ask({ path })).status);
    return found;
  };
  await waitFor("the limit", async () => (await ask({ path: "/split" })).status === 429);
  assert.deepEqual(await statuses("/split"), [429, 429, 429, 429]);
  assert.deepEqual(await statuses("/a"), [200, 200, 200, 200]);
});

test("what is wrong is refused by name", async () => {
  const rows: [string, RegExp][] = [
    [
      "parentRefs: [{name: edgy}]",
      /spec\.parentRefs\[0\]\.name: There is no Gateway "shop\/edgy"\. Did you mean "edge"\?/,
    ],
    [
      "parentRefs: [{name: edge, sectionName: openn}]",
      /spec\.parentRefs\[0\]\.sectionName: .*Did you mean "open"\?/,
    ],
    [
      "parentRefs: [{name: edge}]\n  rules: [{backendRefs: [{name: nobody, port: 80}]}]",
      /spec\.rules\[0\]\.backendRefs\[0\]\.name: No ServiceEntry has the host "nobody\.shop\.svc\.cluster\.local"/,
    ],
    [
      "parentRefs: [{name: edge}]\n  rules: [{backendRefs: [{name: one, port: 81}]}]",
      /spec\.rules\[0\]\.backendRefs\[0\]\.port: .*has no port 81/,
    ],
    [
      "parentRefs: [{name: edge}]\n  rules: [{backendRefs: [{name: far, namespace: elsewhere, port: 80}]}]",
      /namespace: "elsewhere\/far" is in another namespace, and no ReferenceGrant/,
    ],
    [
      "parentRefs: [{name: edge}]\n  rules: [{filters: [{type: URLRewrite}]}]",
      /filters\[0\]: A filter of type URLRewrite needs `urlRewrite`/,
    ],
    [
      "parentRefs: [{name: edge}]\n  rules: [{filters: [{type: ExtensionRef}]}]",
      /ExtensionRef is not supported: policies refer to routes here/,
    ],
    ["parentRefs: [{name: edge}]\n  rules: [{retry: {attempts: 2}}]", /rules\[0\]\.retry: not supported/],
  ];
  for (const [spec, expected] of rows) {
    const text = `apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: bad, namespace: shop}\nspec:\n  ${spec}\n`;
    await mesh.write("bad.yaml", text);
    const told = mesh.server.state().diagnostics.filter(({ severity }) => severity === "error");
    assert.match(told.map(({ path, message }) => `${path}: ${message}`).join("\n"), expected);
    assert.match(told[0]?.file ?? "", /bad\.yaml$/);
  }
  await mesh.write("bad.yaml", "");
});
