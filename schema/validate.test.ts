// Every message of validation with the input that causes it. The rows are whole messages: they are what
// users read.

import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "yaml";
import { headerRoutingSpec } from "./header-routing.ts";
import { destinationRuleSpec } from "./istio/destination-rule.ts";
import { gatewaySpec } from "./istio/gateway.ts";
import { serviceEntrySpec } from "./istio/service-entry.ts";
import { virtualServiceSpec } from "./istio/virtual-service.ts";
import type { ObjectSchema, Schema } from "./language.ts";
import { formatPath } from "./path.ts";
import { validate } from "./validate.ts";

/** Name of the case, what is written, what is said. */
type Row = [name: string, yaml: string, ...problems: string[]];

function rows(schema: Schema, table: Row[], wrap: (yaml: string) => string = (yaml) => yaml): void {
  for (const [name, yaml, ...expected] of table) {
    test(name, () => {
      const problems = validate(schema, parse(wrap(yaml)));
      assert.deepEqual(
        problems.map((p) => `${formatPath(p.path)}: ${p.message}`),
        expected,
      );
    });
  }
}

const route = (yaml: string) => `hosts: [a]\nhttp:\n- ${yaml.replaceAll("\n", "\n  ")}`;
const to = "route: [{destination: {host: a}}]";

