// Every message about YAML itself with the input that causes it: one for one cause, at its place.

import assert from "node:assert/strict";
import { kinds } from "../../schema/kinds.ts";
import { test } from "node:test";
import { parsePiece } from "./parse.ts";

const head = "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: a}\n";

interface Expected {
  /** Documents that became resources, and that did not; default: the one document became one. */
  resources?: number;
  rejected?: number;
}

/** Name, text (`spec:` and what follows it: behind the head), then what is said as `line:column path: message`. */
function says(name: string, text: string, lines: string[], { resources, rejected }: Expected = {}): void {
  test(name, () => {
    const parsed = parsePiece(text.startsWith("spec:") ? head + text : text);
    const told = parsed.problems.map((p) => {
      const message = p.message.replace("{line}", String(p.otherLine));
      const warning = p.severity === "warning" ? "warning: " : "";
      return `${p.line}:${p.column} ${p.path}: ${warning}${message}`;
    });
    assert.deepEqual(told, lines);
    assert.deepEqual(
      { resources: parsed.resources.length, rejected: parsed.rejected },
      { resources: resources ?? 1, rejected: rejected ?? 0 },
    );
  });
}

const refused: Expected = { resources: 0, rejected: 1 };

// Slips that are told and mended: the document is read as if they had not been made.
says("a // comment behind a key", 'spec:\n  host: a\n  exportTo: // all\n    - "."\n', [
  "6:13 spec.exportTo: `//` does not begin a comment; YAML comments begin with #: write `# all`",
]);
says(
  "// comments on lines of their own and behind a list",
  "// top\nspec:\n  host: a\n  // in\n  exportTo: [.] // all\n".replace("spec", `${head}spec`),
  [
    "1:1 : `//` does not begin a comment; YAML comments begin with #: write `# top`",
    "7:3 spec.host: `//` does not begin a comment; YAML comments begin with #: write `# in`",
    "8:17 spec.exportTo[0]: `//` does not begin a comment; YAML comments begin with #: write `# all`",
  ],
);
says(
  "a // comment behind a text",
  "spec:\n  host: a // b\n",
  [
    '5:9 spec.host: "a // b" is not a host name; letters, digits, dashes and dots only; YAML comments begin with #: write `a # b`',
  ],
  refused,
);
says("// that may be meant", "spec:\n  host: a\n  subsets: [{name: v1, labels: {a: b // c}}]\n", [
  "6:38 spec.subsets[0].labels.a: warning: `//` is part of this text; a YAML comment begins with #. Put the text in quotes if it is meant",
]);
says(
  "// within quotes, block texts and comments",
  'spec:\n  host: a # // x\n  subsets:\n  - name: v1\n    labels:\n      a: "// b"\n      c: |\n        x\n        // y\n',
  [],
);

says("a field deeper than the value above", "spec:\n  host: a\n    exportTo: [.]\n", [
  "6:5 spec.exportTo: `exportTo` is indented deeper than `host: a` above it, which can hold no fields; it belongs beside `host`: indent it by 2 spaces, not 4",
]);
says(
  "a block of fields deeper than a quoted value above",
  'spec:\n  host: "a"\n    subsets:\n    - name: v1\n      labels:\n        a: b\n    exportTo: [.]\n',
  [
    '6:5 spec.subsets: `subsets` is indented deeper than `host: "a"` above it, which can hold no fields; it belongs beside `host`: indent it by 2 spaces, not 4',
  ],
);
says(
  "a field that belongs some levels above, which the schema knows",
  "spec:\n  host: a\n  trafficPolicy:\n    loadBalancer:\n      simple: RANDOM\n        connectionPool: {}\n",
  [
    "9:9 spec.trafficPolicy.connectionPool: `connectionPool` is indented deeper than `simple: RANDOM` above it, which can hold no fields; it belongs beside `loadBalancer`: indent it by 4 spaces, not 8",
  ],
);
says(
  "two slips of indentation",
  "spec:\n  host: a\n  subsets:\n  - name: v1\n     labels: {}\n  - name: v2\n   labels: {}\n",
  [
    "8:6 spec.subsets[0].labels: `labels` is indented deeper than `name: v1` above it, which can hold no fields; it belongs beside `name`: indent it by 4 spaces, not 5",
    "10:4 spec.subsets[1].labels: `labels` is indented as no line above it; it belongs beside `name`: indent it by 4 spaces, not 3",
  ],
);
says("a field between two levels", "spec:\n  host: a\n exportTo: [.]\n", [
  "6:2 spec.exportTo: `exportTo` is indented as no line above it; it belongs beside `host`: indent it by 2 spaces, not 1",
]);
says("an entry between two levels", "spec:\n  host: a\n  subsets:\n    - name: v1\n   - name: v2\n", [
  "8:4 spec.subsets[1].name: this entry is indented as no line above it; it belongs with the other entries of the list: indent it by 4 spaces, not 3",
]);
says(
  "a slip, and a fault that only shows behind it",
  "spec:\n  host: a\n    subset: []\n",
  [
    "6:5 spec.subset: `subset` is indented deeper than `host: a` above it, which can hold no fields; it belongs beside `host`: indent it by 2 spaces, not 4",
    "6:5 spec.subset: unknown field; did you mean `subsets`?",
  ],
  refused,
);

