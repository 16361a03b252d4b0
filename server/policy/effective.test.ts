// Which policies apply where, whose value stands, and what never takes effect.

import assert from "node:assert/strict";
import { test } from "node:test";
import { render } from "../../cli/effective.ts";
import { resourcesOf } from "../fixture.ts";
import { build } from "../snapshot.ts";
import { effectiveRoutes, policyReaches } from "./effective.ts";

const mesh = `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: shop, namespace: a}
spec:
  hosts: [shop.a.svc.cluster.local]
  resolution: STATIC
  ports: [{number: 80, name: http}]
  endpoints: [{address: 127.0.0.1, labels: {version: v1}}, {address: 127.0.0.2, labels: {version: v2}}]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: shop, namespace: a}
spec:
  host: shop
  subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop, namespace: a}
spec:
  hosts: [shop]
  http:
  - name: first
    match: [{uri: {prefix: /a}}]
    route: [{destination: {host: shop, subset: v1}}]
  - name: rest
    route: [{destination: {host: shop}}]
`;

const policy = (kind: string, name: string, section: string, spec: string): string => `---
apiVersion: sluice.traffic/v1alpha1
kind: ${kind}
metadata: {name: ${name}, namespace: a}
spec:
  targetRefs: [{group: networking.istio.io, kind: VirtualService, name: shop${section === "" ? "" : `, sectionName: ${section}`}}]
  ${spec}
`;

async function meshWith(...policies: string[]) {
  const resources = await resourcesOf(mesh + policies.join(""));
  const listen = { host: "127.0.0.1", port: 10000 };
  return build(resources, { listen, modules: {}, delivery: "inline" }).mesh;
}

const rule = (name: string, match = ""): string => `{name: ${name}, ${match}destination: {subset: v2}}`;

test("rules behind one that takes every request are never asked, in whichever policy", async () => {
  const some = 'match: [{headers: {uid: {exact: "0"}}}], ';
  const built = await meshWith(
    policy(
      "HeaderRoutingPolicy",
      "near",
      "first",
      `rules: [${rule("some", some)}, ${rule("all")}, ${rule("late")}]`,
    ),
    policy("HeaderRoutingPolicy", "far", "", `rules: [${rule("other", some)}]`),
  );
  const [first] = effectiveRoutes(built, { route: "first" });
  assert.deepEqual(
    first?.kinds[0]?.fields.map(({ field, from, unreached }) => [field, from, unreached ?? ""]),
    [
      ["rules[some]", "a/near", ""],
      ["rules[all]", "a/near", ""],
      ["rules[late]", "a/near", "rules[all] of a/near takes every request before it"],
      ["rules[other]", "a/far", "rules[all] of a/near takes every request before it"],
    ],
  );
  const [rest] = effectiveRoutes(built, { route: "rest" });
  assert.deepEqual(
    rest?.kinds[0]?.fields.map(({ unreached }) => unreached),
    [undefined],
  );
});

test("of metrics, the more specific policy's dimension and settings stand", async () => {
  const built = await meshWith(
    policy("MetricsPolicy", "near", "first", "dimensions: [{name: tenant, header: x-a}]"),
    policy(
      "MetricsPolicy",
      "far",
      "",
      "maxSeries: 50\n  dimensions: [{name: tenant, header: x-b}, {name: plan, header: x-p}]",
    ),
  );
  const [first] = effectiveRoutes(built, { route: "first" });
  const fields = first?.kinds[0]?.fields.map(({ field, from, over }) => `${field} ${from} over [${over}]`);
  assert.deepEqual(fields?.sort(), [
    "dimensions[plan] a/far over []",
    "dimensions[tenant] a/near over [a/far]",
    "maxSeries a/near over [a/far]",
  ]);
});

test("inherit: false keeps the less specific ones away, and says so on both sides", async () => {
  const limits = "limits: [{name: all, requests: 5, per: 1s}]";
  const built = await meshWith(
    policy("RateLimitPolicy", "near", "first", `inherit: false\n  ${limits}`),
    policy("RateLimitPolicy", "far", "", limits),
  );
  const [first] = effectiveRoutes(built, { route: "first" });
  assert.deepEqual(first?.kinds[0]?.cutOff, [{ policy: "a/far", by: "a/near" }]);
  assert.deepEqual(
    first?.kinds[0]?.policies.map((p) => p.policy),
    ["a/near"],
  );
  const [far] = policyReaches(built, "far");
  assert.deepEqual(
    far?.routes.map(({ route, cutOffBy }) => [route, cutOffBy]),
    [
      ["first", "a/near"],
      ["rest", undefined],
    ],
  );
  const text = render({ version: "", found: 1, routes: effectiveRoutes(built, { route: "first" }) });
  assert.match(text, /a\/near {2}on VirtualService shop \(route\)/);
  assert.match(text, /a\/far {2}does not apply: a\/near has inherit: false/);
  assert.match(text, /limits\[all\] {2}from a\/near/);
});

test("a policy at fault is told as such, and its previous version's routes are shown", async () => {
  const steer = (subset: string) =>
    policy("HeaderRoutingPolicy", "p", "first", `rules: [{name: r, destination: {subset: ${subset}}}]`);
  const options = { listen: { host: "127.0.0.1", port: 10000 }, modules: {}, delivery: "inline" as const };
  const before = build(await resourcesOf(mesh + steer("v2")), options);
  const after = build(await resourcesOf(mesh + steer("v9")), options, before).mesh;
  assert.equal(policyReaches(before.mesh, "a/p")[0]?.state, "in force");
  const [reach] = policyReaches(after, "a/p", "HeaderRoutingPolicy");
  assert.equal(reach?.state, "previous version in force");
  assert.deepEqual(
    reach?.routes.map((r) => r.route),
    ["first"],
  );
  assert.equal(effectiveRoutes(after, { route: "first" })[0]?.kinds[0]?.policies[0]?.isPrevious, true);
  const never = build(await resourcesOf(mesh + steer("v9")), options).mesh;
  assert.equal(policyReaches(never, "p")[0]?.state, "not in force");
  assert.deepEqual(policyReaches(never, "p", "FaultPolicy"), []);
});

test("routes of a name or of a host, also those without a policy", async () => {
  const built = await meshWith();
  assert.deepEqual(effectiveRoutes(built, {}), []);
  assert.deepEqual(
    effectiveRoutes(built, { route: "rest" }).map((r) => r.kinds),
    [[]],
  );
  const ofHost = effectiveRoutes(built, { host: "shop.a.svc.cluster.local:80" });
  assert.deepEqual(
    ofHost.map((r) => r.route),
    ["first", "rest"],
  );
  assert.match(render({ version: "", found: 2, routes: ofHost }), /no policy/);
});
