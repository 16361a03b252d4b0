// References between resources, and two VirtualServices for one host: what is reported, and where.

import assert from "node:assert/strict";
import { test } from "node:test";
import { brief, resourcesOf } from "../fixture.ts";
import { checkReferences } from "../snapshot.ts";

const services = `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: shop, namespace: a}
spec:
  hosts: [shop.a.svc.cluster.local]
  resolution: STATIC
  ports: [{number: 80, name: http}]
  endpoints: [{address: 127.0.0.1, labels: {version: v1}}]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: many, namespace: a}
spec:
  hosts: [many.a.svc.cluster.local]
  resolution: DNS
  exportTo: ["."]
  ports: [{number: 81, name: http}, {number: 82, name: other}]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: shop, namespace: a}
spec:
  host: shop
  subsets: [{name: v1, labels: {version: v1}}]
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge, namespace: a}
spec:
  servers: [{name: web, port: {number: 8080, name: http, protocol: HTTP}, hosts: ["*"]}]
`;

const route = (spec: string, name = "r", namespace = "a"): string => `---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: ${name}, namespace: ${namespace}}
spec:
${spec.replace(/^/gm, "  ")}
`;

async function found(yaml: string): Promise<string[]> {
  const lines = services.split("\n").length - 1;
  return checkReferences(await resourcesOf(services + yaml)).map((d) =>
    brief({ ...d, line: d.line - lines }),
  );
}