// Syntax that leaves nothing to read.
says(
  "a tab",
  "spec:\n\thost: a\n",
  ["5:1 : a tab indents this line; YAML allows only spaces: replace each tab by two spaces"],
  refused,
);
says(
  "no space after a colon",
  "spec:\n  host:a\n  exportTo: [.]\n",
  ["5:3 : a space is missing after the colon; write `host: a`"],
  refused,
);
says(
  "no colon",
  "spec:\n  host\n  exportTo: [.]\n",
  ["5:3 : `host` has no colon; write `host: VALUE`, or remove it"],
  refused,
);
says(
  "an open bracket",
  "spec:\n  host: a\n  exportTo: [.\n  subsets: []\n",
  ["6:13 : `[` is never closed; write `]` where it ends"],
  refused,
);
says("an open brace", "spec: {host: a\n", ["4:7 : `{` is never closed; write `}` where it ends"], refused);
says("an open quote", 'spec:\n  host: "a\n  exportTo: [.]\n', ['5:9 : the quote " is never closed'], refused);
says(
  "a colon within a text",
  "spec:\n  host: a: b # c\n",
  ['5:9 : a text that holds ": " must be quoted: write "a: b"'],
  refused,
);
says(
  "a reserved character",
  "spec:\n  host: @a\n",
  ['5:9 : a text that begins with @ must be quoted: write "@a"'],
  refused,
);
says("a tag", "spec:\n  host: !foo a\n", ["5:9 : the tag !foo is not known; remove it"], refused);
says(
  "an escape that is none",
  'spec:\n  host: "a\\q"\n',
  ["5:11 : \\q is no escape; write \\\\q, or use 'single quotes', which know no escapes"],
  refused,
);
says(
  "a single quote within single quotes",
  "spec:\n  host: 'it's'\n",
  [
    "5:13 : `s'` stands after the end of a quoted text; remove it, or write '' for a quote within single quotes",
  ],
  refused,
);
says(
  "a text behind double quotes",
  'spec:\n  host: "a" b\n',
  [
    '5:13 : `b` stands after the end of a quoted text; remove it, or write \\" for a quote within double quotes',
  ],
  refused,
);
says(
  "a list beside its key",
  "spec:\n  host: a\n  subsets: - name: v1\n",
  ["6:12 : a list cannot begin beside its key; begin `- ` on a line of its own, or write [a, b]"],
  refused,
);
says(
  "a bracket that closes nothing",
  "spec:\n  host: ]\n",
  ["5:9 : `]` closes nothing; remove it, or quote the text that holds it"],
  refused,
);
says(
  "an entry below a mapping",
  "spec:\n  host: a\n - x\n",
  ["6:2 : `- x` is an entry of a list, but a mapping stands above; indent it under its key"],
  refused,
);
says(
  "a mapping below a list",
  "- a\nb: 1\n",
  ["2:1 : `b: 1` belongs neither to the list nor to the mapping above; indent it as its siblings are"],
  refused,
);
says(
  "anything else, in the parser's words",
  "%FOO\n---\na: 1\n",
  ["1:1 : not valid YAML: unknown directive %FOO"],
  refused,
);