rows(
  virtualServiceSpec,
  [
    ["a valid route", `name: x\n${to}\ntimeout: 1m30s\nretries: {attempts: 3, retryOn: "5xx,503"}`],
    ["a misspelt field", `rout: []`, "http[0].rout: unknown field; did you mean `route`?"],
    ["two letters swapped", `${to}\ntiemout: 1s`, "http[0].tiemout: unknown field; did you mean `timeout`?"],
    [
      "snake case",
      `${to}\nretries: {per_try_timeout: 1s}`,
      "http[0].retries.per_try_timeout: unknown field; did you mean `perTryTimeout`?",
    ],
    [
      "a field that resembles none",
      `${to}\nretries: {zzz: 1}`,
      "http[0].retries.zzz: unknown field; known are attempts, perTryTimeout, retryOn, backoff, retryRemoteLocalities, retryIgnorePreviousHosts",
    ],
    [
      "weight inside destination",
      `route: [{destination: {host: a, weight: 50}}]`,
      "http[0].route[0].destination.weight: `weight` does not belong in `destination`; write it beside `destination`, in `http[0].route[0]`, indented as `destination` is",
    ],
    [
      "a field of the document inside a route",
      `${to}\nexportTo: [.]`,
      "http[0].exportTo: `exportTo` does not belong in `http[0]`; write it beside `http`, at the top of the document, indented as `http` is",
    ],
    [
      "a field that belongs deeper",
      `${to}\nattempts: 3`,
      "http[0].attempts: `attempts` does not belong here; write it in `retries`",
    ],
    [
      "a field that belongs in an entry of a list",
      `match: [{uri: {exact: /}}]\nsubset: v1\n${to}`,
      "http[0].subset: `subset` does not belong here; write it in `route[].destination`",
    ],
    [
      "a field that belongs to a neighbour",
      `${to}\nretries: {status: 200}`,
      "http[0].retries.status: `status` does not belong here; write it in `http[0].directResponse`",
    ],
    [
      "a merge key",
      `${to}\n<<: {}`,
      'http[0]["<<"]: merge keys are not part of YAML 1.2; write the fields out',
    ],
    [
      "an unsupported field",
      `${to}\nmirror_percent: 10`,
      "http[0].mirror_percent: not supported: write `mirrorPercentage: {value: 10}`",
    ],
    [
      "a condition that Istio does not have",
      `${to}\nmatch: [{uri: {suffix: .png}}]`,
      "http[0].match[0].uri.suffix: not supported: a VirtualService knows exact, prefix and regex only; write `regex: .*\\.png` for the suffix `.png`",
    ],
    [
      "a missing field",
      `route: [{destination: {subset: v1}}]`,
      "http[0].route[0].destination: `host` is missing: The host's name; a short name is of the resource's namespace.",
    ],
    [
      "none of a group",
      `name: x`,
      "http[0]: one of `route`, `redirect`, `directResponse`, `delegate` is needed",
    ],
    [
      "two of a group",
      `${to}\nredirect: {uri: /}`,
      "http[0].redirect: only one of `route`, `redirect` may be given; remove all but one",
    ],
    [
      "two conditions on one text",
      `${to}\nmatch: [{uri: {exact: a, prefix: b}}]`,
      "http[0].match[0].uri.prefix: only one of `exact`, `prefix` may be given; remove all but one",
    ],
    [
      "a text where a condition is due",
      `${to}\nmatch: [{headers: {uid: "0"}}]`,
      'http[0].match[0].headers.uid: found the text "0"; a mapping with fields is expected: write {exact: "0"}',
    ],
    [
      "a number where a mapping of one field is due",
      `route: [{destination: {host: a, port: 80}}]`,
      "http[0].route[0].destination.port: found the number 80; a mapping with fields is expected: write {number: 80}",
    ],
    [
      "a mapping where a list is due",
      `route: {destination: {host: a}}`,
      "http[0].route: found a mapping; a list is expected: begin each entry with `- `",
    ],
    [
      "a list where a mapping is due",
      `${to}\nretries: [{attempts: 3}]`,
      "http[0].retries: found a list; a mapping with fields is expected: write its fields without `- `",
    ],
    [
      "a text where other fields are due",
      `${to}\nretries: three`,
      'http[0].retries: found the text "three"; a mapping with fields is expected: its fields are attempts, perTryTimeout, retryOn, backoff, retryRemoteLocalities, retryIgnorePreviousHosts',
    ],
    [
      "a list where headers are due",
      `${to}\nheaders: {request: {set: [a]}}`,
      "http[0].headers.request.set: found a list; a mapping is expected: write `name: value` lines without `- `",
    ],
    [
      "a text where headers are due",
      `${to}\nheaders: {request: {set: a}}`,
      'http[0].headers.request.set: found the text "a"; a mapping is expected: write `name: value` lines',
    ],
    [
      "a number where a text is due",
      `match: [{headers: {uid: {exact: 0}}}]\n${to}`,
      'http[0].match[0].headers.uid.exact: found the number 0; a text is expected: write "0", in quotes',
    ],
    [
      "a boolean where a text is due",
      `name: true\n${to}`,
      'http[0].name: found true; a text is expected: write "true", in quotes',
    ],
    [
      "a quoted number where a number is due",
      `route: [{destination: {host: a}, weight: "50"}]`,
      'http[0].route[0].weight: found the text "50"; a whole number is expected: write 50, without quotes',
    ],
    ["a fraction", `${to}\nretries: {attempts: 1.5}`, "http[0].retries.attempts: 1.5 is not a whole number"],
    ["an integral double", `${to}\nretries: {attempts: 3.0}`],
    [
      "no number at all",
      `route: [{destination: {host: a}, weight: .nan}]`,
      "http[0].route[0].weight: NaN is not a finite number",
    ],
    [
      "a weight below 0",
      `route: [{destination: {host: a}, weight: -5}]`,
      "http[0].route[0].weight: -5 is below 0, the least allowed",
    ],
    [
      "a port above the range",
      `route: [{destination: {host: a, port: {number: 70000}}}]`,
      "http[0].route[0].destination.port.number: 70000 is above 65535, the most allowed",
    ],
    [
      "a status that is no redirect",
      `redirect: {uri: /, redirectCode: 304}`,
      "http[0].redirect.redirectCode: 304 is not one of 301, 302, 303, 307, 308",
    ],
    [
      "true written as text",
      `match: [{ignoreUriCase: "true"}]\n${to}`,
      'http[0].match[0].ignoreUriCase: found the text "true"; true or false is expected: write true, without quotes',
    ],
    [
      "no, which is a text in YAML 1.2",
      `match: [{ignoreUriCase: no}]\n${to}`,
      'http[0].match[0].ignoreUriCase: found the text "no"; true or false is expected: write false, without quotes',
    ],
    [
      "a duration without a unit",
      `${to}\ntimeout: 60`,
      "http[0].timeout: found the number 60; a duration such as 500ms, 2s or 1m30s is expected: a duration has a unit: write 60s or 60ms",
    ],
    [
      "a duration as a quoted number",
      `${to}\ntimeout: "60"`,
      'http[0].timeout: "60" is not a duration; add a unit: 60s or 60ms',
    ],
    [
      "a duration in words",
      `${to}\ntimeout: 2 minutes`,
      'http[0].timeout: "2 minutes" is not a duration; write 2m',
    ],
    [
      "milliseconds in words",
      `${to}\ntimeout: 5 millis`,
      'http[0].timeout: "5 millis" is not a duration; write 5ms',
    ],
    [
      "days",
      `${to}\ntimeout: 2d`,
      'http[0].timeout: "2d" is not a duration; write 48h; there is no unit for days',
    ],
    [
      "another unit",
      `${to}\ntimeout: 2x`,
      'http[0].timeout: "2x" is not a duration; the units are h, m, s, ms, us, ns',
    ],
    [
      "no duration",
      `${to}\ntimeout: soon`,
      'http[0].timeout: "soon" is not a duration; write a number and a unit, such as 500ms, 2s or 1m30s',
    ],
    [
      "a duration of nothing",
      `${to}\ntimeout: 0s`,
      "http[0].timeout: 0s is below 1ms, the least allowed; remove the field for none",
    ],
    ["a duration too short", `${to}\ntimeout: 10us`, "http[0].timeout: 10us is below 1ms, the least allowed"],
    [
      "a duration too long",
      `${to}\ntimeout: 9000h`,
      "http[0].timeout: 9000h is above 8760h, the most allowed",
    ],
    [
      "an empty field",
      `name: x\nroute:`,
      "http[0].route: is empty; a list is expected: fill it in or remove the field",
    ],
    ["an empty list", `route: []`, "http[0].route: has 0 entries; at least 1 is needed"],
    [
      "an empty text",
      `route: [{destination: {host: ""}}]`,
      "http[0].route[0].destination.host: is an empty text; fill it in or remove the field",
    ],
    [
      "a text too long",
      `name: ${"x".repeat(257)}\n${to}`,
      "http[0].name: has 257 bytes; at most 256 are allowed",
    ],
    [
      "a comment in the way of YAML's",
      `route: [{destination: {host: a}, weight: 50 // half}]`,
      'http[0].route[0].weight: found the text "50 // half"; a whole number is expected: YAML comments begin with #: write `50 # half`',
    ],
    [
      "a comment after a name",
      `route: [{destination: {host: a // the host}}]`,
      'http[0].route[0].destination.host: "a // the host" is not a host name; letters, digits, dashes and dots only; YAML comments begin with #: write `a # the host`',
    ],
    [
      "one header twice",
      `match: [{headers: {uid: {}, UID: {}}}]\n${to}`,
      "http[0].match[0].headers.UID: the same header as `uid`: case does not count; write it once",
    ],
    [
      "a pseudo header",
      `match: [{headers: {":path": {}}}]\n${to}`,
      'http[0].match[0].headers[":path"]: ":path" is part of the request line, not a header; use uri, method, scheme or authority',
    ],
    [
      "a header name with a colon",
      `headers: {request: {remove: ["x-a:"]}}\n${to}`,
      'http[0].headers.request.remove[0]: "x-a:" is not a header name; write "x-a"',
    ],
    [
      "a header name with a space",
      `headers: {request: {remove: ["x a"]}}\n${to}`,
      'http[0].headers.request.remove[0]: "x a" is not a header name',
    ],
    [
      "a line break in a header",
      `headers: {request: {set: {a: "b\\nc"}}}\n${to}`,
      "http[0].headers.request.set.a: a header's value may hold no line break or other control character",
    ],
    [
      "a space around a header",
      `headers: {request: {set: {a: " b"}}}\n${to}`,
      "http[0].headers.request.set.a: a header's value may not begin or end with a space",
    ],
    [
      "a URL as a host",
      `route: [{destination: {host: "http://a.b/c"}}]`,
      'http[0].route[0].destination.host: "http://a.b/c" is a URL; write the host alone: a.b',
    ],
    [
      "a port in a host",
      `route: [{destination: {host: "a.b:80"}}]`,
      'http[0].route[0].destination.host: "a.b:80" has a port; write the host alone: a.b',
    ],
    [
      "a pattern as a destination",
      `route: [{destination: {host: "*.b"}}]`,
      'http[0].route[0].destination.host: "*.b" is a pattern; one host\'s name is expected here',
    ],
    [
      "a name that is none",
      `route: [{destination: {host: a, subset: -v}}]`,
      'http[0].route[0].destination.subset: "-v" is not a name; letters, digits, dashes, dots and underscores only, letters or digits at both ends',
    ],
    [
      "look-around",
      `match: [{uri: {regex: "(?=a)"}}]\n${to}`,
      'http[0].match[0].uri.regex: "(?=a)" uses look-around, which RE2 does not have; say it without',
    ],
    [
      "a back-reference",
      `match: [{uri: {regex: '(a)\\1'}}]\n${to}`,
      'http[0].match[0].uri.regex: "(a)\\\\1" uses a back-reference, which RE2 does not have; say it without',
    ],
    [
      "a character above 0xFF",
      `match: [{uri: {regex: 'a\\x{100}'}}]\n${to}`,
      "http[0].match[0].uri.regex: \\x{100} is above \\x{ff}, and Envoy matches bytes; write the character's UTF-8 bytes, such as \\xc3\\xa9",
    ],
    [
      "a broken expression",
      `match: [{uri: {regex: "(a"}}]\n${to}`,
      'http[0].match[0].uri.regex: "(a" is not an RE2 expression: error parsing regexp: missing closing ): `(a`',
    ],
    [
      "an unknown retry condition",
      `${to}\nretries: {retryOn: "conect-failure"}`,
      'http[0].retries.retryOn: "conect-failure" is not a condition for retries; did you mean connect-failure?',
    ],
    [
      "no retry condition at all",
      `${to}\nretries: {retryOn: "whatever, 503"}`,
      'http[0].retries.retryOn: "whatever" is not a condition for retries; known are 5xx, gateway-error, reset, reset-before-request, connect-failure, envoy-ratelimited, retriable-4xx, refused-stream, retriable-status-codes, retriable-headers, http3-post-connect-failure, cancelled, deadline-exceeded, internal, resource-exhausted, unavailable',
    ],
    [
      "an unknown word of an enum",
      `redirect: {scheme: httpss}`,
      'http[0].redirect.scheme: "httpss" is not known; did you mean https?',
    ],
    [
      "a word that resembles none",
      `redirect: {scheme: gopher}`,
      'http[0].redirect.scheme: "gopher" is not known; write one of http, https',
    ],
    [
      "a body that is no base64",
      `directResponse: {status: 200, body: {bytes: "???"}}`,
      "http[0].directResponse.body.bytes: is not base64",
    ],
  ],
  route,
);

