// Warnings for policies that are in order and apply to nothing.

import assert from "node:assert/strict";
import { test } from "node:test";
import { brief, resourcesOf } from "../fixture.ts";
import { checkReferences } from "../snapshot.ts";

const service = `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: shop, namespace: a}
spec:
  hosts: [shop.a.svc.cluster.local]
  resolution: STATIC
  ports: [{number: 80, name: http}]
  endpoints: [{address: 127.0.0.1}]
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge, namespace: a}
spec:
  servers: [{port: {number: 8080, name: http, protocol: HTTP}, hosts: [example.com]}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: elsewhere, namespace: a}
spec:
  hosts: [other.org]
  gateways: [edge]
  http: [{name: all, route: [{destination: {host: shop}}]}]
`;

const policy = (name: string, target: string, more = ""): string => `---
apiVersion: sluice.traffic/v1alpha1
kind: RateLimitPolicy
metadata: {name: ${name}, namespace: a}
spec:
  ${target === "" ? "" : `targetRefs: [{group: networking.istio.io, ${target}}]`}
  limits: [{name: all, requests: 1, per: 1s}]
  ${more}
`;

const told = async (yaml: string): Promise<string[]> =>
  checkReferences(await resourcesOf(yaml)).map((d) => brief(d).replace(/^\d+:\d+ /, ""));

const cases: [what: string, yaml: string, ...expected: RegExp[]][] = [
  ["a service's own route", service + policy("p", "kind: ServiceEntry, name: shop")],
  [
    "a Gateway without a VirtualService of its hosts",
    service + policy("p", "kind: Gateway, name: edge"),
    /^warning spec.targetRefs\[0\].name: The Gateway "a\/edge" has no route, so that the policy applies to nothing there. No route names this Gateway/,
  ],
  [
    "a VirtualService that no listener serves",
    service + policy("p", "kind: VirtualService, name: elsewhere"),
    /^warning spec.targetRefs\[0\].name: The VirtualService "a\/elsewhere" has no route, .* its Gateways have no server for its hosts/,
  ],
  [
    "a folder without routes",
    policy("p", ""),
    /^warning spec: The folder has no route, so that the policy applies to nothing/,
  ],
  [
    "a policy that others keep from all its routes",
    service + policy("near", "kind: ServiceEntry, name: shop", "inherit: false") + policy("far", ""),
    /^warning spec: The policy applies nowhere: .* such as RateLimitPolicy a\/near \(.*\), has inherit: false/,
  ],
];

for (const [what, yaml, ...expected] of cases) {
  test(what, async () => {
    const lines = await told(yaml);
    assert.equal(lines.length, expected.length, lines.join("\n"));
    for (const [i, pattern] of expected.entries()) assert.match(lines[i] ?? "", pattern);
  });
}
