// Nothing of Istio's resources is dropped in silence: every field that they have is either acted upon or refused
// by its name. The names are in fixtures/istio-fields.json; `npm run test:istio` compares them with the API server's.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { projectRoot } from "../envoy/root.ts";
import { findKind } from "../schema/kinds.ts";
import type { Schema } from "../schema/language.ts";

const fixture = join(projectRoot, "tests/fixtures/istio-fields.json");
const fields = JSON.parse(readFileSync(fixture, "utf8")) as Record<string, string[]>;

type State = "supported" | "refused" | "unknown";

function stateOf(schema: Schema, steps: readonly string[]): State {
  const [step, ...rest] = steps;
  if (step === undefined || schema.type === "any") return "supported";
  if (step === "[]") return schema.type === "list" ? stateOf(schema.of, rest) : "unknown";
  if (step === "*") return schema.type === "map" ? stateOf(schema.of, rest) : "unknown";
  if (schema.type !== "object") return valueState(schema);
  const field = schema.fields[step];
  if (field === undefined) return "unknown";
  return field.unsupported === undefined ? stateOf(field.schema, rest) : "refused";
}

/** What Istio writes as an object and we read as one value, such as a percentage. */
const valueState = (schema: Schema): State => (schema.type === "percent" ? "supported" : "unknown");

const stepsOf = (path: string): string[] => path.replaceAll("[]", ".[]").split(".");

for (const [kind, paths] of Object.entries(fields)) {
  test(`every field of ${kind} is supported or refused by name`, (t) => {
    const found = findKind("networking.istio.io", kind);
    assert.ok(found, `${kind} is not a kind`);
    const byState: Record<State, string[]> = { supported: [], refused: [], unknown: [] };
    for (const path of paths) byState[stateOf(found.spec, stepsOf(path))].push(path);
    t.diagnostic(
      `${kind}: ${byState.supported.length} fields supported, ${byState.refused.length} refused by name`,
    );
    assert.deepEqual(byState.unknown, []);
    assert.ok(byState.supported.length > 0);
  });
}
