// What is told of the Gateway API's resources, each with the input that causes it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { brief, resourcesOf } from "../fixture.ts";
import { build, type SnapshotOptions } from "../snapshot.ts";

const options: SnapshotOptions = {
  listen: { host: "127.0.0.1", port: 10_000 },
  modules: {},
  delivery: "inline",
};

const api = (kind: string, name: string, spec: string, namespace = "a"): string => `---
apiVersion: gateway.networking.k8s.io/v1
kind: ${kind}
metadata: {name: ${name}, namespace: ${namespace}}
spec: ${spec}
`;

const mesh = `apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: web, namespace: a}
spec:
  hosts: [web.a.svc.cluster.local]
  ports: [{number: 80, name: http}]
  resolution: STATIC
  endpoints: [{address: 127.0.0.1}]
${api("Gateway", "edge", "{gatewayClassName: any, listeners: [{name: web, port: 8080, protocol: HTTP, hostname: '*.example.com'}]}")}`;

const gateway = (listener: string): string =>
  api("Gateway", "more", `{gatewayClassName: any, listeners: [{name: l, port: 8081, ${listener}}]}`);

const route = (spec: string, kind = "HTTPRoute", name = "r", namespace = "a"): string =>
  api(kind, name, `{parentRefs: [{name: edge, namespace: a}], ${spec}}`, namespace);

const rule = (text: string): string => route(`rules: [{${text}}]`);

const backend = "backendRefs: [{name: web, port: 80}]";
const redirect = "{type: RequestRedirect, requestRedirect: {hostname: b.example.com}}";
const setHeader = "{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: x, value: y}]}}";

