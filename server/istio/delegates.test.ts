// Routes that one VirtualService delegates to another, merged as istiod merges them.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { FaultSpec, VirtualServiceSpec } from "../../schema/generated/types.ts";
import { brief, resourcesOf } from "../fixture.ts";
import type { Resource } from "../model.ts";
import { build } from "../snapshot.ts";
import { delegatesOf, isDelegate, type WrittenRoute, writtenRoutes } from "./delegates.ts";
import { isIstio } from "./registry.ts";

const services = `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: shop, namespace: a}
spec:
  hosts: [shop.a.svc.cluster.local, cart.b.svc.cluster.local]
  resolution: STATIC
  ports: [{number: 80, name: http}]
  endpoints: [{address: 127.0.0.1, ports: {http: 9001}}]
`;

const resource = (name: string, namespace: string, spec: string) => `---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: ${name}, namespace: ${namespace}}
spec:
${spec.replace(/^/gm, "  ")}
`;

const root = (http: string) => resource("shop", "a", `hosts: [shop]\nhttp:\n${http}`);
const delegate = (http: string, more = "") => resource("cart", "b", `${more}http:\n${http}`);
const to = "route: [{destination: {host: cart}}]";

async function merged(...documents: string[]): Promise<WrittenRoute[]> {
  const all = (await resourcesOf(services + documents.join(""))).filter(
    (r): r is Resource<VirtualServiceSpec> => isIstio(r, "VirtualService"),
  );
  return all.filter((r) => !isDelegate(r)).flatMap((r) => writtenRoutes(r, delegatesOf(all)));
}

async function built(...documents: string[]) {
  const options = { listen: { host: "127.0.0.1", port: 0 }, modules: {}, delivery: "inline" } as const;
  return build(await resourcesOf(services + documents.join("")), options);
}

test("the delegate's routes stand in the root's place, with both conditions and both settings", async () => {
  const routes = await merged(
    root(`- {name: first, match: [{uri: {exact: /}}], redirect: {uri: /x}}
- name: cart
  match: [{uri: {prefix: /cart}, headers: {a: {exact: "1"}}, port: 80}]
  timeout: 9s
  headers: {request: {set: {x: root}}}
  delegate: {name: cart, namespace: b}
- {name: last, redirect: {uri: /y}}`),
    delegate(`- {name: add, match: [{uri: {prefix: /cart/add}, headers: {b: {}}}], timeout: 1s, ${to}}
- {name: rest, headers: {request: {remove: [y]}}, ${to}}`),
  );
  assert.deepEqual(
    routes.map(({ name }) => name),
    ["first", "cart-add", "cart-rest", "last"],
  );
  const [, add, rest] = routes.map(({ http }) => http);
  assert.deepEqual(add?.match, [
    { uri: { prefix: "/cart/add" }, headers: { a: { exact: "1" }, b: {} }, port: 80 },
  ]);
  assert.equal(add?.timeout, "1s");
  assert.deepEqual(add?.headers, { request: { set: { x: "root" } } });
  assert.deepEqual(rest?.match, [{ uri: { prefix: "/cart" }, headers: { a: { exact: "1" } }, port: 80 }]);
  assert.deepEqual(rest?.headers, { request: { remove: ["y"] } });
  assert.equal(rest?.timeout, "9s");
  assert.equal(routes[1]?.root?.resource.name, "shop");
});

test("names: Istio's, and one each where Istio gives several routes the root's", async () => {
  const names = async (own: string, name = "cart") =>
    (await merged(root(`- {name: ${name}, delegate: {name: cart, namespace: b}}`), delegate(own))).map(
      (r) => r.name,
    );
  assert.deepEqual(await names(`- {${to}}`), ["cart"]);
  assert.deepEqual(await names(`- {name: own, ${to}}`, '""'), ["own"]);
  const [first = "", second = ""] = await names(`- {match: [{uri: {exact: /a}}], ${to}}\n- {${to}}`);
  assert.match(first, /^cart~\w{8}$/);
  assert.match(second, /^cart~\w{8}$/);
  assert.notEqual(first, second);
});

const excluded: [name: string, root: string, own: string][] = [
  ["a prefix elsewhere", "uri: {prefix: /a}", "uri: {prefix: /b}"],
  ["a wider prefix", "uri: {prefix: /a/b}", "uri: {prefix: /a}"],
  ["a prefix under an exact path", "uri: {exact: /a}", "uri: {prefix: /a}"],
  ["two regular expressions", 'uri: {regex: "/a.*"}', 'uri: {regex: "/ab.*"}'],
  ["another header", 'headers: {h: {exact: "1"}}', 'headers: {h: {exact: "2"}}'],
  ["another query parameter", 'queryParams: {q: {exact: "1"}}', 'queryParams: {q: {exact: "2"}}'],
  ["another method", "method: {exact: GET}", "method: {exact: PUT}"],
  ["the case of paths", "uri: {prefix: /a}, ignoreUriCase: true", "uri: {prefix: /a/b}"],
  ["another port", "port: 80", "port: 90"],
  ["no namespace of the caller", "sourceNamespace: x", "port: 80"],
  ["another label of the caller", "sourceLabels: {app: x}", "sourceLabels: {app: y}"],
  ["another gateway", "gateways: [a/one]", "gateways: [a/two]"],
];