rows(virtualServiceSpec, [
  [
    "a scalar where hosts are due",
    `hosts: a\nhttp: [{${to}}]`,
    'hosts: found the text "a"; a list is expected: write [a], or `- a` on a line of its own',
  ],
  [
    "a * within a host",
    `hosts: ["a.*.b"]\nhttp: [{${to}}]`,
    'hosts[0]: "a.*.b": a * may stand alone or in front, as in "*.example.com"',
  ],
  [
    "a gateway that is none",
    `hosts: [a]\ngateways: [a/b/c]\nhttp: [{${to}}]`,
    'gateways[0]: "a/b/c" is not a gateway; write its name, `namespace/name`, or mesh',
  ],
  [
    "a namespace that is none",
    `hosts: [a]\nexportTo: ["A"]\nhttp: [{${to}}]`,
    'exportTo[0]: "A" is not a namespace; write a namespace\'s name, "." for the resource\'s own, "*" for all',
  ],
  [
    "TCP and TLS routes",
    `hosts: [a]\ntcp: [{${to}}]\ntls: [{${to}}, {${to}, match: [{sniHosts: [a], destinationSubnets: [10.0.0.1/40]}]}]`,
    "tls[0]: `match` is missing: Any of these.",
    'tls[1].match[0].destinationSubnets[0]: "10.0.0.1/40" is not a range of addresses; write it as "10.1.0.0/16", or one address',
  ],
  [
    "what Istio does not act on",
    `hosts: [a]\ntcp: [{match: [{sourceSubnet: 10.0.0.0/8}], ${to}}]`,
    "tcp[0].match[0].sourceSubnet: not supported: Istio does not act on it either; remove it",
  ],
  ["nothing to route", `hosts: [a]`, ": one of `http`, `tls`, `tcp` is needed"],
]);