// What YAML allows and is refused here.
says(
  "duplicate keys",
  "spec:\n  host: a\n  host: b\n  subsets:\n  - name: v1\n    name: v2\n",
  [
    "6:3 spec.host: duplicate key; `host` stands already on line 5; remove one of them",
    "9:5 spec.subsets[0].name: duplicate key; `name` stands already on line 8; remove one of them",
  ],
  refused,
);
says(
  "a * without quotes",
  "spec:\n  host: *.example.com\n",
  ['5:9 spec.host: a text that begins with * must be quoted: write "*.example.com"'],
  refused,
);
says(
  "a * alone",
  "spec:\n  host: a\n  exportTo: [*]\n",
  ['6:14 : a text that begins with * must be quoted: write "*"'],
  refused,
);
says(
  "an alias that is misspelt",
  "spec:\n  host: &name a\n  exportTo: [*nmae]\n",
  ["6:14 spec.exportTo[0]: no &nmae stands above; did you mean *name?"],
  refused,
);
says(
  "an alias in its place",
  "spec:\n  host: a\n  subsets:\n  - {name: v1, labels: &l {a: b}}\n  - {name: v2, labels: *l}\n",
  [],
);
says(
  "an alias within what it names",
  "a: &a [*a]\n",
  ["1:8 a[0]: *a stands within what it names and would never end"],
  refused,
);
says(
  "a merge key",
  "spec:\n  host: &x a\n  <<: *x\n",
  ['6:3 spec["<<"]: merge keys are not part of YAML 1.2; write the fields out'],
  refused,
);
says(
  "a template",
  "spec:\n  host: {{ .Values.host }}\n",
  ["5:10 spec.host: a key must be a text; what `{{` begins must be rendered before it is read here"],
  refused,
);
says(
  "a list as a key",
  "spec:\n  host: a\n  ? [a]\n  : b\n",
  ["6:5 spec.host: a key must be a text, not a list"],
  refused,
);
says("no key", "spec:\n  host: a\n  : b\n", ["6:5 spec.host: a key is missing before the colon"], refused);

const bomb = [
  "a: &a [x,x,x,x,x,x,x,x,x]",
  ..."bcdefghi"
    .split("")
    .map((name, i) => `${name}: &${name} [${Array(9).fill(`*${"abcdefgh"[i]}`).join(",")}]`),
].join("\n");
says(
  "an alias bomb",
  bomb,
  ["5:8 e[0]: aliases stand for more than 10000 values here; write the values out"],
  refused,
);
for (const [name, text, at] of [
  ["lists in brackets", "[".repeat(20_000) + "]".repeat(20_000), "1:102"],
  ["lists that are never closed", "[".repeat(20_000), "1:102"],
  ["lists of dashes", `${"- ".repeat(20_000)}x`, "1:203"],
  ["mappings", `${"{a: ".repeat(20_000)}1${"}".repeat(20_000)}`, "1:405"],
] as const)
  says(
    `20,000 levels of ${name}`,
    text,
    [`${at} : nested deeper than 100 levels, the most allowed`],
    refused,
  );

// Plain scalars that YAML 1.1 and 1.2 read differently.
const labels = (value: string) => `spec:\n  host: a\n  subsets: [{name: v1, labels: {k: ${value}}}]\n`;
for (const [value, message] of [
  [
    "yes",
    'yes is true in YAML 1.1 but a text in YAML 1.2, which is read here; write true, or "yes" in quotes',
  ],
  [
    "Off",
    'Off is false in YAML 1.1 but a text in YAML 1.2, which is read here; write false, or "Off" in quotes',
  ],
  ["n", 'n is false in YAML 1.1 but a text in YAML 1.2, which is read here; write false, or "n" in quotes'],
  [
    "12:30",
    '12:30 is the number 750 in YAML 1.1 but a text in YAML 1.2, which is read here; write "12:30" in quotes, or the number in decimal',
  ],
  [
    "1_000",
    '1_000 is the number 1000 in YAML 1.1 but a text in YAML 1.2, which is read here; write "1_000" in quotes, or the number in decimal',
  ],
  [
    "0b11",
    '0b11 is the number 3 in YAML 1.1 but a text in YAML 1.2, which is read here; write "0b11" in quotes, or the number in decimal',
  ],
] as const)
  says(`${value}, read differently`, labels(value), [`6:36 spec.subsets[0].labels.k: warning: ${message}`]);
for (const value of ['"yes"', "'0777'", "2027-01-01T00:00:00Z", "v1.10", "nope", "1.2.3"])
  says(`${value}, read alike`, labels(value), []);

const weight = (value: string) =>
  `apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: a}\nspec: {hosts: [a], http: [{route: [{destination: {host: a}, weight: ${value}}]}]}\n`;
for (const [value, message] of [
  [
    "0777",
    '0777 is the number 511, in octal, in YAML 1.1 but the number 777 in YAML 1.2, which is read here; write 777, or "0777" in quotes',
  ],
  [
    "0o17",
    '0o17 is a text in YAML 1.1 but the number 15 in YAML 1.2, which is read here; write 15, or "0o17" in quotes',
  ],
  [
    "08",
    '08 is a text in YAML 1.1 but the number 8 in YAML 1.2, which is read here; write 8, or "08" in quotes',
  ],
  [
    "1e3",
    '1e3 is a text in YAML 1.1 but the number 1000 in YAML 1.2, which is read here; write 1000, or "1e3" in quotes',
  ],
] as const)
  says(`${value}, read differently`, weight(value), [
    `4:69 spec.http[0].route[0].weight: warning: ${message}`,
  ]);
