// What DestinationRules and ServiceEntries may not say together, by the specs that do, and specs that may.

import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "yaml";
import { checkSpec } from "../checks.ts";
import { findKind } from "../kinds.ts";
import { formatPath } from "../path.ts";
import { validate } from "../validate.ts";

type Row = [name: string, yaml: string, ...problems: string[]];

function rows(kind: string, table: Row[], prefix: string): void {
  const declared = findKind("networking.istio.io", kind);
  assert.ok(declared);
  for (const [name, yaml, ...expected] of table) {
    test(`${kind}: ${name}`, () => {
      const spec: unknown = parse(`${prefix}\n${yaml}`);
      assert.deepEqual(validate(declared.spec, spec), []);
      const found = checkSpec(kind, spec).map((p) => `${p.severity} ${formatPath(p.path)}: ${p.message}`);
      assert.deepEqual(found, expected);
    });
  }
}

const policy = (text: string) => `trafficPolicy: {${text}}`;
const shares = (to: string) =>
  policy(`loadBalancer: {localityLbSetting: {distribute: [{from: a/*, to: {${to}}}]}}`);
const place = "spec.trafficPolicy.loadBalancer.localityLbSetting";

rows(
  "DestinationRule",
  [
    [
      "all balancers by hash",
      `subsets: [{name: a, trafficPolicy: {loadBalancer: {consistentHash: {httpCookie: {name: u, ttl: 0s}}}}}]
trafficPolicy: {loadBalancer: {consistentHash: {useSourceIp: true, maglev: {tableSize: 65537}}}}`,
    ],
    [
      "a table whose size is no prime",
      policy("loadBalancer: {consistentHash: {useSourceIp: true, maglev: {tableSize: 1000}}}"),
      "error spec.trafficPolicy.loadBalancer.consistentHash.maglev.tableSize: 1000 is not a prime number; write 1009",
    ],
    [
      "a slow start that a balancer does not have",
      policy("loadBalancer: {simple: RANDOM, warmup: {duration: 10s}}"),
      "warning spec.trafficPolicy.loadBalancer.warmup: has an effect with ROUND_ROBIN and LEAST_REQUEST only",
    ],
    [
      "the address that the client asked for",
      policy("loadBalancer: {simple: PASSTHROUGH}"),
      "warning spec.trafficPolicy.loadBalancer.simple: only connections that are redirected to the proxy (iptables) have an address to go to; other requests are answered 503",
    ],
    ["shares that are all", shares('"a/b/*": 80, c: 20')],
    [
      "shares that are not all",
      shares('"a/b/*": 80, c: 10'),
      `error ${place}.distribute[0].to: the shares add up to 90; they are percentages of 100`,
    ],
    [
      "shares within shares",
      shares('"a/*": 80, a/b: 20'),
      `error ${place}.distribute[0].to["a/b"]: lies within "a/*", which is named too; name localities that exclude each other`,
    ],
    [
      "a star in the middle",
      shares('"a/*/c": 100'),
      `error ${place}.distribute[0].to["a/*/c"]: "a/*/c" is not a locality; write region, region/zone, region/zone/subzone, or a * at the end`,
    ],
    [
      "a zone in place of a region",
      policy("loadBalancer: {localityLbSetting: {failover: [{from: a, to: b/c}]}}"),
      `error ${place}.failover[0].to: "b/c" is not a region by itself; write its name alone`,
    ],
    [
      "failover by region twice",
      policy(
        "loadBalancer: {localityLbSetting: {failover: [{from: a, to: b}], failoverPriority: [x, topology.kubernetes.io/region]}}",
      ),
      `error ${place}.failoverPriority[1]: \`failover\` already orders endpoints by region, zone and sub-zone; remove one of both`,
    ],
    [
      "failures that are not counted",
      policy("outlierDetection: {consecutiveLocalOriginFailures: 3}"),
      "error spec.trafficPolicy.outlierDetection.consecutiveLocalOriginFailures: is counted only with `splitExternalLocalOriginErrors: true`; add that",
    ],
    [
      "one port twice",
      "subsets: [{name: a, trafficPolicy: {portLevelSettings: [{port: {number: 80}}, {port: {number: 80}, tls: {mode: MUTUAL}}]}}]",
      "error spec.subsets[0].trafficPolicy.portLevelSettings[1].tls: MUTUAL needs `clientCertificate`, a file in PEM, or `credentialName`",
      "error spec.subsets[0].trafficPolicy.portLevelSettings[1].tls: MUTUAL needs `privateKey`, a file in PEM, or `credentialName`",
      "error spec.subsets[0].trafficPolicy.portLevelSettings[1].port.number: `portLevelSettings[0]` is for port 80 already; write both as one",
    ],
    [
      "a certificate that is not sent",
      policy("tls: {mode: SIMPLE, clientCertificate: /a.pem}"),
      "warning spec.trafficPolicy.tls.clientCertificate: has no effect with mode SIMPLE; write MUTUAL to send a certificate",
    ],
    [
      "files beside a Secret",
      policy("tls: {mode: MUTUAL, credentialName: shop, caCertificates: /a.pem}"),
      "error spec.trafficPolicy.tls.caCertificates: is not read where `credentialName` names a Secret; remove one of both",
    ],
    [
      "names that are not looked at",
      policy("tls: {mode: SIMPLE, subjectAltNames: [a], insecureSkipVerify: true}"),
      "error spec.trafficPolicy.tls.subjectAltNames: is not looked at with `insecureSkipVerify: true`; remove one of both",
    ],
    [
      "two protocols",
      policy("connectionPool: {http: {useClientProtocol: true, h2UpgradePolicy: UPGRADE}}"),
      "error spec.trafficPolicy.connectionPool.http.useClientProtocol: HTTP/2 for all and the client's protocol exclude each other; remove this or `h2UpgradePolicy`",
    ],
  ],
  "host: a",
);

