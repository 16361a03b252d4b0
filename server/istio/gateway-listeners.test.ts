// What Gateways become: listeners with their chains, and what is told of servers that cannot be together.

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { authority } from "../../tests/support/certificates.ts";
import { brief, resourcesOf } from "../fixture.ts";
import { build, type Built, type SnapshotOptions } from "../snapshot.ts";

let directory = "";
let pair = "";

before(async () => {
  directory = await mkdtemp(join(tmpdir(), "sluice-listeners-"));
  const { certificate, key } = await (await authority("tests")).issue({ name: "a.example.com" });
  await writeFile(join(directory, "a.pem"), certificate);
  await writeFile(join(directory, "a.key"), key);
  pair = `serverCertificate: ${directory}/a.pem, privateKey: ${directory}/a.key`;
});
after(() => rm(directory, { recursive: true }));

const options: SnapshotOptions = {
  listen: { host: "127.0.0.1", port: 10_000 },
  modules: {},
  delivery: "inline",
};

const mesh = `apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: web, namespace: a}
spec:
  hosts: [web.a.svc.cluster.local]
  ports: [{number: 80, name: http}]
  resolution: STATIC
  endpoints: [{address: 127.0.0.1}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web, namespace: a}
spec:
  hosts: [a.example.com, b.example.com]
  gateways: [GATEWAYS]
  http: [{route: [{destination: {host: web}}]}]
`;

const gateway = (name: string, ...servers: string[]): string => `---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: ${name}, namespace: a}
spec:
  servers: [${servers.join(", ")}]
`;

const server = (port: number, protocol: string, host: string, more = ""): string =>
  `{port: {number: ${port}, name: p-${host[0]}, protocol: ${protocol}}, hosts: ["${host}"]${more}}`;

const https = (port: number, host: string): string =>
  server(port, "HTTPS", host, `, tls: {mode: SIMPLE, ${pair}}`);

const built = async (yaml: string, more: Partial<SnapshotOptions> = {}): Promise<Built> =>
  build(await resourcesOf(mesh.replace("GATEWAYS", gatewaysIn(yaml)) + yaml), { ...options, ...more });

const gatewaysIn = (yaml: string): string => (yaml.includes("name: more") ? "edge, more" : "edge");

const shape = ({ mesh: { listeners } }: Built): string[] =>
  listeners
    .slice(1)
    .map((l) => `${l.name} ${l.routeConfig} [${l.serverNames}] ${l.virtualHosts.map((v) => v.name)}`);

test("plain servers of one port share a route table, whichever Gateways they are of", async () => {
  const result = await built(
    gateway("edge", server(8080, "HTTP", "a.example.com")) +
      gateway("more", server(8080, "HTTP2", "b.example.com")),
  );
  assert.deepEqual(result.diagnostics, []);
  assert.deepEqual(shape(result), ["127.0.0.1_8080 http.8080 [] a.example.com:8080,b.example.com:8080"]);
});

test("servers with TLS have a chain and a route table each, under Istio's names; one pair is one secret", async () => {
  const result = await built(gateway("edge", https(8443, "a.example.com"), https(8443, "*")));
  assert.deepEqual(result.diagnostics, []);
  assert.deepEqual(shape(result), [
    "127.0.0.1_8443 https.8443.p-a.edge.a [a.example.com] a.example.com:8443",
    "127.0.0.1_8443 https.8443.p-*.edge.a [] a.example.com:8443,b.example.com:8443",
  ]);
  assert.equal(result.mesh.secrets.length, 1);
});

test("an address of a server's own is another listener", async () => {
  const result = await built(
    gateway(
      "edge",
      server(8080, "HTTP", "a.example.com"),
      server(8080, "HTTP", "b.example.com", ", bind: 127.0.0.2"),
    ),
  );
  assert.deepEqual(shape(result), [
    "127.0.0.1_8080 http.8080 [] a.example.com:8080",
    "127.0.0.2_8080 http.8080.127.0.0.2 [] b.example.com:8080",
  ]);
});

const refusals: [string, () => string, RegExp][] = [
  [
    "a port that speaks two things",
    () => gateway("edge", server(8080, "HTTP", "a.example.com"), https(8080, "b.example.com")),
    /servers\[1\]\.port: Port 8080 speaks HTTP in Gateway a\/edge \(.*\), and cannot speak HTTPS too/,
  ],
  [
    "a name that is served twice",
    () => gateway("edge", https(8443, "a.example.com")) + gateway("more", https(8443, "a.example.com")),
    /servers\[0\]\.hosts: "a\.example\.com" is served on port 8443 already by Gateway a\/edge/,
  ],
  [
    "the mesh's own port",
    () => gateway("edge", server(10_000, "HTTP", "a.example.com")),
    /servers\[0\]\.port\.number: Port 10000 is that of the mesh's own listener/,
  ],
  [
    "a Secret that is not there",
    () =>
      gateway("edge", server(8443, "HTTPS", "a.example.com", ", tls: {mode: SIMPLE, credentialName: shop}")),
    /servers\[0\]\.tls\.credentialName: There is no Secret "a\/shop"\./,
  ],
  [
    "a file that is not there",
    () =>
      gateway(
        "edge",
        server(
          8443,
          "HTTPS",
          "a.example.com",
          ", tls: {mode: SIMPLE, serverCertificate: /no.pem, privateKey: /no.key}",
        ),
      ),
    /servers\[0\]\.tls\.serverCertificate: \/no\.pem: there is no such file\./,
  ],
];

for (const [name, yaml, expected] of refusals) {
  test(`refused: ${name}`, async () => {
    const { diagnostics } = await built(yaml());
    const errors = diagnostics.filter(({ severity }) => severity === "error");
    assert.match(errors.map(brief).join("\n"), expected);
  });
}

test("a private key does not go over the network in plain text", async () => {
  const edge = gateway("edge", https(8443, "a.example.com"));
  const { diagnostics } = await built(edge, { withholdsKeys: true });
  assert.match(
    diagnostics.map(brief).join("\n"),
    /would go to proxies in plain text\. Start the server with --xds-cert/,
  );
  assert.deepEqual(
    (await built(gateway("edge", server(8080, "HTTP", "*")), { withholdsKeys: true })).diagnostics,
    [],
  );
});