const cases: { name: string; yaml: string; expected: RegExp[] }[] = [
  {
    name: "a mirror without a service",
    yaml: route(
      "hosts: [shop]\nhttp: [{route: [{destination: {host: shop}}], mirror: {host: shpo}, mirrorPercent: 5}]",
    ),
    expected: [/^7:64 error spec\.http\[0\]\.mirror\.host: No ServiceEntry has the host "shpo\.a/],
  },
  {
    name: "connections of the mesh: their destinations, and who serves them",
    yaml: route("hosts: [shop]\ntcp: [{route: [{destination: {host: shop, subset: v9}}]}]"),
    expected: [
      /error spec\.tcp\[0\]\.route\[0\]\.destination\.subset: The subset "v9"/,
      /warning spec\.tcp: Nothing connects by these routes/,
    ],
  },
  {
    name: "nothing wrong",
    yaml: route(
      "hosts: [shop]\ngateways: [edge, mesh]\nhttp: [{route: [{destination: {host: shop, subset: v1}}]}]",
    ),
    expected: [],
  },
  {
    name: "an unknown host",
    yaml: route("hosts: [shop]\nhttp:\n- route:\n  - destination: {host: shopp}"),
    expected: [
      /^9:27 error spec\.http\[0\]\.route\[0\]\.destination\.host: No ServiceEntry has the host "shopp\.a\.svc\.cluster\.local"\. Did you mean "shop\.a\.svc\.cluster\.local"\?$/,
    ],
  },
  {
    name: "an unknown host in several places: told once, and its subsets all the same",
    yaml: `${route("hosts: [no]\nhttp:\n- route:\n  - destination: {host: no, subset: v3}\n- match: [{uri: {exact: /}}]\n  route: [{destination: {host: no}}]")}---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: no, namespace: a}
spec: {host: no, subsets: [{name: v1}, {name: v2}]}
`,
    expected: [
      /^9:\d+ error spec\.http\[0\]\.route\[0\]\.destination\.subset: The subset "v3" of the host "no\.a\.svc/,
      /^9:\d+ error spec\.http\[0\]\.route\[0\]\.destination\.host: No ServiceEntry has the host "no\.a.* It is referred to in 3 places\.$/,
    ],
  },
  {
    name: "a subset that the rule does not define",
    yaml: route("hosts: [shop]\nhttp:\n- route:\n  - destination: {host: shop, subset: v11}"),
    expected: [
      /^9:41 error .*subset: The subset "v11" of the host "shop\.a\.svc\.cluster\.local" is not defined: DestinationRule a\/shop .* Known: v1\.$/,
    ],
  },
  {
    name: "a subset of a host without a rule",
    yaml: route("hosts: [x]\nhttp: [{route: [{destination: {host: many, subset: v1, port: {number: 81}}}]}]"),
    expected: [
      /The subset "v1" of the host "many\.a\.svc\.cluster\.local" is not defined: no DestinationRule is for this host/,
    ],
  },
  {
    name: "a host of several ports without a port",
    yaml: route("hosts: [x]\nhttp: [{route: [{destination: {host: many}}]}]"),
    expected: [/has several ports \(81, 82\) and none is 80: say which in `port\.number`/],
  },
  {
    name: "a port that the host does not have",
    yaml: route("hosts: [x]\nhttp: [{route: [{destination: {host: shop, port: {number: 99}}}]}]"),
    expected: [/port\.number: "shop\.a\.svc\.cluster\.local" has no port 99\. Its ports: 80\.$/],
  },
  {
    name: "a host that is not exported",
    yaml: route(
      "hosts: [x]\nhttp: [{route: [{destination: {host: many.a.svc.cluster.local, port: {number: 81}}}]}]",
      "r",
      "b",
    ),
    expected: [/is not exported to this namespace: ServiceEntry a\/many .* has exportTo \["\."\]/],
  },
  {
    name: "an unknown gateway",
    yaml: route("hosts: [x]\ngateways: [egde]\nhttp: [{route: [{destination: {host: shop}}]}]"),
    expected: [/^7:14 error spec\.gateways\[0\]: There is no Gateway "a\/egde"\. Did you mean "edge"\?$/],
  },
  {
    name: "a header value that Envoy cannot read",
    yaml: route(
      'hosts: [shop]\nhttp: [{headers: {request: {set: {a: "100%"}}}, route: [{destination: {host: shop}}]}]',
    ),
    expected: [/set\.a: Envoy reads % as the beginning of a command/],
  },
  {
    name: "a header that no request can have",
    yaml: route(
      "hosts: [shop]\nhttp: [{match: [{headers: {x_a: {}}}], route: [{destination: {host: shop}}]}]",
    ),
    expected: [/warning spec\.http\[0\]\.match\[0\]\.headers\.x_a: .*answered 400.* Is "x-a" meant\?$/],
  },
  {
    name: "weights that are all 0",
    yaml: route(
      "hosts: [shop]\nhttp: [{route: [{destination: {host: shop}, weight: 0}, {destination: {host: shop, subset: v1}, weight: 0}]}]",
    ),
    expected: [/spec\.http\[0\]\.route: The route has 2 destinations and none with a weight above 0/],
  },
  {
    name: "two for one host, apart by path: merged with a warning",
    yaml:
      route(
        "hosts: [shop]\nhttp: [{name: a, match: [{uri: {prefix: /a}}], route: [{destination: {host: shop}}]}]",
      ) +
      route(
        "hosts: [shop]\nhttp: [{name: b, match: [{uri: {prefix: /b}}], route: [{destination: {host: shop}}]}]",
        "s",
      ),
    expected: [
      /warning spec\.hosts\[0\]: Both VirtualService a\/s and VirtualService a\/r .*mesh\.yaml:\d+\) route the host "shop\.a\.svc\.cluster\.local" on the gateway "mesh"; no request matches both, so they are merged\.$/,
    ],
  },
  {
    name: "two for one host that overlap: refused, naming both",
    yaml:
      route(
        "hosts: [shop]\nhttp: [{name: a, match: [{uri: {prefix: /a}}], route: [{destination: {host: shop}}]}]",
      ) +
      route(
        "hosts: [shop.a.svc.cluster.local]\nhttp: [{name: b, route: [{destination: {host: shop}}]}]",
        "s",
      ),
    expected: [
      /error spec\.hosts\[0\]: Both VirtualService a\/s and VirtualService a\/r .* one request can match http\[0\] there and http\[0\] here/,
    ],
  },
  {
    name: "two for one host with routes of one name",
    yaml:
      route(
        "hosts: [shop]\nhttp: [{name: a, match: [{uri: {prefix: /a}}], route: [{destination: {host: shop}}]}]",
      ) +
      route(
        "hosts: [shop]\nhttp: [{name: a, match: [{uri: {prefix: /b}}], route: [{destination: {host: shop}}]}]",
        "s",
      ),
    expected: [
      /are merged/,
      /http\[0\]\.name: The route name "a" is that of http\[0\] of VirtualService a\/r/,
    ],
  },
  {
    name: "a rule for an unknown host",
    yaml: `---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: other, namespace: a}
spec: {host: many.b.svc.cluster.local}
`,
    expected: [/spec\.host: No ServiceEntry has the host "many\.b/],
  },
  {
    name: "a subset without endpoints",
    yaml: `---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: zz, namespace: a}
spec: {host: shop, subsets: [{name: none, labels: {version: v9}}]}
`,
    expected: [
      /DestinationRule a\/shop .* is for the host .* too/,
      /No endpoint of .* has the labels \{version: v9\}/,
    ],
  },
];

for (const { name, yaml, expected } of cases) {
  test(name, async () => {
    const lines = await found(yaml);
    assert.equal(lines.length, expected.length, lines.join("\n"));
    for (const [i, pattern] of expected.entries()) assert.match(lines[i] ?? "", pattern);
  });
}
