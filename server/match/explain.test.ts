// Explanations with the real header-routing module: the route and why, what the policy decided, where it goes.

import assert from "node:assert/strict";
import { join } from "node:path";
import { before, test } from "node:test";
import { projectRoot } from "../../envoy/root.ts";
import { render } from "../../cli/explain.ts";
import { readUrl } from "../../cli/url.ts";
import { resourcesOf } from "../fixture.ts";
import { type Built, build, loadModules } from "../snapshot.ts";
import { type ExplainInput, type Explanation, explain } from "./explain.ts";

const yaml = `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: shop, namespace: a}
spec:
  hosts: [shop.a.svc.cluster.local]
  resolution: STATIC
  ports: [{number: 80, name: http}]
  endpoints:
  - {address: 127.0.0.1, ports: {http: 9001}, labels: {version: v1}}
  - {address: 127.0.0.1, ports: {http: 9002}, labels: {version: v2}}
  - {address: 127.0.0.1, ports: {http: 9003}, labels: {version: v3}}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: shop, namespace: a}
spec:
  host: shop
  subsets:
  - {name: v1, labels: {version: v1}}
  - {name: v2, labels: {version: v2}}
  - {name: v3, labels: {version: v3}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop, namespace: a}
spec:
  hosts: [shop]
  http:
  - name: zero
    match: [{headers: {uid: {exact: "0"}}}]
    route: [{destination: {host: shop, subset: v3}}]
  - name: old
    match: [{uri: {prefix: /old}}]
    redirect: {uri: /new, redirectCode: 302}
  - name: rest
    route:
    - {destination: {host: shop, subset: v1}, weight: 75}
    - {destination: {host: shop, subset: v2}, weight: 25}
---
apiVersion: sluice.traffic/v1alpha1
kind: HeaderRoutingPolicy
metadata: {name: beta, namespace: a}
spec:
  targetRefs: [{group: networking.istio.io, kind: VirtualService, name: shop, sectionName: rest}]
  rules:
  - name: insiders
    match: [{cookies: {beta: {exact: "1"}}}, {headers: {x-beta: {}}, method: {exact: POST}}]
    destination: {subset: v3}
  - name: canary
    match: [{headers: {uid: {}}}]
    destinations: [{subset: v2, weight: 0}, {subset: v1, weight: 1}]
    stickyBy: {header: uid}
  - name: mark
    match: [{queryParams: {mark: {}}}]
    headers: {request: {set: {x-marked: "yes"}}}
`;

let built: Built;
const modules = loadModules(join(projectRoot, "build/filters"));

before(async () => {
  assert.ok(modules.header_routing, "build/filters/header_routing.wasm is missing: npm run build");
  const listen = { host: "127.0.0.1", port: 10_000 };
  built = build(await resourcesOf(yaml), { listen, modules, delivery: "inline" });
  assert.deepEqual(built.diagnostics, []);
});

async function ask(path: string, headers: [string, string][] = [], more: Partial<ExplainInput> = {}) {
  return explain(built, modules, {
    method: "GET",
    scheme: "http",
    authority: "shop",
    path,
    headers,
    sourceIp: "127.0.0.1",
    port: 80,
    ...more,
  });
}

const subsets = ({ result }: Explanation) => result.destinations.map((d) => [d.subset, d.share]);

test("a route by its condition, with no policy on it", async () => {
  const e = await ask("/", [["UID", "0"]]);
  assert.equal(e.virtualHost?.name, "shop.a.svc.cluster.local:80");
  assert.equal(e.route?.name, "zero");
  assert.deepEqual(e.route?.conditions, [{ text: 'header uid is "0"', holds: true }]);
  assert.deepEqual(e.policies, []);
  assert.deepEqual(e.result.destinations, [
    {
      cluster: "outbound|80|v3|shop.a.svc.cluster.local",
      host: "shop.a.svc.cluster.local",
      subset: "v3",
      share: 1,
      endpoints: ["127.0.0.1:9003"],
    },
  ]);
});

test("weights where Envoy draws, and what was passed over", async () => {
  const e = await ask("/");
  assert.deepEqual(e.passedOver, [
    { route: "zero", failed: ['header uid is "0"'] },
    { route: "old", failed: ["path begins with /old"] },
  ]);
  assert.deepEqual(subsets(e), [
    ["v1", 0.75],
    ["v2", 0.25],
  ]);
  assert.equal(e.policies[0]?.policy, "a/beta");
  assert.deepEqual(e.policies[0]?.decisions, []);
});

test("a rule's decision and every condition", async () => {
  const e = await ask("/", [["cookie", "a=b; beta=1"]]);
  const [policy] = e.policies;
  assert.deepEqual(policy?.rules[0]?.conditions, [
    [{ text: 'cookie beta is "1"', holds: true }],
    [
      { text: 'method is "POST"', holds: false },
      { text: "header x-beta is present", holds: false },
    ],
  ]);
  assert.deepEqual(
    policy?.decisions.map((d) => [d.rule, d.destination]),
    [["insiders", "v3"]],
  );
  assert.deepEqual(subsets(e), [["v3", 1]]);
  assert.match(render(e), /^decided {7}rule insiders, destination v3$/m);
});

test("rules that the decision does not come to are asked too", async () => {
  const e = await ask("/?mark=1", [["cookie", "beta=1"]]);
  const rules = e.policies[0]?.rules.map(({ name, matches, conditions }) => [
    name,
    matches,
    conditions.flat(),
  ]);
  assert.deepEqual(rules?.slice(1), [
    ["canary", false, [{ text: "header uid is present", holds: false }]],
    ["mark", true, [{ text: "query parameter mark is present", holds: true }]],
  ]);
  assert.deepEqual(subsets(e), [["v3", 1]]);
});

test("a share of 0 gets nothing; changed headers are told", async () => {
  const sticky = await ask("/", [["uid", "7"]]);
  assert.deepEqual(subsets(sticky), [["v1", 1]]);
  assert.equal(sticky.policies[0]?.rules[1]?.by, "header");
  assert.match(render(sticky), /^ +v2 0 %, v1 100 %, kept by header uid \(this time: header\)$/m);
  const marked = await ask("/?mark=1");
  assert.deepEqual(marked.result.changedHeaders, [{ name: "x-marked", before: [], after: ["yes"] }]);
  assert.deepEqual(subsets(marked), [
    ["v1", 0.75],
    ["v2", 0.25],
  ]);
});

test("what the listener does by itself", async () => {
  assert.equal((await ask("/a%2Fb")).result.location, "/a/b");
  assert.equal((await ask("/", [["x_y", "1"]])).result.status, 400);
  assert.match((await ask("//a/./b/../c")).notes.join(), /brought to the form \/a\/c/);
  const forged = await ask("/", [["X-Sluice-Destination", "rest/v3"]]);
  assert.match(forged.notes.join(), /x-sluice-destination is removed/);
  assert.equal(forged.result.destinations.length, 2);
});

test("redirects, unknown hosts", async () => {
  const moved = await ask("/old/x");
  assert.deepEqual([moved.result.outcome, moved.result.status], ["redirected", 302]);
  assert.equal((await ask("/", [], { authority: "nowhere" })).result.status, 404);
});

test("URLs keep their path as it is written", () => {
  assert.deepEqual(readUrl("http://a:81/x/../y?z=%41"), {
    scheme: "http",
    authority: "a:81",
    path: "/x/../y?z=%41",
    port: 81,
  });
  assert.deepEqual(readUrl("a?b"), { scheme: "http", authority: "a", path: "/?b", port: 80 });
});
