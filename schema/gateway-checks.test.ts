import assert from "node:assert/strict";
import { test } from "node:test";
import { gateway } from "./gateway-checks.ts";
import type { GatewayServer, ServerTls } from "./generated/types.ts";

function told(protocol: string, tls: ServerTls | undefined, more: Partial<GatewayServer> = {}): string[] {
  const port = { number: 443, name: "p", protocol } as GatewayServer["port"];
  const found: string[] = [];
  gateway(
    { servers: [{ port, hosts: ["*"], ...(tls === undefined ? {} : { tls }), ...more }] },
    (_, path, text) => found.push(`${path.slice(2).join(".")}: ${text}`),
  );
  return found;
}

const pair = { serverCertificate: "a.pem", privateKey: "a.key" };

const rows: [string, string, ServerTls | undefined, RegExp | undefined][] = [
  ["plain HTTP", "HTTP", undefined, undefined],
  ["a redirect", "HTTP", { httpsRedirect: true }, undefined],
  [
    "TLS on plain HTTP",
    "HTTP",
    { mode: "SIMPLE", ...pair },
    /tls\.mode: a port of HTTP has no TLS; write `protocol: HTTPS`/,
  ],
  ["TLS on TCP", "TCP", { mode: "SIMPLE", ...pair }, /write `protocol: TLS`/],
  [
    "a redirect of TCP",
    "TCP",
    { httpsRedirect: true },
    /tls\.httpsRedirect: only HTTP can be redirected, not TCP/,
  ],
  [
    "a redirect of HTTPS",
    "HTTPS",
    { httpsRedirect: true, mode: "SIMPLE", ...pair },
    /belongs on the server of protocol HTTP/,
  ],
  ["HTTPS without TLS", "HTTPS", undefined, /port\.protocol: HTTPS needs `tls`/],
  ["files", "HTTPS", { mode: "SIMPLE", ...pair }, undefined],
  ["a Secret", "TLS", { mode: "MUTUAL", credentialName: "s" }, undefined],
  ["no certificate", "HTTPS", { mode: "SIMPLE" }, /tls\.mode: SIMPLE needs a certificate/],
  [
    "half a pair",
    "HTTPS",
    { mode: "SIMPLE", serverCertificate: "a" },
    /serverCertificate: `privateKey` is missing/,
  ],
  [
    "files and a Secret",
    "HTTPS",
    { mode: "SIMPLE", ...pair, credentialName: "s" },
    /`serverCertificate` is there too/,
  ],
  ["nobody to trust", "HTTPS", { mode: "MUTUAL", ...pair }, /MUTUAL needs `caCertificates`/],
  [
    "names nobody is asked for",
    "HTTPS",
    { mode: "SIMPLE", ...pair, subjectAltNames: ["a"] },
    /SIMPLE asks clients for no certificate/,
  ],
  ["a certificate for PASSTHROUGH", "TLS", { ...pair }, /PASSTHROUGH looks into nothing/],
  [
    "no version left",
    "HTTPS",
    { mode: "SIMPLE", ...pair, maxProtocolVersion: "TLSV1_1" },
    /no version is left: the oldest is TLSV1_2/,
  ],
];

for (const [name, protocol, tls, expected] of rows) {
  test(name, () => {
    const found = told(protocol, tls);
    if (expected === undefined) assert.deepEqual(found, []);
    else {
      assert.equal(found.length, 1, found.join("\n"));
      assert.match(found[0] ?? "", expected);
    }
  });
}

test("an address to bind to is an IP address", () => {
  assert.deepEqual(told("HTTP", undefined, { bind: "::1" }), []);
  assert.match(
    told("HTTP", undefined, { bind: "localhost" })[0] ?? "",
    /^bind: "localhost" is not an IP address/,
  );
});
