// Parity with istiod at the edge: TLS in its modes, pass-through, TCP, redirects, and which hosts a server lets in.

import assert from "node:assert/strict";
import { createServer as createHttps, request as requestHttps, type Server as HttpsServer } from "node:https";
import { connect, createServer, type AddressInfo, type Server as TcpServer } from "node:net";
import { after, before, test } from "node:test";
import type { ConnectionOptions } from "node:tls";
import { Agent } from "undici";
import { authority, type Pair } from "../support/certificates.ts";
import { ask, startTestMesh, type TestMesh } from "../support/mesh.ts";
import { freePorts } from "../../cli/up/free-ports.ts";
import { waitFor } from "../support/wait.ts";
import { type Backend, startBackend } from "./backend.ts";
import { gatewaysYaml, secretReader, type Server, servers } from "./gateways.ts";
import { type Lab, startLab } from "./lab.ts";

type Ports = Record<Server, number>;

let lab: Lab;
let ours: TestMesh;
let backend: Backend;
let passed: HttpsServer;
let bytes: TcpServer;
let sides: { istiod: Ports; ours: Ports };
let client: Pair;
let stranger: Pair;
const agent = new Agent({ connections: 2 });

const portOf = (server: HttpsServer | TcpServer): number => (server.address() as AddressInfo).port;
const listen = (server: HttpsServer | TcpServer) =>
  new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
const onServers = (ports: readonly number[]): Ports =>
  Object.fromEntries(servers.map((name, i) => [name, ports[i] ?? 0])) as Ports;

before(async () => {
  const root = await authority("Sluice tests");
  const [pair, own] = [
    await root.issue({ name: "simple.example" }),
    await root.issue({ name: "passthrough.example" }),
  ];
  client = await root.issue({ name: "operator" });
  stranger = await (await authority("Somebody")).issue({ name: "stranger" });
  backend = await startBackend("web");
  passed = createHttps({ cert: own.certificate, key: own.key }, (_, response) =>
    response.end("past the proxy"),
  );
  bytes = createServer((socket) => socket.pipe(socket));
  await Promise.all([listen(passed), listen(bytes)]);
  const all = await freePorts(2 * servers.length);
  sides = { istiod: onServers(all.slice(0, servers.length)), ours: onServers(all.slice(servers.length)) };
  const backends = { http: backend.port, tls: portOf(passed), tcp: portOf(bytes) };
  const yaml = (ports: Ports): string => gatewaysYaml({ ports, backends, pair, ca: root.ca });
  lab = await startLab({ services: [] });
  await lab.apply(`${yaml(sides.istiod)}---${secretReader}`);
  await lab.proxy({ name: "gw", labels: { istio: "gw" }, address: "127.0.9.1" });
  ours = await startTestMesh({ files: { "gateways.yaml": yaml(sides.ours) }, services: [] });
  for (const ports of Object.values(sides)) {
    await waitFor(
      "TLS is served",
      async () => (await overTls(ports.simple, "simple.example")) === "200 web",
      60_000,
    );
  }
});
after(async () => {
  await agent.close();
  await ours?.close();
  await lab?.close();
  passed?.close();
  passed?.closeAllConnections();
  bytes?.close();
  await backend?.close();
});

/** Status and backend, or why there was no answer: a refused handshake is one word for both sides. */
function overTls(port: number, host: string, options: ConnectionOptions = {}): Promise<string> {
  return new Promise((resolve) => {
    const headers = { host };
    const given = {
      rejectUnauthorized: false,
      agent: false as const,
      servername: host,
      timeout: 5_000,
      ...options,
    };
    const request = requestHttps({ host: "127.0.0.1", port, path: "/", headers, ...given }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (text: string) => {
        body += text;
      });
      response.on("end", () => {
        const name = body.startsWith("{") ? (JSON.parse(body) as { version: string }).version : body;
        resolve(`${response.statusCode} ${name}`);
      });
    });
    request.on("timeout", () => request.destroy());
    request.on("error", () => resolve("refused"));
    request.end();
  });
}

async function plain(port: number, host: string): Promise<string> {
  const { status, headers } = await ask(agent, port, { host });
  return `${status} ${headers.location ?? ""}`.replace(String(port), "PORT");
}

function echoed(port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.write("there and back"));
    socket.setEncoding("utf8");
    socket.once("data", (text: string) => {
      resolve(text);
      socket.destroy();
    });
    socket.once("error", () => resolve("refused"));
    socket.once("close", () => resolve("closed"));
  });
}

/** Each by name, with what both sides must give. */
const questions: [string, (ports: Ports) => Promise<string>, string][] = [
  ["TLS", (p) => overTls(p.simple, "simple.example"), "200 web"],
  ["TLS, a host under a pattern", (p) => overTls(p.simple, "a.simple.example"), "200 web"],
  ["TLS, a host under the pattern without routes", (p) => overTls(p.simple, "b.simple.example"), "404 "],
  ["TLS, a name that no server has", (p) => overTls(p.simple, "other.example"), "refused"],
  ["TLS, no name", (p) => overTls(p.simple, "simple.example", { servername: "" }), "refused"],
  [
    "TLS 1.1",
    (p) => overTls(p.simple, "simple.example", { maxVersion: "TLSv1.1", minVersion: "TLSv1" }),
    "refused",
  ],
  ["mutual TLS without a certificate", (p) => overTls(p.mutual, "mutual.example"), "refused"],
  [
    "mutual TLS",
    (p) => overTls(p.mutual, "mutual.example", { cert: client.certificate, key: client.key }),
    "200 web",
  ],
  [
    "mutual TLS, a stranger",
    (p) => overTls(p.mutual, "mutual.example", { cert: stranger.certificate, key: stranger.key }),
    "refused",
  ],
  ["optional TLS without a certificate", (p) => overTls(p.optional, "optional.example"), "200 web"],
  [
    "optional TLS, a stranger",
    (p) => overTls(p.optional, "optional.example", { cert: stranger.certificate, key: stranger.key }),
    "refused",
  ],
  ["passed through", (p) => overTls(p.passthrough, "passthrough.example"), "200 past the proxy"],
  ["passed through, another name", (p) => overTls(p.passthrough, "other.example"), "refused"],
  ["redirected to https", (p) => plain(p.redirect, "redirect.example"), "301 https://redirect.example/"],
  ["not redirected: another host", (p) => plain(p.redirect, "other.example"), "404 "],
  ["bytes", (p) => echoed(p.tcp), "there and back"],
  ["a host of the namespace", (p) => plain(p.scoped, "scoped.example"), "200 "],
  ["a host of the Gateway's own namespace", (p) => plain(p.scoped, "own.example"), "200 "],
  ["a host of another namespace", (p) => plain(p.scoped, "hidden.example"), "404 "],
  ["two servers on a port: one", (p) => plain(p.several, "one.example"), "200 "],
  ["two servers on a port: the other", (p) => plain(p.several, "x.two.example"), "200 "],
  ["two servers on a port: none", (p) => plain(p.several, "two.example"), "404 "],
];

for (const [name, question, expected] of questions) {
  test(name, async () => {
    assert.deepEqual([await question(sides.istiod), await question(sides.ours)], [expected, expected]);
  });
}
