// Every kind of resource that the server emits is accepted by Envoy itself.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { type DescMessage, equals, fromBinary, isMessage, type Message, toBinary } from "@bufbuild/protobuf";
import { AnySchema, BytesValueSchema, StringValueSchema, StructSchema } from "@bufbuild/protobuf/wkt";
import { findEnvoy } from "../envoy/find.ts";
import { projectRoot } from "../envoy/root.ts";
import { resourcesOf } from "../server/fixture.ts";
import type { NodeIdentity, Resource, Snapshot } from "../server/model.ts";
import { build, loadModules } from "../server/snapshot.ts";
import { loadFolder } from "../server/source/load.ts";
import { staticBootstrap } from "./static-bootstrap.ts";

const run = promisify(execFile);

const node: NodeIdentity = {
  id: "test",
  cluster: "",
  role: "gateway",
  namespace: "",
  labels: {},
  envoyVersion: "1.40.0",
};

function snapshotOf(resources: readonly Resource[], listenPort = 10_000): Snapshot {
  const built = build(resources, {
    listen: { host: "127.0.0.1", port: listenPort },
    modules: loadModules(join(projectRoot, "build/filters")),
    delivery: "inline",
  });
  const errors = built.diagnostics.filter((d) => d.severity === "error");
  assert.deepEqual(errors, []);
  return built.snapshotFor(node);
}

