// The CRDs: structural as Kubernetes asks, bounded, and refusing what validate refuses about one resource.

import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { test } from "node:test";
import { Ajv } from "ajv";
import { parseAllDocuments } from "yaml";
import { findKind, kinds } from "../kinds.ts";
import { emitCrds, objectSchema, pluralOf } from "./crd.ts";

type Json = Record<string, unknown>;

interface Crd {
  metadata: { name: string };
  spec: {
    names: { kind: string };
    versions: { schema: { openAPIV3Schema: Json & { properties: Record<string, Json> } } }[];
  };
}

const own = kinds.filter((kind) => kind.group === "sluice.traffic" && kind.unsupported === undefined);
const crds = parseAllDocuments(emitCrds(own)).map((document) => document.toJS() as Crd);
const specOf = (crd: Crd): Json => crd.spec.versions[0]?.schema.openAPIV3Schema.properties.spec ?? {};

test("one for each kind of ours", () => {
  assert.deepEqual(crds.map((crd) => crd.spec.names.kind).sort(), own.map(({ kind }) => kind).sort());
  assert.equal(crds[0]?.metadata.name, "headerroutingpolicies.sluice.traffic");
  assert.deepEqual(["faultswitch", "faultpolicy"].map(pluralOf), ["faultswitches", "faultpolicies"]);
});

/** Every schema below, with how often its value may stand in one resource. */
function walk(
  schema: Json,
  path: string,
  count: number,
  visit: (s: Json, path: string, count: number) => void,
): void {
  visit(schema, path, count);
  const {
    properties = {},
    items,
    additionalProperties,
  } = schema as {
    properties?: Record<string, Json>;
    items?: Json;
    additionalProperties?: Json;
  };
  for (const [name, property] of Object.entries(properties)) walk(property, `${path}.${name}`, count, visit);
  if (items !== undefined) walk(items, `${path}[]`, count * Number(schema.maxItems), visit);
  if (additionalProperties !== undefined) {
    walk(additionalProperties, `${path}{}`, count * Number(schema.maxProperties), visit);
  }
}