for (const [name, outer, inner] of excluded)
  test(`a delegate's route is left out, with a warning: ${name}`, async () => {
    const documents = [
      root(`- {match: [{${outer}}], delegate: {name: cart, namespace: b}}`),
      delegate(`- {match: [{${inner}}], ${to}}`),
    ];
    assert.deepEqual(await merged(...documents), []);
    const { diagnostics } = await built(...documents);
    assert.ok(
      diagnostics.some((d) => d.severity === "warning" && /not within those of http\[0\]/.test(d.message)),
      diagnostics.map(brief).join("\n"),
    );
  });

test("one condition of several is enough", async () => {
  const [only] = await merged(
    root(`- {match: [{uri: {prefix: /a}}, {uri: {prefix: /b}}], delegate: {name: cart, namespace: b}}`),
    delegate(`- {match: [{uri: {prefix: /b/c}}], ${to}}`),
  );
  assert.deepEqual(only?.http.match, [{ uri: { prefix: "/b/c" } }]);
});

test("destinations are of the namespace in which they are written", async () => {
  const { mesh, diagnostics } = await built(
    root(`- {name: cart, mirror: {host: shop}, delegate: {name: cart, namespace: b}}`),
    delegate(`- {${to}}`),
  );
  assert.deepEqual(diagnostics.map(brief), []);
  const host = mesh.listeners[0]?.virtualHosts.find((v) => v.name === "shop.a.svc.cluster.local:80");
  const action = host?.routes[0]?.message.action;
  assert.equal(action?.case, "route");
  assert.deepEqual(action.case === "route" && action.value.requestMirrorPolicies.map((m) => m.cluster), [
    "outbound|80||shop.a.svc.cluster.local",
  ]);
  assert.deepEqual(
    host?.routes[0]?.destinations.map((d) => d.host),
    ["cart.b.svc.cluster.local"],
  );
});

test("what is missing, hidden or not used is told", async () => {
  const said = async (...documents: string[]) =>
    (await built(...documents)).diagnostics.map(brief).join("\n");
  const rooted = root("- {delegate: {name: crat, namespace: b}}");
  assert.match(
    await said(rooted, delegate(`- {${to}}`)),
    /error spec\.http\[0\]\.delegate\.name: There is no VirtualService without hosts "b\/crat".*Did you mean "b\/cart"/,
  );
  assert.match(
    await said(root("- {delegate: {name: cart, namespace: b}}"), delegate(`- {${to}}`, "exportTo: [.]\n")),
    /VirtualService b\/cart \(.*\) is not exported to this namespace/,
  );
  assert.match(await said(delegate(`- {${to}}`)), /warning spec: It has no hosts, and no VirtualService/);
});

const policy = (name: string, namespace: string, section: string) => `---
apiVersion: sluice.traffic/v1alpha1
kind: RateLimitPolicy
metadata: {name: limit, namespace: ${namespace}}
spec:
  targetRefs: [{group: networking.istio.io, kind: VirtualService, name: ${name}, sectionName: ${section}}]
  limits: [{name: all, requests: 1, per: 1s}]
`;

test("policies find a delegated route by its own name, by the root's and by both", async () => {
  const documents = [
    root(`- {name: cart, match: [{uri: {prefix: /cart}}], delegate: {name: cart, namespace: b}}`),
    delegate(`- {name: add, match: [{uri: {prefix: /cart/add}}], ${to}}\n- {name: rest, ${to}}`),
  ];
  const covered = async (...ref: [string, string, string]) => {
    const { mesh, diagnostics } = await built(...documents, policy(...ref));
    const errors = diagnostics.filter((d) => !d.message.startsWith("The filter for this policy"));
    assert.deepEqual(errors.map(brief), []);
    return [...mesh.byRoute.keys()].map((r) => r.name);
  };
  assert.deepEqual(await covered("cart", "b", "add"), ["cart-add"]);
  assert.deepEqual(await covered("shop", "a", "cart"), ["cart-add", "cart-rest"]);
  assert.deepEqual(await covered("shop", "a", "cart-rest"), ["cart-rest"]);
});

test("a root's fault is on those of the delegate's routes that have none", async () => {
  const fault = (status: number) => `fault: {abort: {httpStatus: ${status}, percentage: {value: 100}}}`;
  const { mesh } = await built(
    root(`- {name: cart, ${fault(500)}, delegate: {name: cart, namespace: b}}`),
    delegate(`- {name: add, match: [{uri: {exact: /add}}], ${fault(418)}, ${to}}\n- {name: rest, ${to}}`),
  );
  const statuses = [...mesh.byRoute].map(([route, list]) => [
    list[0]?.policy.name,
    route.name,
    list.map(({ policy }) => (policy.spec as FaultSpec).faults[0]?.abort?.httpStatus),
  ]);
  assert.deepEqual(statuses, [
    ["shop.cart-add", "cart-add", [418]],
    ["shop.cart-rest", "cart-rest", [500]],
  ]);
});