/** `oldPlace`: capabilities stand where a proxy before 1.40 reads them, which 1.40 calls deprecated. */
async function validate(snapshot: Snapshot, oldPlace = false): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "sluice-emitted-"));
  try {
    const file = join(directory, "envoy.json");
    await writeFile(file, JSON.stringify(staticBootstrap(snapshot)));
    const { path } = await findEnvoy();
    const { stdout, stderr } = await run(path, ["--mode", "validate", "-c", file, "--log-level", "warn"]);
    assert.match(stdout + stderr, /OK/);
    const deprecated = stderr.split("\n").filter((line) => /deprecated/i.test(line));
    const unexpected = deprecated.filter(
      (line) => !line.includes("PluginConfig.capability_restriction_config"),
    );
    assert.deepEqual(oldPlace ? unexpected : deprecated, []);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

test("the sample mesh", async () => {
  const { resources } = await loadFolder(join(projectRoot, "examples/ficool"));
  await validate(snapshotOf(resources));
});

test("a folder with nothing in it", async () => {
  await validate(snapshotOf([]));
});

test("every field of the routing resources", async () => {
  await validate(snapshotOf(await resourcesOf(everything)));
});

const everything = `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge, namespace: a}
spec:
  servers:
  - {name: web, port: {number: 18080, name: http, protocol: HTTP}, hosts: ["*.example.com", "a/*"]}
  - {port: {number: 18081, name: h2, protocol: HTTP2}, hosts: ["*"]}
  - {port: {number: 18082, name: tcp, protocol: TCP}, hosts: ["*"]}
  - {port: {number: 18083, name: tls, protocol: TLS}, hosts: ["*.example.com"], tls: {mode: PASSTHROUGH}}
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: shop, namespace: a}
spec:
  hosts: [shop.a.svc.cluster.local]
  location: MESH_INTERNAL
  resolution: STATIC
  ports:
  - {number: 80, name: http, protocol: HTTP, targetPort: 9080}
  - {number: 9000, name: grpc, protocol: GRPC}
  endpoints:
  - {address: 127.0.0.1, ports: {http: 9001}, labels: {version: v1}, weight: 3}
  - {address: "::1", labels: {version: v2}}
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: outside, namespace: b}
spec:
  hosts: [api.example.org]
  resolution: DNS
  ports: [{number: 80, name: http}]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: shop, namespace: a}
spec:
  host: shop
  trafficPolicy:
    loadBalancer: {simple: LEAST_CONN}
    connectionPool:
      tcp: {maxConnections: 7, connectTimeout: 1.5s}
      http: {http1MaxPendingRequests: 5, http2MaxRequests: 6, maxRequestsPerConnection: 9, maxRetries: 2, idleTimeout: 30s}
  subsets:
  - {name: v1, labels: {version: v1}, trafficPolicy: {loadBalancer: {simple: RANDOM}}}
  - {name: v2, labels: {version: v2}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop, namespace: a}
spec:
  hosts: [shop, "*.example.com"]
  gateways: [mesh, edge]
  http:
  - name: everything
    match:
    - name: one
      uri: {prefix: /api}
      method: {exact: GET}
      scheme: {exact: http}
      authority: {regex: "shop.*"}
      headers: {uid: {exact: "0"}, agent: {regex: ".*[a-z]{1,200}x"}, any: {}, p: {prefix: a}}
      withoutHeaders: {internal: {}, debug: {exact: "1"}, trace: {prefix: x}}
      queryParams: {q: {exact: "1"}, r: {regex: "[0-9]+"}, s: {}, t: {prefix: u}}
      ignoreUriCase: true
    - uri: {exact: /exact}
    - uri: {regex: "/r/[^/]+"}
    route:
    - destination: {host: shop, subset: v1, port: {number: 80}}
      weight: 0
    - destination: {host: shop, subset: v2, port: {number: 80}}
      weight: 30
      headers: {request: {set: {a: b, host: other}, add: {c: d}, remove: [e]}, response: {set: {f: g}}}
    - destination: {host: api.example.org}
      weight: 70
    timeout: 2s
    retries: {attempts: 3, perTryTimeout: 500ms, retryOn: "5xx,reset,429"}
    headers: {request: {set: {x: "y%%z %REQ(uid)%"}}, response: {add: {q: r}, remove: [server]}}
    rewrite: {uri: /v2, authority: shop.internal}
    mirrors:
    - destination: {host: shop, port: {number: 80}}
    - {destination: {host: shop, subset: v1, port: {number: 80}}, percentage: {value: 0.0001}}
    corsPolicy:
      allowOrigins: [{exact: "*"}, {prefix: "https://a"}, {regex: "https://[a-z]+"}]
      allowMethods: [GET]
      allowHeaders: [x-a]
      exposeHeaders: [x-b]
      maxAge: 1h
      allowCredentials: true
      unmatchedPreflights: IGNORE
  - name: places
    match: [{port: 80, statPrefix: places}, {gateways: [edge, mesh]}]
    delegate: {name: delegated, namespace: b}
  - match: [{uri: {prefix: /old}}]
    redirect: {uri: /new, authority: example.org, port: 8443, scheme: https, redirectCode: 308}
  - match: [{uri: {prefix: /prefix}}]
    redirect: {prefixRewrite: /p, derivePort: FROM_REQUEST_PORT}
  - match: [{uri: {prefix: /teapot}}]
    directResponse: {status: 418, body: {string: short and stout}}
    headers: {response: {set: {x-pot: tea}}}
  - route: [{destination: {host: shop, port: {number: 9000}}}]
    retries: {attempts: 0}
  tcp:
  - match: [{port: 18082}]
    route:
    - {destination: {host: shop, subset: v1, port: {number: 80}}, weight: 1}
    - {destination: {host: shop, subset: v2, port: {number: 80}}, weight: 3}
  tls:
  - {match: [{port: 18083, sniHosts: ["*.example.com"]}], route: [{destination: {host: shop, port: {number: 80}}}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: delegated, namespace: b}
spec:
  http:
  - name: rewritten
    mirror: {host: api.example.org}
    mirrorPercentage: {value: 50}
    rewrite: {uriRegexRewrite: {match: '^/a/([^/]+)', rewrite: '/\\1/\\0'}}
    retries: {attempts: 1, backoff: 10ms, retryRemoteLocalities: true, retryIgnorePreviousHosts: false}
    corsPolicy: {allowOrigin: ["https://old.example"]}
    route: [{destination: {host: api.example.org}}]
---
apiVersion: sluice.traffic/v1alpha1
kind: HeaderRoutingPolicy
metadata: {name: steer, namespace: a}
spec:
  targetRefs: [{group: networking.istio.io, kind: VirtualService, name: shop}]
  rules:
  - name: one
    match: [{cookies: {beta: {exact: "1"}}, sourceIp: [10.0.0.0/8]}]
    destination: {host: api.example.org}
  - name: several
    destinations: [{host: shop, subset: v2, port: 80, weight: 5}, {host: shop, subset: v1, port: 80, weight: 95}]
    stickyBy: {cookie: {name: arm, ttl: 1h}}
    headers: {request: {set: {a: "100%"}}, response: {set: {b: c}}}
  - {name: rest, headers: {request: {remove: [x]}}}
`;

test("the same for a proxy older than 1.40, with the module as a file", async () => {
  const file = await mkdtemp(join(tmpdir(), "sluice-modules-"));
  try {
    const modules = loadModules(join(projectRoot, "build/filters"));
    const listen = { host: "127.0.0.1", port: 10_000 };
    const built = build(await resourcesOf(everything), { listen, modules, delivery: { file } });
    await validate(built.snapshotFor({ ...node, envoyVersion: "1.36.2" }), true);
  } finally {
    await rm(file, { recursive: true, force: true });
  }
});

/** Every message within, those packed into an Any among them, decodes to what is encoded again. */
async function assertRoundTrip(schema: DescMessage, bytes: Uint8Array, where: string): Promise<void> {
  const message = fromBinary(schema, bytes);
  assert.ok(equals(schema, fromBinary(schema, toBinary(schema, message)), message), where);
  for (const inner of messagesIn(message)) {
    assert.equal(inner.$unknown, undefined, `${where}: fields that ${inner.$typeName} does not have`);
    if (!isMessage(inner, AnySchema) || inner.typeUrl === "") continue;
    const name = inner.typeUrl.replace(/^.*\//, "");
    await assertRoundTrip(await schemaOf(name), inner.value, `${where}: ${name}`);
  }
}

function messagesIn(value: unknown): Message[] {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return [];
  const own = isMessage(value) ? [value] : [];
  return [...own, ...Object.values(value).flatMap(messagesIn)];
}

const schemas = new Map<string, DescMessage>();

/** Generated code lies where the package's name says. */
async function schemaOf(name: string): Promise<DescMessage> {
  const own = [StringValueSchema, BytesValueSchema, StructSchema].find((s) => s.typeName === name);
  const known = own ?? schemas.get(name);
  if (known !== undefined) return known;
  const folder = join(projectRoot, "build/envoy-api", ...name.split(".").slice(0, -1));
  for (const file of await readdir(folder)) {
    if (!file.endsWith("_pb.ts")) continue;
    const exported = Object.values((await import(join(folder, file))) as Record<string, DescMessage>);
    for (const schema of exported) if (schema.kind === "message") schemas.set(schema.typeName, schema);
  }
  const found = schemas.get(name);
  assert.ok(found, `no message type ${name}`);
  return found;
}

test("what is emitted survives decoding and encoding unchanged", async (context) => {
  const examples = await readdir(join(projectRoot, "examples"));
  const withTls = await mkdtemp(join(tmpdir(), "sluice-emitted-"));
  context.after(() => rm(withTls, { recursive: true }));
  await cp(join(projectRoot, "examples/ingress-tls"), withTls, { recursive: true });
  await run(process.execPath, ["examples/ingress-tls/certificates.mjs", `${withTls}/certs`], {
    cwd: projectRoot,
  });
  const folders = await Promise.all(
    examples
      .filter((name) => name !== "services" && !name.includes("."))
      .map((name) => (name === "ingress-tls" ? withTls : join(projectRoot, "examples", name)))
      .map(async (folder) => (await loadFolder(folder)).resources),
  );
  let count = 0;
  for (const resources of [...folders, await resourcesOf(everything)]) {
    for (const [typeUrl, byName] of snapshotOf(resources).resources) {
      for (const { name, value } of byName.values()) {
        await assertRoundTrip(await schemaOf(typeUrl.replace(/^.*\//, "")), value, `${typeUrl} ${name}`);
        count += 1;
      }
    }
  }
  assert.ok(count > 100, `only ${count} resources`);
});