for (const crd of crds) {
  test(`${crd.spec.names.kind}: structural and bounded`, () => {
    let priced = 0;
    walk(specOf(crd), "spec", 1, (schema, path, count) => {
      assert.equal("$ref" in schema, false, path);
      assert.ok(schema.type !== undefined || schema["x-kubernetes-preserve-unknown-fields"] === true, path);
      assert.equal("properties" in schema && "additionalProperties" in schema, false, path);
      if (schema.type === "array") assert.ok(Number(schema.maxItems) > 0, path);
      if ("additionalProperties" in schema) assert.ok(Number(schema.maxProperties) > 0, path);
      const hasEnd = "maxLength" in schema || "enum" in schema || schema.format === "date-time";
      if (schema.type === "string" && !hasEnd) assert.match(path, /protocol|mode/i, path);
      for (const { rule } of (schema["x-kubernetes-validations"] ?? []) as { rule: string }[]) {
        const cost = count * 10 * (rule.match(/has\(/g) ?? []).length;
        assert.ok(cost < 10_000_000, `${path}: ${cost}`);
        priced += cost;
      }
    });
    assert.ok(priced < 100_000_000, `${priced}`);
  });
}

/** As an API server does under strict field validation: unknown fields are refused, and CEL rules evaluated. */
function accepts(schema: Json, value: unknown): boolean {
  const ajv = new Ajv({ strict: false, validateFormats: false });
  return ajv.validate(schema, value) && followsRules(schema, value);
}

function followsRules(schema: Json, value: unknown): boolean {
  const {
    properties = {},
    items,
    additionalProperties,
  } = schema as {
    properties?: Record<string, Json>;
    items?: Json;
    additionalProperties?: Json;
  };
  if (Array.isArray(value)) return value.every((entry) => followsRules(items ?? {}, entry));
  if (typeof value !== "object" || value === null) return true;
  for (const { rule } of (schema["x-kubernetes-validations"] ?? []) as { rule: string }[]) {
    // The others are tried in a real API server.
    if (!rule.startsWith("[has(")) continue;
    const names = [...rule.matchAll(/has\(self\.(\w+)\)/g)].map((m) =>
      (m[1] ?? "").replace(/^__(\w+)__$/, "$1"),
    );
    const count = names.filter((name) => name in value).length;
    const [, comparison = "", bound = ""] = / (==|<=|>=) (\d)$/.exec(rule) ?? [];
    const holds = {
      "==": count === Number(bound),
      "<=": count <= Number(bound),
      ">=": count >= Number(bound),
    };
    if (!holds[comparison as keyof typeof holds]) return false;
  }
  return Object.entries(value).every(([name, entry]) => {
    const own = properties[name] ?? additionalProperties;
    if (own === undefined) return schema["x-kubernetes-preserve-unknown-fields"] === true;
    return followsRules(own, entry);
  });
}

test("the policies of the examples are accepted", async () => {
  const root = new URL("../../examples/", import.meta.url);
  let count = 0;
  for (const file of await readdir(root, { recursive: true })) {
    if (!/\.ya?ml$/.test(file)) continue;
    for (const document of parseAllDocuments(await readFile(new URL(file, root), "utf8"))) {
      const value = document.toJS() as { kind?: string; spec?: unknown } | null;
      const crd = crds.find((c) => c.spec.names.kind === value?.kind);
      if (crd === undefined || value === null) continue;
      count++;
      assert.ok(accepts(specOf(crd), value.spec), `${file}: ${value.kind}`);
    }
  }
  assert.ok(count > 3, `${count} policies`);
});

const limit = { name: "a", requests: 1, per: "1s" };
const refused: [what: string, kind: string, spec: unknown][] = [
  ["an unknown field", "RateLimitPolicy", { limits: [limit], limts: [] }],
  ["an unknown field within", "RateLimitPolicy", { limits: [{ ...limit, brust: 5 }] }],
  ["a missing field", "RateLimitPolicy", { limits: [{ name: "a", per: "1s" }] }],
  ["a number out of range", "RateLimitPolicy", { limits: [{ ...limit, requests: 0 }] }],
  ["a duration that is none", "RateLimitPolicy", { limits: [{ ...limit, per: "soon" }] }],
  ["two of a group", "RateLimitPolicy", { limits: [{ ...limit, key: [{ header: "a", cookie: "b" }] }] }],
  ["none of a group", "RateLimitPolicy", { limits: [{ ...limit, key: [{}] }] }],
  [
    "none of a deep group",
    "RateLimitPolicy",
    { limits: [{ ...limit, match: [{ uri: {}, headers: { a: { exact: "1", prefix: "2" } } }] }] },
  ],
  [
    "a percentage above 100",
    "FaultPolicy",
    { faults: [{ name: "a", percentage: 101, abort: { httpStatus: 503 } }] },
  ],
  ["an empty name", "MetricsPolicy", { dimensions: [{ name: "", header: "a" }] }],
];

for (const [what, kind, spec] of refused) {
  test(`refused: ${what}`, () => {
    const crd = crds.find((c) => c.spec.names.kind === kind);
    assert.ok(crd);
    assert.equal(accepts(specOf(crd), spec), false);
  });
}

test("a group is a CEL rule where it is cheap, and plain schema where it is repeated too often", () => {
  const spec = findKind("sluice.traffic", "HeaderRoutingPolicy")?.spec;
  assert.ok(spec);
  const few = objectSchema({ ...spec, exactlyOneOf: [["rules", "targetRefs"]] }, 10);
  assert.deepEqual(few["x-kubernetes-validations"], [
    {
      rule: "[has(self.rules), has(self.targetRefs)].filter(x, x).size() == 1",
      message: "give exactly one of rules, targetRefs",
    },
  ]);
  const many = objectSchema({ ...spec, exactlyOneOf: [["rules", "targetRefs"]] }, 1_000_000);
  assert.deepEqual(many.allOf, [{ oneOf: [{ required: ["rules"] }, { required: ["targetRefs"] }] }]);
});
