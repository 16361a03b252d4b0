// Gateways with TLS in a real Envoy: certificates by SDS, chains by the name asked for, pass-through, connections,
// redirects, and key pairs that are exchanged under load.

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { Agent, createServer, request } from "node:https";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { connect, type TLSSocket } from "node:tls";
import { type Authority, authority, type Pair } from "./support/certificates.ts";
import { type Answer, startTestMesh, type TestMesh } from "./support/mesh.ts";
import { freePorts } from "../cli/up/free-ports.ts";
import { waitFor } from "./support/wait.ts";

let mesh: TestMesh;
let root: Authority;
let clients: Authority;
let pairs: Record<"shop" | "admin" | "pay" | "raw" | "client" | "stranger", Pair>;
let tlsPort = 0;
let plainPort = 0;
let bytesPort = 0;
let backend: ReturnType<typeof createServer>;

const base64 = (text: string): string => Buffer.from(text).toString("base64");

before(async () => {
  root = await authority("Sluice tests");
  clients = await authority("Clients of the tests");
  const issue = (name: string): Promise<Pair> => root.issue({ name });
  const stranger = await (await authority("Somebody")).issue({ name: "stranger" });
  pairs = {
    shop: await issue("shop.example.com"),
    admin: await issue("admin.example.com"),
    pay: await issue("pay.example.com"),
    raw: await issue("raw.example.com"),
    client: await clients.issue({ name: "operator" }),
    stranger,
  };
  [tlsPort = 0, plainPort = 0, bytesPort = 0] = await freePorts(3);
  backend = createServer({ cert: pairs.raw.certificate, key: pairs.raw.key }, (_, response) => {
    response.end("past the proxy");
  });
  await new Promise<void>((resolve) => backend.listen(0, "127.0.0.1", resolve));
  mesh = await startTestMesh({
    services: ["v1"],
    files: {
      "mesh.yaml": meshYaml((backend.address() as AddressInfo).port),
      "gateway.yaml": gatewayYaml(),
      "secret.yaml": secretYaml(pairs.pay),
      "certs/shop.pem": pairs.shop.certificate,
      "certs/shop.key": pairs.shop.key,
      "certs/admin.pem": pairs.admin.certificate,
      "certs/admin.key": pairs.admin.key,
      "certs/clients.pem": clients.ca,
    },
  });
  await waitFor("the port with TLS", () => served("shop.example.com"));
});

after(async () => {
  await mesh?.close();
  backend?.close();
});

const gatewayYaml = (): string => `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge, namespace: shop}
spec:
  servers:
  - port: {number: ${tlsPort}, name: https-shop, protocol: HTTPS}
    hosts: [shop.example.com, "*/*.shop.example.com"]
    tls: {mode: SIMPLE, serverCertificate: certs/shop.pem, privateKey: certs/shop.key, minProtocolVersion: TLSV1_3}
  - port: {number: ${tlsPort}, name: https-admin, protocol: HTTPS}
    hosts: [./admin.example.com]
    tls: {mode: MUTUAL, serverCertificate: certs/admin.pem, privateKey: certs/admin.key, caCertificates: certs/clients.pem}
  - port: {number: ${tlsPort}, name: https-pay, protocol: HTTPS}
    hosts: [pay.example.com]
    tls: {mode: OPTIONAL_MUTUAL, credentialName: pay, maxProtocolVersion: TLSV1_2, cipherSuites: [ECDHE-ECDSA-AES256-GCM-SHA384]}
  - port: {number: ${tlsPort}, name: tls-raw, protocol: TLS}
    hosts: [raw.example.com]
    tls: {mode: PASSTHROUGH}
  - port: {number: ${plainPort}, name: http, protocol: HTTP}
    hosts: [shop.example.com, pay.example.com]
    tls: {httpsRedirect: true}
  - port: {number: ${plainPort}, name: http-open, protocol: HTTP}
    hosts: [open.example.com]
  - port: {number: ${bytesPort}, name: bytes, protocol: TCP}
    hosts: ["*"]
`;

const secretYaml = (pair: Pair): string => `
apiVersion: v1
kind: Secret
metadata: {name: pay, namespace: shop}
type: kubernetes.io/tls
data:
  tls.crt: ${base64(pair.certificate)}
  tls.key: ${base64(pair.key)}
  ca.crt: ${base64(clients.ca)}
`;