rows(destinationRuleSpec, [
  [
    "two subsets of one name",
    "host: a\nsubsets: [{name: v1}, {name: v1}]",
    'subsets[1].name: the text "v1" is already that of `subsets[0]`; each entry needs a `name` of its own',
  ],
  ["PASSTHROUGH", "host: a\ntrafficPolicy: {loadBalancer: {simple: PASSTHROUGH}}"],
  [
    "the case of an enum",
    "host: a\ntrafficPolicy: {loadBalancer: {simple: round_robin}}",
    'trafficPolicy.loadBalancer.simple: "round_robin" is not known; did you mean ROUND_ROBIN?',
  ],
  [
    "outlier detection",
    "host: a\ntrafficPolicy: {outlierDetection: {consecutiveErrors: 5}}",
    "trafficPolicy.outlierDetection.consecutiveErrors: not supported: istiod ignores it; write `consecutive5xxErrors` or `consecutiveGatewayErrors`",
  ],
  [
    "certificates of a mesh",
    "host: a\ntrafficPolicy: {tls: {mode: ISTIO_MUTUAL}}",
    "trafficPolicy.tls.mode: ISTIO_MUTUAL is not supported: there is no certificate authority of the mesh here; write MUTUAL with `clientCertificate`, `privateKey` and `caCertificates`",
  ],
  [
    "two keys of a hash",
    "host: a\ntrafficPolicy: {loadBalancer: {consistentHash: {httpHeaderName: x, useSourceIp: true}}}",
    "trafficPolicy.loadBalancer.consistentHash.useSourceIp: only one of `httpHeaderName`, `useSourceIp` may be given; remove all but one",
  ],
  [
    "labels that are numbers",
    "host: a\nsubsets: [{name: v1, labels: {version: 1}}]",
    'subsets[0].labels.version: found the number 1; a text is expected: write "1", in quotes',
  ],
]);

