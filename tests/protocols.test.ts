// Protocols through one Envoy: gRPC balanced call by call, HTTP/2 on either side, WebSocket, TCP by weight.

import assert from "node:assert/strict";
import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2";
import { connect as connectTcp } from "node:net";
import { text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { connect as connectTls } from "node:tls";
import * as grpc from "@grpc/grpc-js";
import { startTestMesh, type TestMesh } from "./support/mesh.ts";
import { freePorts } from "../cli/up/free-ports.ts";
import {
  calls,
  closeServices,
  plainBytes,
  startGrpc,
  startHttp2,
  startTcp,
  startTls,
  startWebSocket,
} from "./support/protocols.ts";
import { waitFor } from "./support/wait.ts";

const opened: (() => unknown)[] = [];
let mesh: TestMesh;
let tcpPort: number;
let cachePort: number;
let vaultPort: number;

/** An address of this machine that no other test has. */
const virtualAddress = "127.77.13.1";

const entry = (name: string, port: string, endpoints: string): string => `---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: ${name}, namespace: a}
spec:
  hosts: [${name}.a.svc.cluster.local]
  resolution: STATIC
  ports: [${port}]
  endpoints:
${endpoints}
`;

const endpoint = (name: string, port: number, version = "v1"): string =>
  `  - {address: 127.0.0.1, ports: {${name}: ${port}}, labels: {version: ${version}}}`;

before(async () => {
  const [grpcA, grpcB] = [await startGrpc("a"), await startGrpc("b")];
  const [h2, webSocket] = [await startHttp2(), await startWebSocket()];
  const [tcpA, tcpB] = [await startTcp("a"), await startTcp("b")];
  const [tlsA, tlsB] = [await startTls("a"), await startTls("b")];
  [tcpPort = 0, cachePort = 0, vaultPort = 0] = await freePorts(3);
  const tls = "{number: PORT, name: tls, protocol: TLS}".replace("PORT", String(vaultPort));
  const tcp = "{number: PORT, name: tcp, protocol: TCP}".replace("PORT", String(cachePort));
  const subsets = "subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}]";
  const yaml = `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: cache, namespace: a}
spec: {host: cache, ${subsets}}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: vault, namespace: a}
spec: {host: "*.vault.example", ${subsets}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: cache, namespace: a}
spec:
  hosts: [cache]
  tcp: [{match: [{port: ${cachePort}}], route: [{destination: {host: cache, subset: v2}}]}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: vault, namespace: a}
spec:
  hosts: [x.vault.example, "*.y.vault.example"]
  tls:
  - {match: [{sniHosts: [x.vault.example]}], route: [{destination: {host: x.vault.example, subset: v1}}]}
  - {match: [{sniHosts: ["*.y.vault.example"]}], route: [{destination: {host: x.vault.example, subset: v2}}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: calls, namespace: a}
spec: {host: calls, trafficPolicy: {loadBalancer: {simple: ROUND_ROBIN}}}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: db, namespace: a}
spec: {host: db, subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}]}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge, namespace: a}
spec: {servers: [{port: {number: ${tcpPort}, name: tcp, protocol: TCP}, hosts: ["*"]}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: db, namespace: a}
spec:
  hosts: [db]
  gateways: [edge]
  tcp:
  - route:
    - {destination: {host: db, subset: v1}, weight: 70}
    - {destination: {host: db, subset: v2}, weight: 30}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: sockets, namespace: a}
spec:
  hosts: [sockets]
  http:
  - match: [{uri: {prefix: /chat/}}]
    timeout: 0.3s
    rewrite: {uri: /}
    route: [{destination: {host: sockets}}]
  - route: [{destination: {host: sockets}}]
${entry("calls", "{number: 80, name: grpc, protocol: GRPC}", [endpoint("grpc", grpcA), endpoint("grpc", grpcB)].join("\n"))}
${entry("api", "{number: 80, name: http2, protocol: HTTP2}", endpoint("http2", h2))}
${entry("sockets", "{number: 80, name: http, protocol: HTTP}", endpoint("http", webSocket))}
${entry("cache", tcp, [endpoint("tcp", tcpA), endpoint("tcp", tcpB, "v2")].join("\n")).replace("  resolution", `  addresses: [${virtualAddress}]\n  resolution`)}
${entry("vault", tls, [endpoint("tls", tlsA), endpoint("tls", tlsB, "v2")].join("\n"))
  .replace("vault.a.svc.cluster.local", "x.vault.example")
  .replace("  resolution", `  addresses: [${virtualAddress}]\n  resolution`)}
${entry("db", "{number: 5432, name: tcp, protocol: TCP}", [endpoint("tcp", tcpA), endpoint("tcp", tcpB, "v2")].join("\n"))}`;
  mesh = await startTestMesh({ files: { "mesh.yaml": yaml }, services: [] });
});

after(async () => {
  await mesh?.close();
  for (const close of opened.reverse()) close();
  await closeServices();
});

function grpcClient(): grpc.Client {
  const options = { "grpc.default_authority": "calls" };
  const client = new grpc.Client(`127.0.0.1:${mesh.port}`, grpc.credentials.createInsecure(), options);
  opened.push(() => client.close());
  return client;
}

const unary = (client: grpc.Client, request: string): Promise<string> =>
  new Promise((resolve, reject) =>
    client.makeUnaryRequest(calls.unary.path, plainBytes, plainBytes, Buffer.from(request), (error, reply) =>
      error === null ? resolve(String(reply)) : reject(error),
    ),
  );

test("gRPC: calls on one connection are balanced one by one", async () => {
  const client = grpcClient();
  const names: string[] = [];
  for (let i = 0; i < 40; i++) names.push(await unary(client, "who"));
  const ofA = names.filter((name) => name === "a").length;
  assert.ok(Math.abs(ofA - 20) <= 1, `${ofA} of 40`);
  const sessions = await mesh.envoy.admin("/stats?filter=http.mesh.downstream_cx_http2_total");
  assert.match(sessions, /: 1$/m);
});

test("gRPC: a status other than OK reaches the client as it is", async () => {
  await assert.rejects(unary(grpcClient(), "fail"), {
    code: grpc.status.NOT_FOUND,
    details: "no such thing",
  });
});

test("gRPC: a stream of answers arrives whole and in order", async () => {
  const seen: number[] = [];
  const { path } = calls.count;
  const stream = grpcClient().makeServerStreamRequest(path, plainBytes, plainBytes, Buffer.from("500"));
  for await (const message of stream) seen.push(Number(String(message)));
  assert.deepEqual(
    seen,
    Array.from({ length: 500 }, (_, i) => i + 1),
  );
});

test("gRPC: two streams both ways on one connection, on two instances, message by message", async () => {
  const client = grpcClient();
  const open = () => client.makeBidiStreamRequest(calls.echo.path, plainBytes, plainBytes);
  const streams = [open(), open()];
  const instances = new Set<string>();
  for (const text of ["one", "two", "three"]) {
    for (const stream of streams) {
      stream.write(Buffer.from(text));
      const [answer] = (await once(stream, "data")) as [Buffer];
      const [instance = "", said] = String(answer).split(" ");
      instances.add(instance);
      assert.equal(said, text);
    }
  }
  assert.deepEqual([...instances].sort(), ["a", "b"]);
  for (const stream of streams) {
    stream.end();
    await once(stream, "end");
  }
});

async function overHttp2(authority: string): Promise<string> {
  const session: ClientHttp2Session = connectHttp2(`http://127.0.0.1:${mesh.port}`);
  try {
    const stream = session.request({ ":path": "/", ":authority": authority });
    return await text(stream);
  } finally {
    session.destroy();
  }
}

test("HTTP/2 without TLS, by prior knowledge, on either side and on both", async () => {
  assert.equal(await overHttp2("api"), "HTTP/2.0");
  assert.equal((await mesh.request({ host: "api" })).body, "HTTP/2.0");
  assert.equal(await overHttp2("sockets"), "HTTP/1.1");
});

function upgrade(path: string) {
  const headers = { host: "sockets", connection: "Upgrade", upgrade: "websocket" };
  return new Promise<{ path: unknown; socket: import("node:stream").Duplex }>((resolve, reject) => {
    const sent = httpRequest({ port: mesh.port, host: "127.0.0.1", path, headers });
    sent.on("upgrade", (response, socket) => resolve({ path: response.headers["x-path"], socket }));
    sent.on("response", ({ statusCode }) => reject(new Error(`answered ${statusCode}`)));
    sent.on("error", reject).end();
  });
}

test("WebSocket: upgraded, rewritten, and open for longer than the route's timeout", async () => {
  const { path, socket } = await upgrade("/chat/room");
  opened.push(() => socket.destroy());
  assert.equal(path, "/room");
  const started = performance.now();
  for (const said of ["hello", "still here"]) {
    socket.write(said);
    const [answer] = (await once(socket, "data")) as [Buffer];
    assert.equal(String(answer), said.toUpperCase());
    await waitFor("the timeout is over", async () => performance.now() - started > 400);
  }
});

test("TCP: connections through a Gateway by weight", async () => {
  const seen = { a: 0, b: 0 };
  const ask = async (): Promise<void> => {
    const socket = connectTcp(tcpPort, "127.0.0.1");
    seen[(await text(socket)) as "a" | "b"] += 1;
  };
  for (let i = 0; i < 400; i += 20) await Promise.all(Array.from({ length: 20 }, ask));
  assert.equal(seen.a + seen.b, 400);
  // Five standard deviations of 400 draws.
  assert.ok(Math.abs(seen.b - 120) <= 46, `${seen.b} of 400 is not 30 %`);
});

test("TCP: a service of the mesh by its virtual address", async () => {
  assert.equal(await text(connectTcp(cachePort, virtualAddress)), "b");
});

test("TLS: passed through by the name that the client asks for, of the mesh too", async () => {
  const ask = (servername: string): Promise<string> =>
    text(connectTls({ host: virtualAddress, port: vaultPort, servername, rejectUnauthorized: false }));
  assert.equal(await ask("x.vault.example"), "a");
  assert.equal(await ask("any.y.vault.example"), "b");
  await assert.rejects(ask("other.example"));
});
