// The emitters. JSON Schema and validator refuse the same things.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { Ajv, type ValidateFunction } from "ajv";
import { parseAllDocuments } from "yaml";
import { findKind, kinds } from "../kinds.ts";
import { headerRoutingConfig } from "../header-routing.ts";
import type { ObjectSchema } from "../language.ts";
import { documentSchema, identify } from "../resource.ts";
import { emitJsonSchema } from "./json-schema.ts";
import { beginMark, emitReadme, emitTables, endMark } from "./readme.ts";
import { emitTypeScript } from "./typescript.ts";

const ajv = new Ajv({ strict: false, validateFormats: false });
const compiled = new Map<string, ValidateFunction>();

function byJsonSchema(kind: string, value: unknown): boolean {
  const known = kinds.find((k) => k.kind === kind);
  assert.ok(known);
  const validate = compiled.get(kind) ?? ajv.compile(JSON.parse(emitJsonSchema(documentSchema(known), kind)));
  compiled.set(kind, validate);
  return validate(value);
}

test("JSON Schemas accept the sample mesh", async () => {
  const text = await readFile(new URL("../../examples/ficool/mesh.yaml", import.meta.url), "utf8");
  for (const document of parseAllDocuments(text)) {
    const value = document.toJS() as { kind: string };
    assert.ok(byJsonSchema(value.kind, value), value.kind);
    assert.deepEqual(identify(value).problems, []);
  }
});

/** Changes of one valid document, each of which both must refuse. */
const changes: [name: string, kind: string, change: (spec: Record<string, unknown>) => void][] = [
  ["a misspelt field", "VirtualService", (spec) => Object.assign(spec, { htttp: [] })],
  [
    "an unsupported field",
    "VirtualService",
    (spec) => Object.assign(spec, { http: [{ redirect: { uri: "/" }, mirror_percent: 1 }] }),
  ],
  ["a missing field", "ServiceEntry", (spec) => Reflect.deleteProperty(spec, "hosts")],
  ["a wrong type", "VirtualService", (spec) => Object.assign(spec, { hosts: "a" })],
  ["an empty list", "VirtualService", (spec) => Object.assign(spec, { http: [] })],
  ["none of a group", "VirtualService", (spec) => Object.assign(spec, { http: [{}] })],
  [
    "two of a group",
    "VirtualService",
    (spec) => Object.assign(spec, { http: [{ redirect: { uri: "/" }, directResponse: { status: 200 } }] }),
  ],
  [
    "a bad duration",
    "VirtualService",
    (spec) => Object.assign(spec, { http: [{ redirect: { uri: "/" }, timeout: "1 s" }] }),
  ],
  [
    "a number out of range",
    "VirtualService",
    (spec) => Object.assign(spec, { http: [{ directResponse: { status: 700 } }] }),
  ],
  [
    "a number not among those allowed",
    "VirtualService",
    (spec) => Object.assign(spec, { http: [{ redirect: { uri: "/", redirectCode: 304 } }] }),
  ],
  [
    "a protocol that is not served",
    "ServiceEntry",
    (spec) => Object.assign(spec, { ports: [{ number: 1, name: "a", protocol: "UDP" }] }),
  ],
  ["an unknown word", "ServiceEntry", (spec) => Object.assign(spec, { location: "mesh_internal" })],
  ["a name of a wrong form", "DestinationRule", (spec) => Object.assign(spec, { subsets: [{ name: "-" }] })],
];

const valid: Record<string, () => Record<string, unknown>> = {
  VirtualService: () => ({ hosts: ["a"], http: [{ redirect: { uri: "/" } }] }),
  ServiceEntry: () => ({
    hosts: ["a"],
    ports: [{ number: 1, name: "a", protocol: "http" }],
    resolution: "DNS",
  }),
  DestinationRule: () => ({ host: "a", subsets: [{ name: "v1", labels: { a: "b" } }] }),
};

for (const [name, kind, change] of changes)
  test(`JSON Schema and validator both refuse ${name}`, () => {
    const found = findKind("networking.istio.io", kind);
    assert.ok(found);
    const spec = valid[kind]?.() ?? {};
    const document = { apiVersion: "networking.istio.io/v1", kind, metadata: { name: "a" }, spec };
    assert.ok(byJsonSchema(kind, document));
    assert.deepEqual(identify(document).problems, []);
    change(spec);
    assert.equal(byJsonSchema(kind, document), false);
    assert.notEqual(identify(document).problems.length, 0);
  });

test("a type is declared once, and two of one name are refused", () => {
  const text = emitTypeScript(kinds.map((k) => k.spec));
  assert.equal(text.match(/^export interface StringMatch /gm)?.length, 1);
  const clash: ObjectSchema = { type: "object", name: "StringMatch", doc: "", fields: {} };
  assert.throws(
    () => emitTypeScript([...kinds.map((k) => k.spec), clash]),
    /Two different types are named StringMatch/,
  );
});

test("types leave out what is refused, and say what is optional", () => {
  const text = emitTypeScript(kinds.map((k) => k.spec));
  assert.doesNotMatch(text, /mirror_percent|sourceSubnet/);
  assert.match(text, /^ {2}hosts: string\[\];$/m);
  assert.match(text, /^ {2}timeout\?: string;$/m);
});

test("a README's table is brought up to date between its marks and nowhere else", () => {
  const readme = `# A\n\n${beginMark}\nold\n${endMark}\n\nrest | of it\n`;
  const updated = emitReadme(readme, headerRoutingConfig);
  assert.ok(updated.startsWith(`# A\n\n${beginMark}\n\n#### HeaderRoutingConfig\n`));
  assert.ok(updated.endsWith(`${endMark}\n\nrest | of it\n`));
  assert.doesNotMatch(updated, /^old$/m);
  assert.equal(emitReadme(updated, headerRoutingConfig), updated);
  assert.equal(emitReadme("no marks", headerRoutingConfig), "no marks");
});

test("a table has a row for each field, with its bounds and default", () => {
  const tables = emitTables(headerRoutingConfig);
  assert.match(
    tables,
    /^\| `weight` \| integer, 0 to 1000000 \| Relative to the sum of the weights\. \*\*Required\.\*\* \|$/m,
  );
  assert.match(tables, /^\| `ttl` \| duration \| Max-Age; 0s: a session cookie\. Default: `"0s"`\. \|$/m);
  assert.match(tables, /^Exactly|Exactly one of `header`, `cookie`, `sourceIp`\.$/m);
});
