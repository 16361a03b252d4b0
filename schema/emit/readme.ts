// Tables of fields for the README of a filter, between two marks; the rest of the file is left alone.

import type { Field, ObjectSchema, Schema } from "../language.ts";

export const beginMark = "<!-- fields: generated from schema/, do not edit -->";
export const endMark = "<!-- end of fields -->";

/** The text of a README with its tables brought up to date; unchanged when it has no marks. */
export function emitReadme(readme: string, root: ObjectSchema): string {
  const begin = readme.indexOf(beginMark);
  const end = readme.indexOf(endMark);
  if (begin < 0 || end < begin) return readme;
  const tables = emitTables(root);
  return `${readme.slice(0, begin + beginMark.length)}\n\n${tables}\n${readme.slice(end)}`;
}

/** One table for each named object, outer ones first. */
export function emitTables(root: ObjectSchema): string {
  const objects = new Map<string, ObjectSchema>();
  const queue: Schema[] = [root];
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const schema = inner(next);
    if (schema?.type !== "object" || objects.has(schema.name)) continue;
    objects.set(schema.name, schema);
    for (const [, field] of supported(schema)) queue.push(field.schema);
  }
  return [...objects.values()]
    .filter((schema) => supported(schema).length > 0)
    .map(table)
    .join("\n");
}

const supported = (schema: ObjectSchema) =>
  Object.entries(schema.fields).filter(([, field]) => field.unsupported === undefined);

const inner = (schema: Schema): Schema =>
  schema.type === "list" || schema.type === "map" ? inner(schema.of) : schema;

function table(schema: ObjectSchema): string {
  const rows = supported(schema).map(
    ([name, field]) => `| \`${name}\` | ${typeOf(field.schema)} | ${meaning(field)} |`,
  );
  const rules = [
    ...(schema.exactlyOneOf ?? []).map((group) => `Exactly one of ${names(group)}.`),
    ...(schema.atMostOneOf ?? []).map((group) => `At most one of ${names(group)}.`),
    ...(schema.atLeastOneOf ?? []).map((group) => `At least one of ${names(group)}.`),
  ];
  const text = [schema.doc, ...rules].join(" ");
  return `#### ${schema.name}\n\n${text}\n\n| Field | Type | Meaning |\n|---|---|---|\n${rows.join("\n")}\n`;
}

const names = (group: readonly string[]) => group.map((name) => `\`${name}\``).join(", ");

function meaning(field: Field): string {
  const required = field.required === true ? " **Required.**" : "";
  const byDefault = field.default === undefined ? "" : ` Default: \`${JSON.stringify(field.default)}\`.`;
  return `${escapePipes(field.doc)}${required}${escapePipes(byDefault)}`;
}

const escapePipes = (text: string) => text.replaceAll("|", "\\|");

function typeOf(schema: Schema): string {
  switch (schema.type) {
    case "object":
      return `[${schema.name}](#${schema.name.toLowerCase()})`;
    case "list":
      return `list of ${typeOf(schema.of)}`;
    case "map":
      return `${schema.keys === "headerName" ? "header name" : "name"} to ${typeOf(schema.of)}`;
    case "string":
      return schema.format === "regex" ? "regex" : schema.format === "cidr" ? "CIDR" : "text";
    case "integer":
      return schema.values === undefined
        ? `integer, ${schema.min} to ${schema.max}`
        : schema.values.map((value) => `\`${value}\``).join(", ");
    case "number":
      return `number, ${schema.min} to ${schema.max}`;
    case "enum":
      return schema.values.map((value) => `\`${value}\``).join(", ");
    case "percent":
      return "percentage";
    default:
      return schema.type;
  }
}