const rows: [name: string, yaml: string, expected: RegExp][] = [
  ["nothing", rule(backend), /^$/],
  [
    "HTTPS without a certificate",
    gateway("protocol: HTTPS"),
    /error spec\.listeners\[0\]\.protocol: HTTPS needs `tls\.certificateRefs`: a Secret with tls\.crt and tls\.key\./,
  ],
  [
    "TLS in plain HTTP",
    gateway("protocol: HTTP, tls: {}"),
    /error spec\.listeners\[0\]\.tls: A listener of HTTP has no TLS\. Write `protocol: HTTPS`/,
  ],
  [
    "a certificate that is no Secret",
    gateway("protocol: HTTPS, tls: {certificateRefs: [{kind: ConfigMap, name: c}]}"),
    /tls\.certificateRefs\[0\]\.kind: Certificates are read from Secrets, of the group ""\./,
  ],
  [
    "a certificate that is not there",
    gateway("protocol: HTTPS, tls: {certificateRefs: [{name: c}]}"),
    /spec\.listeners\[0\]\.tls\.certificateRefs\[0\]: There is no Secret "a\/c"\./,
  ],
  [
    "a certificate elsewhere, without leave",
    gateway("protocol: HTTPS, tls: {certificateRefs: [{name: c, namespace: b}]}"),
    /certificateRefs\[0\]\.namespace: "b\/c" is in another namespace, and no ReferenceGrant there allows it\. Write one in the namespace "b" with from: \[\{group: "gateway\.networking\.k8s\.io", kind: Gateway, namespace: a\}\] and to: \[\{group: "", kind: Secret\}\]\./,
  ],
  [
    "a route without a Gateway",
    api("HTTPRoute", "r", "{}"),
    /warning spec: It names no Gateway in `parentRefs`, so that none of its rules is served\./,
  ],
  [
    "a parent of another kind",
    api("HTTPRoute", "r", "{parentRefs: [{group: '', kind: Service, name: web}]}"),
    /parentRefs\[0\]\.kind: A route is attached to a Gateway of the group gateway\.networking\.k8s\.io here\./,
  ],
  [
    "a Gateway that is not there",
    api("HTTPRoute", "r", "{parentRefs: [{name: edg}]}"),
    /parentRefs\[0\]\.name: There is no Gateway "a\/edg"\. Did you mean "edge"\?/,
  ],
  [
    "a listener that is not there",
    api("HTTPRoute", "r", "{parentRefs: [{name: edge, sectionName: wep}]}"),
    /parentRefs\[0\]\.sectionName: The Gateway has no such listener named "wep"\. Did you mean "web"\?/,
  ],
  [
    "a port that is not there",
    api("HTTPRoute", "r", "{parentRefs: [{name: edge, port: 9}]}"),
    /parentRefs\[0\]\.port: The Gateway has no such listener on port 9\./,
  ],
  [
    "a namespace that is not allowed",
    route("rules: []", "HTTPRoute", "r", "b"),
    /warning spec\.parentRefs\[0\]: No listener of the Gateway allows a HTTPRoute of the namespace "b": see `allowedRoutes` there\. It is not served\./,
  ],
  [
    "hosts that the listener does not have",
    route("hostnames: [a.example.org]"),
    /warning spec\.hostnames: None of its hostnames is a listener's: \*\.example\.com\. It is not served\./,
  ],
  [
    "both kinds for one host",
    route("hostnames: [a.example.com]") + route("hostnames: [a.example.com]", "GRPCRoute", "z"),
    /warning spec\.hostnames: HTTPRoute a\/r is on the listener "web" for such hosts already, and a listener has one kind of route for a host\. It is not served there\./,
  ],
  [
    "a backend of another kind",
    rule("backendRefs: [{group: apps, kind: Deployment, name: d, port: 80}]"),
    /backendRefs\[0\]\.kind: Requests go to a Service \(group ""\), or to a Hostname of the group networking\.istio\.io, not to a Deployment of "apps"\./,
  ],
  [
    "a Service without a port",
    rule("backendRefs: [{name: web}]"),
    /backendRefs\[0\]: A Service needs a `port`\./,
  ],
  [
    "a Service that is not there",
    rule("backendRefs: [{name: wep, port: 80}]"),
    /backendRefs\[0\]\.name: No ServiceEntry has the host "wep\.a\.svc\.cluster\.local"\. Did you mean/,
  ],
  [
    "a mirror elsewhere, without leave",
    rule(
      `filters: [{type: RequestMirror, requestMirror: {backendRef: {name: web, namespace: b, port: 80}}}], ${backend}`,
    ),
    /filters\[0\]\.requestMirror\.backendRef\.namespace: "b\/web" is in another namespace/,
  ],
  [
    "a filter without its field",
    rule(`filters: [{type: CORS}], ${backend}`),
    /filters\[0\]: A filter of type CORS needs `cors`\./,
  ],
  [
    "a filter with another's field",
    rule("filters: [{type: RequestRedirect, requestRedirect: {port: 81}, urlRewrite: {hostname: b}}]"),
    /filters\[0\]\.urlRewrite: It does not belong to the type RequestRedirect\. Remove it\./,
  ],
  [
    "a filter twice",
    rule(`filters: [${setHeader}, ${setHeader}], ${backend}`),
    /filters\[1\]\.type: A rule has one RequestHeaderModifier\. Put both into one\./,
  ],
  [
    "a prefix replaced that did not match",
    rule(
      `matches: [{path: {type: Exact, value: /a}}], filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /b}}}], ${backend}`,
    ),
    /filters\[0\]\.urlRewrite\.path\.type: ReplacePrefixMatch needs conditions of type PathPrefix in all of the rule's `matches`\./,
  ],
  [
    "a redirect that rewrites",
    rule(`filters: [${redirect}, {type: URLRewrite, urlRewrite: {hostname: b}}]`),
    /filters: A rule that redirects sends nothing on to be rewritten\. Remove the URLRewrite\./,
  ],
  [
    "a name of two rules",
    route(`rules: [{name: x, ${backend}}]`) + route(`rules: [{name: x, ${backend}}]`, "HTTPRoute", "s"),
    /rules\[0\]\.name: The rule name "x" is that of rules\[0\] of HTTPRoute a\/r \(.*\) too, on the same host, and a policy on one would apply to the other\. Give it another name\./,
  ],
  [
    "a host that a VirtualService has",
    `---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: old, namespace: a}
spec: {servers: [{port: {number: 8080, name: http, protocol: HTTP}, hosts: ["a.example.com"]}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: old, namespace: a}
spec: {hosts: [a.example.com], gateways: [old], http: [{route: [{destination: {host: web}}]}]}
${route(`hostnames: [a.example.com], rules: [{${backend}}]`)}`,
    /error spec\.listeners\[0\]\.hostname: VirtualServices route the host "a\.example\.com" on port 8080 already\. Use another host or port\./,
  ],
];

for (const [name, yaml, expected] of rows) {
  test(`told: ${name}`, async () => {
    const { diagnostics } = build(await resourcesOf(mesh + yaml), options);
    assert.match(diagnostics.map(brief).join("\n"), expected);
  });
}

test("namespaces by a selector on the one label that they have", async () => {
  const selector = "{matchExpressions: [{key: kubernetes.io/metadata.name, operator: In, values: [b, c]}]}";
  const more = gateway(
    `protocol: HTTP, allowedRoutes: {namespaces: {from: Selector, selector: ${selector}}}`,
  );
  const of = (namespace: string): string =>
    api(
      "HTTPRoute",
      `r-${namespace}`,
      "{parentRefs: [{name: more, namespace: a}], hostnames: [x.test]}",
      namespace,
    );
  const { diagnostics } = build(await resourcesOf(mesh + more + of("b") + of("d")), options);
  assert.equal(diagnostics.length, 1);
  assert.match(diagnostics[0]?.message ?? "", /allows a HTTPRoute of the namespace "d"/);
});
