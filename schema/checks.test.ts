// Checks across fields: each message with the spec that causes it, and specs that cause none.

import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "yaml";
import { checkSpec } from "./checks.ts";
import { formatPath } from "./path.ts";

type Row = [name: string, kind: string, yaml: string, ...problems: string[]];

const to = "route: [{destination: {host: a}}]";
const port = "hosts: [s.test]\nports: [{number: 80, name: http}]";
const table: Row[] = [
  [
    "a delegate with what is the root's, and one that delegates on",
    "VirtualService",
    `gateways: [edge]\nhttp: [{delegate: {name: b}}]\ntcp: [{${to}}]`,
    "error spec.gateways: without `hosts` the VirtualService is one for others to delegate to, and they choose the Gateways; remove it",
    "error spec.tcp: without `hosts` the VirtualService is one for others to delegate to: requests only; remove it, or write `hosts`",
    "error spec.http[0].delegate: without `hosts` the VirtualService is one for others to delegate to, and cannot delegate on; write the routes here",
  ],
  [
    "retries that never happen",
    "VirtualService",
    `hosts: [a]\nhttp: [{${to}, retries: {retryOn: 5xx}}]`,
    "error spec.http[0].retries.retryOn: without `attempts` above 0 nothing is retried; write it",
  ],
  [
    "an expression's groups",
    "VirtualService",
    `hosts: [a]\nhttp: [{${to}, rewrite: {uriRegexRewrite: {match: "/(a)", rewrite: '/\\1\\2\\\\x\\y'}}}]`,
    "error spec.http[0].rewrite.uriRegexRewrite.rewrite: \\2 stands for a group, and `match` has 1",
    'error spec.http[0].rewrite.uriRegexRewrite.rewrite: "\\\\y" stands for nothing; write \\\\ for a backslash, \\1 for the first group',
  ],
  [
    "a share of copies with no copy",
    "VirtualService",
    `hosts: [a]\nhttp: [{${to}, mirrorPercentage: {value: 5}}]`,
    "warning spec.http[0].mirrorPercentage: without effect: there is no `mirror`; write `mirror` too",
  ],
  [
    "a prefix replaced where none matches",
    "VirtualService",
    `hosts: [a]\nhttp: [{match: [{uri: {exact: /a}}], redirect: {prefixRewrite: /b}}]`,
    "error spec.http[0].redirect.prefixRewrite: it replaces the prefix that matched, and `match[0].uri` is none; write `uri` for the whole path",
  ],
  [
    "a host that is set twice",
    "VirtualService",
    `hosts: [a]\nhttp: [{${to}, rewrite: {authority: b}, headers: {request: {set: {Host: c}}}}]`,
    "error spec.http[0].headers.request.set.Host: `rewrite.authority` sets the host too",
  ],
  [
    "a part of a second in CORS",
    "VirtualService",
    `hosts: [a]\nhttp: [{${to}, corsPolicy: {maxAge: 1500ms}}]`,
    "error spec.http[0].corsPolicy.maxAge: browsers are told whole seconds; write such as 24h",
  ],
  [
    "names of TLS beside the hosts, a match for another gateway",
    "VirtualService",
    `hosts: ["*.a.test"]\ngateways: [edge]\ntls: [{match: [{sniHosts: [x.a.test, b.test], gateways: [other]}], ${to}}]`,
    'error spec.tls[0].match[0].sniHosts[1]: "b.test" is not among `hosts`, nor under a wildcard of them; add it there',
    'warning spec.tls[0].match[0].gateways[0]: "other" is not among `spec.gateways` (edge), so that nothing comes by it',
  ],
  [
    "routes of which the last takes all",
    "VirtualService",
    `http: [{match: [{uri: {prefix: /a}}], ${to}}, {${to}}]`,
  ],
  [
    "a route that takes all before others",
    "VirtualService",
    `http: [{${to}}, {match: [{method: {exact: GET}}], ${to}}, {${to}}]`,
    "warning spec.http[1]: never reached: `http[0]` before it takes every request; move that one to the end",
  ],
  [
    "a prefix that every path has",
    "VirtualService",
    `http: [{match: [{headers: {a: {}}}, {uri: {prefix: /}}], ${to}}, {${to}}]`,
    "warning spec.http[1]: never reached: `http[0]` before it takes every request; move that one to the end",
  ],
  [
    "a prefix with another condition",
    "VirtualService",
    `http: [{match: [{uri: {prefix: /}, headers: {a: {}}}], ${to}}, {${to}}]`,
  ],
  [
    "expressions that say no more than a text",
    "VirtualService",
    `http: [{match: [{uri: {regex: "/api/.*"}, headers: {a: {regex: "^b-1$"}, c: {regex: "a|b"}}}], ${to}}]`,
    "warning spec.http[0].match[0].uri.regex: `prefix: /api/` says the same and costs less",
    "warning spec.http[0].match[0].headers.a.regex: `exact: b-1` says the same and costs less",
  ],
  [
    "expressions that are needed",
    "VirtualService",
    `http: [{match: [{uri: {regex: "/api/v[12]"}, authority: {regex: "a.b"}}], ${to}}]`,
  ],
  [
    "the old name of a balancer",
    "DestinationRule",
    "trafficPolicy: {loadBalancer: {simple: LEAST_CONN}}",
    "warning spec.trafficPolicy.loadBalancer.simple: LEAST_CONN is the old name of LEAST_REQUEST; write that",
  ],
  [
    "endpoints by name with DNS",
    "ServiceEntry",
    `${port}\nresolution: DNS\nendpoints: [{address: a.b, ports: {http: 8080}}]`,
  ],
  [
    "STATIC without endpoints",
    "ServiceEntry",
    `${port}\nresolution: STATIC`,
    "error spec.resolution: STATIC needs `endpoints` with their addresses, or a `workloadSelector`; write them, or `resolution: DNS`",
  ],
  [
    "STATIC with a name",
    "ServiceEntry",
    `${port}\nresolution: STATIC\nendpoints: [{address: a.b}]`,
    'error spec.endpoints[0].address: "a.b" is a name, and STATIC needs an IP address; write one, or `resolution: DNS`',
  ],
  [
    "ports that the service does not have",
    "ServiceEntry",
    `${port}\nresolution: DNS\nendpoints: [{address: a.b, ports: {htpp: 1, metrics: 2}}]`,
    'error spec.endpoints[0].ports.htpp: no port of the service is named "htpp"; did you mean http?',
    'error spec.endpoints[0].ports.metrics: no port of the service is named "metrics"; the ports are http',
  ],
  [
    "two ports of one name",
    "ServiceEntry",
    "hosts: [s.test]\nports: [{number: 80, name: http}, {number: 81, name: http}]\nresolution: DNS",
    'error spec.ports[1].name: "http" is already the name of `ports[0]`; each port needs its own',
  ],
  [
    "a rule that takes all before others",
    "HeaderRoutingPolicy",
    "rules: [{name: a, destination: {subset: v1}}, {name: b, destination: {subset: v2}}]",
    "warning spec.rules[1]: never reached: `rules[0]` before it takes every request; move that one to the end",
  ],
  [
    "weights that are all 0",
    "HeaderRoutingPolicy",
    "rules: [{name: a, destinations: [{subset: v1, weight: 0}, {subset: v2, weight: 0}]}]",
    "error spec.rules[0].destinations: all weights are 0; give one a weight above 0",
  ],
  [
    "one destination twice",
    "HeaderRoutingPolicy",
    "rules: [{name: a, destinations: [{subset: v1, weight: 1}, {weight: 2, subset: v1}, {subset: v1, host: x, weight: 1}]}]",
    "error spec.rules[0].destinations[1]: the same destination as `destinations[0]`; write it once, with the sum of the weights",
  ],
  [
    "sticky to one destination",
    "HeaderRoutingPolicy",
    "rules: [{name: a, match: [{cookies: {c: {regex: 'x.*'}}}], stickyBy: {sourceIp: {}}, destination: {subset: v1}}]",
    "warning spec.rules[0].match[0].cookies.c.regex: `prefix: x` says the same and costs less",
    "warning spec.rules[0].stickyBy: without effect: there is one destination only; it chooses among several `destinations`",
  ],
  [
    "a route that an earlier, wider one takes",
    "VirtualService",
    `http: [{match: [{uri: {prefix: /a}}], ${to}}, {match: [{uri: {exact: /a/b}, headers: {x: {}}}], ${to}}, {${to}}]`,
    "warning spec.http[1]: never reached: whatever it matches is taken by `http[0]` before it; put the narrower one first",
  ],
  [
    "a route whose every condition is taken, by several",
    "VirtualService",
    `http: [{match: [{headers: {x: {}}}], ${to}}, {match: [{method: {exact: GET}}], ${to}}, {match: [{headers: {x: {exact: "1"}}}, {method: {exact: GET}, uri: {prefix: /z}}], ${to}}]`,
    "warning spec.http[2]: never reached: whatever it matches is taken by `http[0]` and `http[1]` before it; put the narrower one first",
  ],
  [
    "routes that only overlap, differ in case, or forbid what another asks for",
    "VirtualService",
    `http: [{match: [{uri: {prefix: /a/b}}], ${to}}, {match: [{uri: {prefix: /a}}], ${to}}, {match: [{uri: {prefix: /a/b/c}, ignoreUriCase: true}], ${to}}, {match: [{withoutHeaders: {x: {prefix: a}}}], ${to}}, {match: [{withoutHeaders: {x: {exact: ab}}}], ${to}}]`,
  ],
  [
    "a rule that an earlier one takes",
    "HeaderRoutingPolicy",
    "rules: [{name: a, match: [{headers: {x: {prefix: b}}}], destination: {subset: v1}}, {name: b, match: [{headers: {x: {exact: be}}, cookies: {c: {}}}], destination: {subset: v2}}]",
    "warning spec.rules[1]: never reached: whatever it matches is taken by `rules[0]` before it; put the narrower one first",
  ],
  [
    "settings of keys where there is no key",
    "RateLimitPolicy",
    "limits: [{name: a, requests: 1, per: 1s, maxKeys: 5, whenKeyMissing: deny}]",
    "warning spec.limits[0].whenKeyMissing: without effect: the limit has no `key`",
    "warning spec.limits[0].maxKeys: without effect: the limit has no `key`",
  ],
  [
    "a cost that no bucket holds",
    "RateLimitPolicy",
    "limits: [{name: a, requests: 5, per: 1s, cost: {header: x-cost, max: 10}}, {name: b, requests: 5, per: 1s, burst: 3, cost: {header: x-cost, max: 4}}, {name: c, requests: 5, per: 1s, cost: {header: x-cost, max: 5}}]",
    "warning spec.limits[0].cost.max: a request that costs more than the bucket holds (`requests`, 5) is always refused; lower `max` or raise `burst`",
    "warning spec.limits[1].cost.max: a request that costs more than the bucket holds (`burst`, 3) is always refused; lower `max` or raise `burst`",
  ],
  [
    "overrides that never apply",
    "RateLimitPolicy",
    "limits: [{name: a, requests: 5, per: 1s, key: [{header: uid}], overrides: [{values: [x], requests: 1}, {values: [y, x], requests: 2}, {match: [{}], requests: 3}, {values: [z], requests: 4}]}]",
    "warning spec.limits[0].overrides[3]: never applies: `overrides[2]` before it takes every request; move that one to the end",
    'warning spec.limits[0].overrides[1].values[1]: "x" has the rate of `overrides[0]`, which comes first',
  ],
  [
    "values where there is no key, and a regex that a prefix would do",
    "RateLimitPolicy",
    'limits: [{name: a, match: [{uri: {regex: "/a.*"}}], requests: 5, per: 1s, overrides: [{values: [x], requests: 1}]}]',
    "warning spec.limits[0].match[0].uri.regex: `prefix: /a` says the same and costs less",
    "error spec.limits[0].overrides[0].values: they are compared with the key's first part, and the limit has no `key`; write `match`",
  ],
];

for (const [name, kind, yaml, ...expected] of table)
  test(name, () => {
    const told = checkSpec(kind, parse(yaml)).map((p) => `${p.severity} ${formatPath(p.path)}: ${p.message}`);
    assert.deepEqual(told, expected);
  });
