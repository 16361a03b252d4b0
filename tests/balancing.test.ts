// What DestinationRules and ServiceEntries do to connections and requests, beside what the examples show: TLS with
// certificates that are exchanged, protocols, the PROXY protocol, sockets, shares in numbers, panic.

import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer as createHttp, type IncomingMessage, type ServerResponse } from "node:http";
import { createSecureServer as createSecureHttp2, createServer as createHttp2 } from "node:http2";
import { createServer as createHttps } from "node:https";
import { type AddressInfo, createServer as createTcp, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { TLSSocket } from "node:tls";
import { type Authority, authority, type Pair } from "./support/certificates.ts";
import { startTestMesh, type TestMesh } from "./support/mesh.ts";
import { waitFor } from "./support/wait.ts";

let mesh: TestMesh;
let root: Authority;
let client: Pair;
let sockets = "";
const servers: Server[] = [];
/** Of each connection that the plain server accepted. */
let connections = 0;

const portOf = (server: Server): number => (server.address() as AddressInfo).port;

async function listening<S extends Server>(server: S, at: number | string = 0): Promise<S> {
  servers.push(server);
  if (typeof at === "string") server.listen(at);
  else server.listen(at, "127.0.0.1");
  await once(server, "listening");
  return server;
}

const answer =
  (text: (request: IncomingMessage) => string) => (request: IncomingMessage, response: ServerResponse) =>
    response.end(text(request));

const host = (name: string) => `${name}.a.svc.cluster.local`;

const entry = (name: string, port: string, endpoints: string, resolution = "STATIC") => `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: ${name}, namespace: a}
spec:
  hosts: [${host(name)}]
  resolution: ${resolution}
  ports: [{number: 80, name: http${port}}]
  endpoints: [${endpoints}]
---`;

const rule = (name: string, policy: string) => `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: ${name}, namespace: a}
spec: {host: ${host(name)}, trafficPolicy: {${policy}}}
---`;

const at = (port: number | string, more = "") => `{address: 127.0.0.1, ports: {http: ${port}}${more}}`;

before(async () => {
  root = await authority("Sluice tests");
  client = await root.issue({ name: "first" });
  const pair = await root.issue({ name: host("tls") });
  sockets = await mkdtemp(join(tmpdir(), "sluice-sockets-"));
  const tls = await listening(
    createHttps(
      { cert: pair.certificate, key: pair.key, ca: root.ca, requestCert: true, rejectUnauthorized: true },
      answer(({ socket }) => String((socket as TLSSocket).getPeerCertificate().subject.CN)),
    ),
  );
  const http2 = await listening(createHttp2((request, response) => response.end(request.httpVersion)));
  const other = await listening(createHttp2((_, response) => response.end("other")));
  const named = await root.issue({ name: host("alpn") });
  const alpn = await listening(
    createSecureHttp2({ cert: named.certificate, key: named.key }, (request, response) =>
      response.end(`${request.httpVersion} over TLS`),
    ),
  );
  const plain = await listening(createHttp(answer(({ httpVersion }) => httpVersion)));
  plain.on("connection", () => {
    connections += 1;
  });
  const proxied = await listening(
    createTcp((socket) =>
      socket.once("data", (data) => {
        const [line = ""] = data.toString("latin1").split("\r\n");
        socket.end(`HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: ${line.length}\r\n\r\n${line}`);
      }),
    ),
  );
  const path = join(sockets, "app.sock");
  await listening(createHttp(answer(() => "by a socket")), path);

  const simple = "tls: {mode: SIMPLE, caCertificates: certs/ca.pem}";
  mesh = await startTestMesh({
    services: ["v1", "v2"],
    locality: "eu/de/a",
    files: {
      "certs/ca.pem": root.ca,
      "certs/other.pem": (await authority("Somebody else")).ca,
      "certs/client.pem": client.certificate,
      "certs/client.key": client.key,
      "mesh.yaml": [
        entry("tls", "", at(portOf(tls))),
        rule(
          "tls",
          "connectionPool: {http: {maxRequestsPerConnection: 1}}, tls: {mode: MUTUAL, caCertificates: certs/ca.pem, clientCertificate: certs/client.pem, privateKey: certs/client.key}",
        ),
        entry("stranger", "", at(portOf(tls))),
        rule("stranger", simple.replace("ca.pem", "other.pem")),
        entry("misnamed", "", at(portOf(tls))),
        rule("misnamed", simple),
        entry("h2", ", protocol: HTTP2", at(portOf(http2))),
        entry("alpn", ", protocol: GRPC", at(portOf(alpn))),
        rule("alpn", simple),
        entry("spread", ", protocol: GRPC", `${at(portOf(http2))}, ${at(portOf(other))}`),
        rule("spread", "loadBalancer: {simple: ROUND_ROBIN}"),
        entry("through", "", at(portOf(plain))),
        rule("through", "loadBalancer: {simple: PASSTHROUGH}"),
        ...unusual,
        entry("upgraded", "", at(portOf(http2))),
        rule("upgraded", "connectionPool: {http: {h2UpgradePolicy: UPGRADE}}"),
        entry("plain", "", at(portOf(plain))),
        rule("plain", "connectionPool: {http: {maxRequestsPerConnection: 1}}"),
        entry("proxied", "", at(portOf(proxied))),
        rule("proxied", "proxyProtocol: {version: V1}"),
        entry("socket", "", `{address: "unix://${path}"}`),
        entry("named", "", `{address: localhost, ports: {http: ${portOf(plain)}}}`, "DNS_ROUND_ROBIN"),
        entry("weighted", "", `${at("{v1}", ", weight: 3")}, ${at("{v2}")}`),
        rule("weighted", "loadBalancer: {simple: ROUND_ROBIN}"),
        entry("shared", "", `${at("{v1}", ", locality: eu/de/a")}, ${at("{v2}", ", locality: us/ny/a")}`),
        rule(
          "shared",
          'loadBalancer: {localityLbSetting: {distribute: [{from: "eu/*", to: {eu/de/a: 80, "us/*": 20}}]}}',
        ),
        entry("hashed", "", `${at("{v1}")}, ${at("{v2}")}`),
        rule("hashed", "loadBalancer: {consistentHash: {httpQueryParameterName: user}}"),
        entry("sourced", "", `${at("{v1}")}, ${at("{v2}")}`),
        rule("sourced", "loadBalancer: {consistentHash: {useSourceIp: true, maglev: {tableSize: 1009}}}"),
        entry("calm", "", `${at("{v1}")}, ${at(1)}`),
        rule("calm", ejecting("")),
        entry("panic", "", `${at("{v1}")}, ${at(1)}`),
        rule("panic", ejecting(", minHealthPercent: 60")),
      ].join("\n"),
    },
  });
});

const everything =
  "loadBalancer: {consistentHash: {useSourceIp: true}, localityLbSetting: {failover: [{from: eu, to: us}]}}, outlierDetection: {}, connectionPool: {tcp: {tcpKeepalive: {time: 10s}}, http: {h2UpgradePolicy: UPGRADE}}, proxyProtocol: {version: V2}, retryBudget: {}";

const pattern = (name: string, policy: string) =>
  `${entry(name, "", "", "DYNAMIC_DNS")
    .replace(`[${host(name)}]`, `["*.${name}.localhost"]`)
    .replace(/endpoints.*/, "")}
${rule(name, policy).replace(host(name), `"*.${name}.localhost"`)}`;

const checked = (name: string, check: string) => `
apiVersion: sluice.traffic/v1alpha1
kind: HealthCheckPolicy
metadata: {name: ${name}, namespace: a}
spec: {host: ${host(name)}, ${check}}
---`;

/** Settings together that Envoy might refuse: one such cluster would keep all the others from it. */
const unusual = [
  pattern("any", everything),
  pattern("any-tls", "tls: {mode: SIMPLE}"),
  pattern("any-sni", "tls: {mode: SIMPLE, sni: a.test}"),
  pattern("any-trusting", "tls: {mode: SIMPLE, insecureSkipVerify: true}"),
  entry("all-static", "", `${at(9, ", locality: eu/de/a")}, ${at(9, ", locality: us/ny/a")}`),
  rule("all-static", everything),
  checked("all-static", "grpc: {service: x}"),
  entry(
    "all-dns",
    "",
    "{address: localhost, locality: eu/de/a}, {address: localhost, locality: us/ny/a}",
    "DNS",
  ),
  rule("all-dns", everything),
  checked("all-dns", "http: {path: /}"),
  entry("all-first", "", "{address: localhost}", "DNS_ROUND_ROBIN"),
  rule("all-first", everything),
  checked("all-first", "tcp: {}"),
  entry("all-through", "", at(9)),
  rule("all-through", "loadBalancer: {simple: PASSTHROUGH}, outlierDetection: {}, tls: {mode: SIMPLE}"),
  checked("all-through", "tcp: {}"),
];

/** Connections to port 1 fail, so that its endpoint is left out. */
const ejecting = (more: string) =>
  `loadBalancer: {simple: ROUND_ROBIN}, outlierDetection: {consecutive5xxErrors: 1, interval: 1s, baseEjectionTime: 10m, maxEjectionPercent: 100${more}}`;

after(async () => {
  await mesh?.close();
  for (const server of servers) server.close();
  if (sockets !== "") await rm(sockets, { recursive: true });
});

const ask = (name: string, path = "/") => mesh.request({ host: host(name), path });

async function versions(name: string, count: number, path: (i: number) => string = () => "/") {
  const answers = await Promise.all([...Array(count).keys()].map((i) => ask(name, path(i))));
  return answers.map((a) => (a.status === 200 ? a.echo().version : String(a.status)));
}

test("Envoy takes every setting together with the others", async () => {
  const states = () => mesh.server.proxies().flatMap(({ types }) => Object.values(types));
  await waitFor("all is acknowledged", () => states().every(({ state }) => state !== "pending"));
  assert.deepEqual(
    states().filter(({ state }) => state !== "synced"),
    [],
  );
});

test("TLS with a certificate of one's own, which is exchanged without a restart", async () => {
  assert.equal((await ask("tls")).body, "first");
  const next = await root.issue({ name: "second" });
  await writeFile(join(mesh.directory, "certs/client.key"), next.key);
  await writeFile(join(mesh.directory, "certs/client.pem"), next.certificate);
  await waitFor("the new certificate", async () => (await ask("tls")).body === "second");
});

test("a certificate of another authority, and one for another name, are refused", async () => {
  const refusals = async (name: string, why: string) => {
    assert.equal((await ask(name)).status, 503);
    const stats = await mesh.envoy.admin(`/stats?filter=${name}.*ssl.fail_verify_${why}`);
    return Number(/: (\d+)/.exec(stats)?.[1]);
  };
  assert.ok((await refusals("stranger", "error")) > 0);
  assert.ok((await refusals("misnamed", "san")) > 0);
});

test("HTTP/2 to the endpoints, by the port's protocol and by upgrade", async () => {
  assert.equal((await ask("h2")).body, "2.0");
  assert.equal((await ask("upgraded")).body, "2.0");
});

test("HTTP/2 over TLS is agreed on in its handshake", async () => {
  assert.equal((await ask("alpn")).body, "2.0 over TLS");
});

test("requests are balanced one by one over connections that stay open", async () => {
  const answers: string[] = [];
  for (let i = 0; i < 20; i++) answers.push((await ask("spread")).body);
  assert.equal(answers.filter((body) => body === "other").length, 10);
});

test("PASSTHROUGH reaches nothing where no connection was redirected", async () => {
  assert.equal((await ask("through")).status, 503);
});

test("one request on each connection", async () => {
  connections = 0;
  for (let i = 0; i < 5; i++) assert.equal((await ask("plain")).body, "1.1");
  assert.equal(connections, 5);
});

test("the PROXY protocol tells the client's address", async () => {
  assert.match((await ask("proxied")).body, /^PROXY TCP4 127\.0\.0\.1 127\.0\.0\.1 \d+ \d+$/);
});

test("endpoints by a socket's path, and by the first address of a name", async () => {
  assert.equal((await ask("socket")).body, "by a socket");
  assert.equal((await ask("named")).body, "1.1");
});

/** Within four standard deviations: 1 run in 16,000 is outside. */
function assertShare(found: readonly string[], version: string, share: number): void {
  const count = found.filter((v) => v === version).length;
  const spread = 4 * Math.sqrt(found.length * share * (1 - share));
  const text = `${count} of ${found.length} went to ${version}, ${share * found.length} +- ${spread} are due`;
  assert.ok(Math.abs(count - share * found.length) <= spread, text);
}

test("endpoints by their weights, localities by their shares", async () => {
  assertShare(await versions("weighted", 400), "v1", 0.75);
  assertShare(await versions("shared", 400), "v1", 0.8);
});

test("by hash of a query parameter: one user one endpoint, many users all", async () => {
  assert.equal(new Set(await versions("hashed", 20, () => "/?user=alice&x=1")).size, 1);
  assert.equal(new Set(await versions("hashed", 60, (i) => `/?user=${i}`)).size, 2);
});

test("by hash of the client's address", async () => {
  assert.equal(new Set(await versions("sourced", 20)).size, 1);
});

test("a failing endpoint is left out; below minHealthPercent all get requests again", async () => {
  const isOut = async (name: string) =>
    new RegExp(`${host(name)}::127.0.0.1:1::health_flags::/failed_outlier_check`).test(
      await mesh.envoy.admin("/clusters"),
    );
  for (const name of ["calm", "panic"]) {
    await waitFor(
      `${name}'s endpoint is out`,
      async () => (await versions(name, 4)).length > 0 && isOut(name),
    );
  }
  const stat = async (name: string) =>
    Number(
      /lb_healthy_panic: (\d+)/.exec(await mesh.envoy.admin(`/stats?filter=${name}.*lb_healthy_panic`))?.[1],
    );
  // The workers hear of it within a second.
  await waitFor("the worker follows", async () => {
    await versions("panic", 4);
    return (await stat("panic")) > 0;
  });
  const before = await stat("panic");
  await versions("panic", 10);
  assert.ok((await stat("panic")) >= before + 10, "each request is balanced over all");
  assert.deepEqual(new Set(await versions("calm", 20)), new Set(["v1"]));
  assert.equal(await stat("calm"), 0);
});

const front = (to: string) => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: front, namespace: a}
spec: {hosts: [front.test], http: [{route: [{destination: {host: ${host(to)}}}], retries: {attempts: 0}}]}
---`;

test("requests move to a service only when its first checks are done, and none is lost", async () => {
  const slow = await listening(
    createHttp((request, response) => {
      const answerMs = request.url === "/healthz" ? 700 : 0;
      setTimeout(() => response.end("checked"), answerMs);
    }),
  );
  const ask = () => mesh.request({ host: "front.test" });
  await mesh.apply("front.yaml", front("plain"), async () => (await ask()).body === "1.1");
  const answers = new Map<string, number>();
  let isLoaded = true;
  const load = (async () => {
    while (isLoaded) {
      const { status, body } = await ask();
      answers.set(`${status} ${body}`, (answers.get(`${status} ${body}`) ?? 0) + 1);
    }
  })();
  const check = `
apiVersion: sluice.traffic/v1alpha1
kind: HealthCheckPolicy
metadata: {name: checked, namespace: a}
spec: {host: ${host("checked")}, http: {path: /healthz}, timeout: 5s, panicThreshold: 0}
`;
  const files = [entry("checked", "", at(portOf(slow))), front("checked"), check];
  await mesh.apply("front.yaml", files.join("\n"), async () => (await ask()).body === "checked");
  isLoaded = false;
  await load;
  assert.deepEqual([...answers.keys()].sort(), ["200 1.1", "200 checked"]);
});