const meshYaml = (backendPort: number): string => `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: web, namespace: shop}
spec:
  hosts: [web.shop.svc.cluster.local]
  ports: [{number: 80, name: http, protocol: HTTP}]
  resolution: STATIC
  endpoints: [{address: 127.0.0.1, ports: {http: {v1}}}]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: raw, namespace: shop}
spec:
  hosts: [raw.shop.svc.cluster.local]
  ports: [{number: 443, name: tls, protocol: TLS}]
  resolution: STATIC
  endpoints: [{address: 127.0.0.1, ports: {tls: ${backendPort}}}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web, namespace: shop}
spec:
  hosts: [shop.example.com, eu.shop.example.com, admin.example.com, pay.example.com, open.example.com]
  gateways: [edge]
  http: [{name: all, route: [{destination: {host: web}}]}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: raw, namespace: shop}
spec:
  hosts: [raw.example.com]
  gateways: [edge]
  tls: [{match: [{sniHosts: [raw.example.com]}], route: [{destination: {host: raw}}]}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: bytes, namespace: shop}
spec:
  hosts: ["*"]
  gateways: [edge]
  tcp: [{match: [{port: ${bytesPort}}], route: [{destination: {host: web}}]}]
`;

interface Reply {
  status: number;
  location: string | undefined;
  body: string;
  serial: string;
  protocol: string | null;
}

interface Asking {
  pair?: Pair;
  agent?: Agent;
  tls?: object;
}

/** A request in TLS, by its name. */
async function ask(name: string, { pair, agent, tls = {} }: Asking = {}): Promise<Reply> {
  const outgoing = request({
    host: "127.0.0.1",
    port: tlsPort,
    servername: name,
    headers: { host: name },
    ca: root.ca,
    agent: agent ?? new Agent({ keepAlive: false }),
    ...(pair === undefined ? {} : { cert: pair.certificate, key: pair.key }),
    ...tls,
  });
  outgoing.end();
  const [response] = await once(outgoing, "response");
  const { serialNumber } = (response.socket as TLSSocket).getPeerCertificate();
  const protocol = (response.socket as TLSSocket).getProtocol();
  let body = "";
  for await (const chunk of response) body += chunk;
  return {
    status: response.statusCode,
    location: response.headers.location,
    body,
    serial: serialNumber.toUpperCase().replace(/^0+/, ""),
    protocol,
  };
}

const served = (name: string): Promise<boolean> =>
  ask(name).then(
    ({ status }) => status === 200,
    () => false,
  );

const told = (): string[] =>
  mesh.server.state().diagnostics.map(({ path, message }) => `${path}: ${message}`);

const stat = async (name: string): Promise<number> =>
  Number(/: (\d+)/.exec(await mesh.envoy.admin(`/stats?filter=^${name}$`))?.[1] ?? -1);

test("each name gets its own certificate; a wildcard of the server's hosts counts", async () => {
  const shop = await ask("shop.example.com");
  assert.equal(shop.status, 200);
  assert.equal(shop.serial, pairs.shop.serial);
  assert.equal(shop.protocol, "TLSv1.3");
  const pay = await ask("pay.example.com");
  assert.deepEqual([pay.status, pay.serial, pay.protocol], [200, pairs.pay.serial, "TLSv1.2"]);
  const below = await ask("eu.shop.example.com", { tls: { checkServerIdentity: () => undefined } });
  assert.deepEqual([below.status, below.serial], [200, pairs.shop.serial]);
});

test("versions and ciphers that were not offered are refused", async () => {
  await assert.rejects(ask("shop.example.com", { tls: { maxVersion: "TLSv1.2" } }), /protocol version/i);
  const cipher = { maxVersion: "TLSv1.2", ciphers: "ECDHE-ECDSA-AES128-GCM-SHA256" };
  await assert.rejects(ask("pay.example.com", { tls: cipher }), /handshake failure/i);
});

test("HTTP/2 is agreed upon by ALPN", async () => {
  const session = connectHttp2(`https://shop.example.com:${tlsPort}`, {
    createConnection: () =>
      connect({
        host: "127.0.0.1",
        port: tlsPort,
        servername: "shop.example.com",
        ca: root.ca,
        ALPNProtocols: ["h2"],
      }),
  });
  const stream = session.request({ ":path": "/two" });
  const [headers] = await once(stream, "response");
  assert.equal(headers[":status"], 200);
  stream.resume();
  await once(stream, "close");
  session.close();
});

test("mutual: only with a certificate of the authority, and the service is told whose", async () => {
  const { status, body } = await ask("admin.example.com", { pair: pairs.client });
  assert.equal(status, 200);
  const { headers } = JSON.parse(body) as { headers: [string, string][] };
  const told = headers.find(([name]) => name === "x-forwarded-client-cert")?.[1] ?? "";
  assert.match(told, /Subject="CN=operator"/);
  await assert.rejects(ask("admin.example.com"), /certificate required|handshake failure|reset|hang up/i);
  await assert.rejects(
    ask("admin.example.com", { pair: pairs.stranger }),
    /unknown ca|bad certificate|reset|hang up/i,
  );
});

test("optional: without a certificate, with a good one, and not with a bad one", async () => {
  assert.equal((await ask("pay.example.com")).status, 200);
  assert.equal((await ask("pay.example.com", { pair: pairs.client })).status, 200);
  await assert.rejects(
    ask("pay.example.com", { pair: pairs.stranger }),
    /unknown ca|bad certificate|reset|hang up/i,
  );
});