rows(
  "ServiceEntry",
  [
    ["selected instances", "hosts: [a.test]\nresolution: STATIC\nworkloadSelector: {labels: {app: a}}"],
    ["a pattern that is looked up", 'hosts: ["*.a.test"]\nresolution: DYNAMIC_DNS'],
    [
      "a pattern with addresses",
      'hosts: ["*.a.test"]\nresolution: DNS',
      'error spec.hosts[0]: "*.a.test" is a pattern, and DNS needs one name; write it, or `resolution: DYNAMIC_DNS`',
    ],
    [
      "endpoints where the client chooses",
      "hosts: [a.test]\nendpoints: [{address: 1.2.3.4}]",
      "error spec.endpoints: with `resolution: NONE` the address is the one that the client asks for; write STATIC or DNS, or remove this",
    ],
    [
      "several names where one is looked up",
      "hosts: [a.test]\nresolution: DNS_ROUND_ROBIN\nendpoints: [{address: b.test}, {address: c.test}]",
      "error spec.endpoints: DNS_ROUND_ROBIN looks one name up; write one endpoint or none, or `resolution: DNS`",
    ],
    [
      "a socket with ports",
      "hosts: [a.test]\nresolution: STATIC\nendpoints: [{address: unix:///a.sock, ports: {http: 80}}]",
      "error spec.endpoints[0].ports.http: a socket's path has no ports; remove them",
    ],
    [
      "weights without end",
      "hosts: [a.test]\nresolution: STATIC\nendpoints: [{address: 1.2.3.4, weight: 4294967295}, {address: 1.2.3.5}]",
      "error spec.endpoints: the weights add up to more than 4294967295; write smaller ones",
    ],
    [
      "a range as a name",
      "hosts: [a.test]\naddresses: [10.0.0.1, 10.0.0.0/8]",
      "error spec.addresses[1]: a range of addresses is no name of a service here; write single addresses",
    ],
  ],
  "ports: [{number: 80, name: http}]",
);