rows(gatewaySpec, [
  [
    "protocols in any case",
    "servers: [{port: {number: 80, name: h, protocol: http}, hosts: ['ns/*.a.b', './c', '*']}]",
  ],
  [
    "HTTP/3",
    "servers: [{port: {number: 80, name: h, protocol: HTTP3}, hosts: [a]}]",
    "servers[0].port.protocol: HTTP3 is not supported: HTTP/3 is not served; HTTPS speaks HTTP/2 and HTTP/1.1",
  ],
  [
    "certificates of a mesh's own authority",
    "servers: [{port: {number: 80, name: h, protocol: TLS}, hosts: [a], tls: {mode: ISTIO_MUTUAL}}]",
    "servers[0].tls.mode: ISTIO_MUTUAL is not supported: there is no certificate authority of the mesh here; write MUTUAL with certificates",
  ],
]);

const entry = (yaml: string) => `hosts: [a]\nports: [{number: 80, name: http}]\n${yaml}`;
rows(
  serviceEntrySpec,
  [
    ["no resolution, which is NONE", ""],
    ["a socket", "resolution: STATIC\nendpoints: [{address: unix:///run/app.sock}]"],
    [
      "a socket without a path",
      "resolution: STATIC\nendpoints: [{address: unix://app.sock}]",
      'endpoints[0].address: "unix://app.sock" is not a socket\'s path; write unix:///run/app.sock, or unix://@name',
    ],
    [
      "an address with a port",
      'resolution: STATIC\nendpoints: [{address: "1.2.3.4:80"}]',
      'endpoints[0].address: "1.2.3.4:80" is neither an IP address nor a host name; ports belong in `ports`',
    ],
    [
      "a locality with too many parts",
      "resolution: STATIC\nendpoints: [{address: 1.2.3.4, locality: a/b/c/d}]",
      'endpoints[0].locality: "a/b/c/d" is not a locality; write region, region/zone or region/zone/subzone',
    ],
  ],
  entry,
);

const rule = (yaml: string) => `rules:\n- {name: r, destination: {subset: v1}, ${yaml}}`;
rows(
  headerRoutingSpec,
  [
    [
      "every condition of ours",
      "match: [{uri: {suffix: a}, cookies: {c: {in: [a]}}, sourceIp: [10.0.0.0/8, '::1']}]",
    ],
    [
      "a range that is none",
      "match: [{sourceIp: [localhost]}]",
      'rules[0].match[0].sourceIp[0]: "localhost" is not an address range; write one such as 10.0.0.0/8 or 2001:db8::/32',
    ],
    [
      "a range too long",
      "match: [{sourceIp: [10.0.0.0/33]}]",
      "rules[0].match[0].sourceIp[0]: /33 must be between /0 and /32",
    ],
    [
      "host bits",
      "match: [{sourceIp: [10.1.2.3/8]}]",
      "rules[0].match[0].sourceIp[0]: 10.1.2.3/8 does not begin at the first address of the range; write 10.0.0.0/8",
    ],
    [
      "host bits in IPv6",
      "match: [{sourceIp: ['2001:db8::1/32']}]",
      "rules[0].match[0].sourceIp[0]: 2001:db8::1/32 does not begin at the first address of the range; write 2001:db8::/32",
    ],
    [
      "a cookie that is no token",
      "stickyBy: {cookie: {name: 'a b'}}",
      'rules[0].stickyBy.cookie.name: "a b" may hold letters, digits and !#$%&\'*+.^_`|~- only',
    ],
    [
      "an empty mapping without fields",
      "stickyBy: {sourceIp: }",
      "rules[0].stickyBy.sourceIp: is empty; a mapping with fields is expected: write {}",
    ],
    [
      "a field where none is known",
      "stickyBy: {sourceIp: {a: 1}}",
      "rules[0].stickyBy.sourceIp.a: unknown field; none are known here",
    ],
    ["none of several", "stickyBy: {}", "rules[0].stickyBy: one of `header`, `cookie`, `sourceIp` is needed"],
  ],
  rule,
);