test("pass-through: the service's own certificate, the proxy sees nothing", async () => {
  const { body, serial } = await ask("raw.example.com");
  assert.deepEqual([body, serial], ["past the proxy", pairs.raw.serial]);
});

test("plain HTTP is redirected to https where asked for, and served elsewhere", async () => {
  const plain = (host: string): Promise<Answer> => mesh.request({ host, path: "/a?b=c", port: plainPort });
  const redirected = await plain("shop.example.com");
  assert.deepEqual([redirected.status, redirected.headers.location], [301, "https://shop.example.com/a?b=c"]);
  assert.equal((await plain("open.example.com")).status, 200);
});

test("a port of TCP takes whatever comes", async () => {
  const answer = await mesh.request({ host: "whatever", port: bytesPort });
  assert.equal(answer.echo().version, "v1");
});

test("a key pair is exchanged under load: no request fails, no listener is touched", async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 4 });
  const changes = await stat("listener_manager.listener_modified");
  let failed = 0;
  let running = true;
  const load = Array.from({ length: 4 }, async () => {
    while (running) {
      for (const own of [agent, undefined]) {
        const ok = await ask("shop.example.com", own === undefined ? {} : { agent: own }).then(
          ({ status }) => status === 200,
          () => false,
        );
        if (!ok) failed++;
      }
    }
  });
  const first = pairs.shop;
  for (const rsaBits of [undefined, 2048]) {
    const kind = rsaBits === undefined ? {} : { rsaBits };
    pairs.shop = await root.issue({ name: "shop.example.com", ...kind });
    // Between the two writes the pair does not fit; that one is refused.
    await mesh.write("certs/shop.pem", pairs.shop.certificate);
    await mesh.write("certs/shop.key", pairs.shop.key);
    await waitFor(
      "the new certificate",
      async () => (await ask("shop.example.com")).serial === pairs.shop.serial,
    );
  }
  running = false;
  await Promise.all(load);
  agent.destroy();
  assert.notEqual(pairs.shop.serial, first.serial);
  assert.equal(failed, 0);
  assert.equal(await stat("listener_manager.listener_modified"), changes);
  assert.equal(await stat("listener_manager.total_listeners_draining"), 0);
});

test("a broken, a foreign or an expired pair is refused with file and reason, and the last good one stays", async () => {
  const { serial } = pairs.shop;
  const other = await root.issue({ name: "shop.example.com" });
  const old = await root.issue({ name: "shop.example.com", until: new Date(Date.now() - 1000) });
  const small = await root.issue({ name: "shop.example.com", rsaBits: 1024 });
  const cases: [string, Pair | { certificate: string; key: string }, RegExp][] = [
    [
      "damaged",
      { ...pairs.shop, certificate: "nonsense" },
      /certs\/shop\.pem: there is no certificate in it/,
    ],
    [
      "another key",
      { ...pairs.shop, key: other.key },
      /certs\/shop\.key: it is not the key of the first certificate/,
    ],
    ["expired", old, /certs\/shop\.pem: the certificate has expired: it was valid until/],
    ["weak", small, /certs\/shop\.key: the RSA key has 1024 bits; Envoy takes 2048 and more/],
  ];
  for (const [name, pair, reason] of cases) {
    await mesh.write("certs/shop.key", pair.key);
    await mesh.write("certs/shop.pem", pair.certificate);
    const [only, ...more] = told();
    assert.match(only ?? "", reason, name);
    assert.match(only ?? "", /serverCertificate: .* The last good one stays in use\.$/, name);
    assert.deepEqual(more, [], name);
    assert.equal((await ask("shop.example.com")).serial, serial, name);
    // Other edits take effect meanwhile.
    assert.equal(mesh.server.state().isLastGood, false, name);
  }
  await mesh.write("certs/shop.pem", pairs.shop.certificate);
  await mesh.write("certs/shop.key", pairs.shop.key);
  assert.deepEqual(told(), []);
});

test("a Secret is exchanged as its YAML is", async () => {
  pairs.pay = await root.issue({ name: "pay.example.com" });
  await mesh.apply("secret.yaml", secretYaml(pairs.pay), async () => {
    return (await ask("pay.example.com")).serial === pairs.pay.serial;
  });
});

test("a changed file is noticed without a change of YAML", async () => {
  const { writeFile } = await import("node:fs/promises");
  pairs.admin = await root.issue({ name: "admin.example.com" });
  await writeFile(`${mesh.directory}/certs/admin.pem`, pairs.admin.certificate);
  await writeFile(`${mesh.directory}/certs/admin.key`, pairs.admin.key);
  await waitFor("the new certificate", async () => {
    return (await ask("admin.example.com", { pair: pairs.client })).serial === pairs.admin.serial;
  });
});