says("a key that is read differently", "spec:\n  host: a\n  subsets: [{name: v1, labels: {on: x}}]\n", [
  '6:33 spec.subsets[0].labels.on: warning: on is true in YAML 1.1 but a text in YAML 1.2, which is read here; write true, or "on" in quotes',
]);
says(
  "a number where a text is due, as it was spelt",
  labels("0777"),
  ['6:36 spec.subsets[0].labels.k: found the number 0777; a text is expected: write "0777", in quotes'],
  refused,
);

// The envelope.
says(
  "a text that is no resource",
  "just text\n",
  ["1:1 : not a resource; a document begins with apiVersion, kind, metadata and spec"],
  refused,
);
says(
  "neither apiVersion nor kind",
  "a: 1\n",
  [
    "1:1 : `apiVersion` and `kind` are missing: every document begins with apiVersion and kind; other files do not belong in this folder",
  ],
  refused,
);
says(
  "no apiVersion",
  "kind: VirtualService\n",
  ["1:1 : `apiVersion` is missing: write `apiVersion: networking.istio.io/v1`"],
  refused,
);
says(
  "a misspelt kind",
  "apiVersion: networking.istio.io/v1\nkind: VirtualServic\n",
  ['2:7 kind: unknown kind "VirtualServic"; did you mean VirtualService?'],
  refused,
);
says(
  "a version that does not exist",
  "apiVersion: networking.istio.io/v2\nkind: Gateway\n",
  [
    '1:13 apiVersion: Gateway has no version "v2"; write one of networking.istio.io/v1, networking.istio.io/v1beta1, networking.istio.io/v1alpha3',
  ],
  refused,
);
says(
  "a kind in a group that is not its own",
  "apiVersion: networking.k8s.io/v1\nkind: VirtualService\n",
  [
    '1:13 apiVersion: there is no VirtualService in "networking.k8s.io"; did you mean networking.istio.io/v1?',
  ],
  refused,
);
says(
  "a kind that is not served",
  "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\n",
  [
    `2:7 kind: AuthorizationPolicy of security.istio.io is not supported: known are ${kinds.map((k) => k.kind).join(", ")}; remove it from the folder`,
  ],
  refused,
);
says(
  "a GatewayClass",
  "apiVersion: gateway.networking.k8s.io/v1\nkind: GatewayClass\n",
  [
    "2:7 kind: warning: there is one kind of proxy here, so that a GatewayClass changes nothing; it is skipped",
  ],
  { resources: 0 },
);
says(
  "a kind of the Gateway API that is not read",
  "apiVersion: gateway.networking.k8s.io/v1\nkind: TLSRoute\n",
  [
    "2:7 kind: TLSRoute is not read here; write a VirtualService's `tls` routes on a Gateway of networking.istio.io",
  ],
  refused,
);
says(
  "a kind of Kubernetes",
  "apiVersion: apps/v1\nkind: Deployment\n",
  ["2:7 kind: warning: Deployment is a resource of Kubernetes and changes nothing here; it is skipped"],
  { resources: 0 },
);
says(
  "misspelt fields of the envelope",
  "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {nam: a, label: {}}\nspecs: {}\n",
  [
    "3:12 metadata.nam: unknown field; did you mean `name`?",
    "3:20 metadata.label: unknown field; did you mean `labels`?",
    "4:1 specs: unknown field; did you mean `spec`?",
  ],
  refused,
);
says(
  "a field of the spec beside it",
  `${head}host: a\n`,
  ["4:1 host: `host` does not belong here; write it in `spec`"],
  refused,
);
says(
  "what an API server adds",
  `${head.replace("{name: a}", "{name: a, uid: x, generation: 1}")}spec: {host: a}\nstatus: {a: 1}\n`,
  [],
);
says("empty documents", "# only a comment\n---\n---\n# another\n...\n", [], { resources: 0 });
says(
  "a List with one fault in it",
  `apiVersion: v1\nkind: List\nitems:\n- ${head.replaceAll("\n", "\n  ")}spec: {host: a, host: b}\n- ${head.replaceAll("\n", "\n  ")}spec: {host: a}\n`,
  ["7:19 items[0].spec.host: duplicate key; `host` stands already on line 7; remove one of them"],
  { resources: 1, rejected: 1 },
);

test("protocols are written as declared, in whatever case they were read", () => {
  const text =
    "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: a}\nspec: {servers: [{port: {number: 80, name: h, protocol: http}, hosts: ['*']}]}\n";
  const spec = parsePiece(text).resources[0]?.value.spec as { servers: { port: { protocol: string } }[] };
  assert.equal(spec.servers[0]?.port.protocol, "HTTP");
});
