// What to say of a field that its object does not have: where it belongs, or what it may have meant.

import { some } from "./describe.ts";
import type { ObjectSchema, Schema } from "./language.ts";
import { formatPath, type FieldPath } from "./path.ts";
import { closest } from "./suggest.ts";

/** An object on the way to the present one, with the path at which it stands. */
export interface Frame {
  schema: ObjectSchema;
  path: FieldPath;
}

/** `frames` end with the object that holds the unknown field. */
export function adviseUnknown(name: string, frames: readonly Frame[]): string {
  const here = frames[frames.length - 1];
  if (here === undefined) return "unknown field";
  const known = Object.keys(here.schema.fields).filter(
    (f) => here.schema.fields[f]?.unsupported === undefined,
  );
  const near = closest(name, known);
  if (name === "<<") return "merge keys are not part of YAML 1.2; write the fields out";
  if (near !== undefined && near.distance <= 1) return `unknown field; did you mean \`${near.word}\`?`;
  const place = belongsAbove(name, frames) ?? belongsBelow(name, here.schema) ?? belongsBeside(name, frames);
  if (place !== undefined) return place;
  if (near !== undefined) return `unknown field; did you mean \`${near.word}\`?`;
  return known.length === 0
    ? "unknown field; none are known here"
    : `unknown field; known are ${some(known)}`;
}

function belongsAbove(name: string, frames: readonly Frame[]): string | undefined {
  for (let i = frames.length - 2; i >= 0; i--) {
    const frame = frames[i];
    const child = frames[i + 1];
    if (frame === undefined || child === undefined || !has(frame.schema, name)) continue;
    const step = child.path[frame.path.length];
    const way = frames[frames.length - 1]?.path ?? [];
    const holder = formatPath(way.slice(way.findLastIndex((part) => typeof part === "string")));
    const where = frame.path.length === 0 ? "at the top of the document" : `in \`${formatPath(frame.path)}\``;
    return `\`${name}\` does not belong in \`${holder}\`; write it beside \`${step}\`, ${where}, indented as \`${step}\` is`;
  }
  return undefined;
}

function belongsBelow(name: string, schema: ObjectSchema): string | undefined {
  const way = wayTo(name, schema, 3);
  return way === undefined ? undefined : `\`${name}\` does not belong here; write it in \`${way}\``;
}

/** In another branch of an object above, such as `retries` for `attempts` written under `timeout`. */
function belongsBeside(name: string, frames: readonly Frame[]): string | undefined {
  for (let i = frames.length - 2; i >= 0; i--) {
    const frame = frames[i];
    if (frame === undefined) continue;
    const way = wayTo(name, frame.schema, 2);
    if (way === undefined) continue;
    const prefix = formatPath(frame.path);
    return `\`${name}\` does not belong here; write it in \`${prefix === "" ? way : `${prefix}.${way}`}\``;
  }
  return undefined;
}

const has = (schema: ObjectSchema, name: string) =>
  Object.hasOwn(schema.fields, name) && schema.fields[name]?.unsupported === undefined;

/**
 * The path, such as `route[].destination`, to an object that has the field: under the first declared of the
 * schema's fields that leads to one, as those that are written most often come first; there the nearest.
 */
function wayTo(name: string, schema: ObjectSchema, depth: number): string | undefined {
  if (depth === 0) return undefined;
  for (const [field, { schema: inner, unsupported }] of Object.entries(schema.fields)) {
    const object = unsupported === undefined ? objectIn(inner) : undefined;
    if (object === undefined) continue;
    const step = `${field}${object.suffix}`;
    if (has(object.schema, name)) return step;
    const further = wayTo(name, object.schema, depth - 1);
    if (further !== undefined) return `${step}.${further}`;
  }
  return undefined;
}

/** The object that a field holds, directly or as entries of a list. */
function objectIn(schema: Schema): { schema: ObjectSchema; suffix: string } | undefined {
  if (schema.type === "object") return { schema, suffix: "" };
  if (schema.type === "list" && schema.of.type === "object") return { schema: schema.of, suffix: "[]" };
  return undefined;
}