/** Words of the language that the kinds above do not use, or not with these bounds. */
const sample: ObjectSchema = {
  type: "object",
  name: "Sample",
  doc: "",
  fields: {
    share: { schema: { type: "percent" }, doc: "" },
    at: { schema: { type: "timestamp" }, doc: "" },
    path: { schema: { type: "string", maxLength: 9, minLength: 2, format: "path" }, doc: "" },
    some: { schema: { type: "list", of: { type: "boolean" }, minItems: 2, maxItems: 3 }, doc: "" },
    names: { schema: { type: "map", of: { type: "any" }, maxItems: 1 }, doc: "" },
    ratio: { schema: { type: "number", min: 0, max: 1 }, doc: "" },
  },
  atLeastOneOf: [["share", "at", "path", "some", "names", "ratio"]],
};
rows(sample, [
  ["percentages", "share: 20%"],
  ["a percentage to four decimals", "share: 0.0001"],
  ["a percentage above 100", "share: 101", "share: 101 is not between 0 and 100"],
  ["a percentage below 0", "share: -1", "share: -1 is not between 0 and 100"],
  [
    "five decimals",
    "share: 0.00001",
    "share: 0.00001 has more than four decimals or stray characters; write a number such as 20 or 0.0001",
  ],
  ["no percentage", "share: half", 'share: "half" is not a percentage; write a number such as 20 or 0.5'],
  [
    "a percentage of another type",
    "share: true",
    "share: found true; a percentage from 0 to 100 is expected",
  ],
  [
    "a moment without a zone",
    "at: '2027-01-01T00:00:00'",
    'at: "2027-01-01T00:00:00" is not a moment of RFC 3339: the zone is missing; write one such as 2027-01-01T00:00:00Z',
  ],
  [
    "a day that does not exist",
    "at: '2027-02-30T00:00:00Z'",
    'at: "2027-02-30T00:00:00Z" is not a moment of RFC 3339; write one such as 2027-01-01T00:00:00Z',
  ],
  [
    "a number as a moment",
    "at: 5",
    "at: found the number 5; a moment such as 2027-01-01T00:00:00Z is expected",
  ],
  ["a path", "path: ab", 'path: "ab" must begin with /'],
  ["a text too short", "path: /", "path: has 1 byte; at least 2 are needed"],
  ["a list too short", "some: [true]", "some: has 1 entry; at least 2 are needed"],
  ["a list too long", "some: [true, true, true, true]", "some: has 4 entries; at most 3 are allowed"],
  ["a map too long", "names: {a: 1, b: 2}", "names: has 2 entries; at most 1 is allowed"],
  ["a number out of range", "ratio: 1.5", "ratio: 1.5 is above 1, the most allowed"],
  ["a text as a number", "ratio: x", 'ratio: found the text "x"; a number is expected'],
  ["a list as a boolean", "some: [[], true]", "some[0]: found a list; true or false is expected"],
  ["nothing of a group", "{}", ": one of `share`, `at`, `path`, `some`, `names`, `ratio` is needed"],
]);

test("more than a hundred problems are counted, not listed", () => {
  const problems = validate(destinationRuleSpec, {
    host: "a",
    ...Object.fromEntries([...Array(150).keys()].map((i) => [`x${i}`, 1])),
  });
  assert.equal(problems.length, 101);
  assert.equal(problems[100]?.message, "and 50 more problems");
});

test("a key named __proto__ is a key like any other", () => {
  const value: unknown = JSON.parse('{"host": "a", "__proto__": {"host": "b"}}');
  assert.deepEqual(
    validate(destinationRuleSpec, value).map((p) => formatPath(p.path)),
    ["__proto__"],
  );
});
