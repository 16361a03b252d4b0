// Writes values that Istio reads in several spellings in the one that the declarations use.

import type { Schema } from "./language.ts";

/** Changes a valid value in place; returns what stands for it. */
export function canonical(schema: Schema, value: unknown): unknown {
  if (schema.type === "enum") return schema.ignoreCase === true ? String(value).toUpperCase() : value;
  if (typeof value !== "object" || value === null) return value;
  const fields = value as Record<string | number, unknown>;
  if (schema.type === "list" && Array.isArray(value))
    for (const [i, inner] of value.entries()) value[i] = canonical(schema.of, inner);
  if (schema.type === "map")
    for (const key of Object.keys(fields)) fields[key] = canonical(schema.of, fields[key]);
  if (schema.type === "object")
    for (const [name, field] of Object.entries(schema.fields))
      if (Object.hasOwn(fields, name)) fields[name] = canonical(field.schema, fields[name]);
  return value;
}
