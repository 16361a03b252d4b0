// Every field and every enum value of Istio's resources is either supported or refused by name: nothing that a user
// writes is dropped in silence. The names come from the resource definitions (tests/fixtures/istio-fields.ts).

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { projectRoot } from "../envoy/root.ts";
import { kinds } from "../schema/kinds.ts";
import type { ObjectSchema, Schema } from "../schema/language.ts";

type Answer = "supported" | "refused" | "unknown";

const known: Record<string, { fields: string[] }> = JSON.parse(
  readFileSync(join(projectRoot, "tests/fixtures/istio-fields.json"), "utf8"),
);

for (const [name, { fields }] of Object.entries(known))
  test(`${name}: each of its ${fields.length} fields and values is supported or refused by name`, (context) => {
    const kind = kinds.find((k) => `${k.group}/${k.kind}` === name);
    assert.ok(kind, `${name} is no kind that the server reads`);
    const answers: Record<Answer, string[]> = { supported: [], refused: [], unknown: [] };
    for (const field of fields) answers[answer(kind.spec, field)].push(field);
    context.diagnostic(
      `${name}: ${answers.supported.length} supported, ${answers.refused.length} refused by name`,
    );
    assert.deepEqual(answers.unknown, [], "neither declared nor refused");
    const isWithin = (field: string): boolean =>
      answers.refused.some((outer) => field !== outer && field.startsWith(outer));
    const refused = answers.refused.filter((field) => !isWithin(field));
    assert.ok(answers.supported.length > refused.length, "most of the kind is refused");
  });

/** What the declaration says of `http[].retries.attempts` or `tls.mode=MUTUAL`. */
function answer(spec: ObjectSchema, field: string): Answer {
  const [path = "", value] = field.split("=");
  let schema: Schema = spec;
  for (const step of path.match(/[^.[\]{}]+|\[\]|\{\}/g) ?? []) {
    const inner = enter(schema, step);
    if (inner === "refused" || inner === "unknown") return inner;
    schema = inner;
  }
  if (value === undefined || schema.type === "any") return "supported";
  if (schema.type === "integer") return schema.values?.includes(Number(value)) ? "supported" : "unknown";
  // A list of values such as retryOn may stand as a text with a form of its own.
  if (schema.type !== "enum") return schema.type === "string" ? "supported" : "unknown";
  if (schema.unsupported?.[value] !== undefined) return "refused";
  return schema.values.includes(value) ? "supported" : "unknown";
}

function enter(schema: Schema, step: string): Schema | "refused" | "unknown" {
  if (schema.type === "any") return schema;
  if (step === "[]") return schema.type === "list" ? schema.of : "unknown";
  if (step === "{}") return schema.type === "map" ? schema.of : "unknown";
  if (schema.type === "map") return schema.of;
  if (schema.type !== "object") return "unknown";
  const field = Object.hasOwn(schema.fields, step) ? schema.fields[step] : undefined;
  if (field === undefined) return "unknown";
  return field.unsupported === undefined ? field.schema : "refused";
}
