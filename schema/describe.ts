// How values and shapes are called in messages: what was found, what is expected, how to write it.

import type { ObjectSchema, Schema } from "./language.ts";

/** `the number 5`, `the text "x"`, `a list`; `spelt` as in the source, where that differs. */
export function describe(value: unknown, spelt?: string): string {
  if (value === null || value === undefined) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a mapping";
  if (typeof value === "string") return `the text ${shown(value)}`;
  if (typeof value === "number") return `the number ${spelt ?? value}`;
  return `${spelt ?? value}`;
}

export function shown(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 57)}...` : text);
}

/** What a schema asks for, with an article. */
export function expected(schema: Schema): string {
  switch (schema.type) {
    case "object":
      return "a mapping with fields";
    case "map":
      return "a mapping";
    case "list":
      return "a list";
    case "string":
      return "a text";
    case "integer":
      return "a whole number";
    case "number":
      return "a number";
    case "boolean":
      return "true or false";
    case "duration":
      return "a duration such as 500ms, 2s or 1m30s";
    case "percent":
      return "a percentage from 0 to 100";
    case "timestamp":
      return "a moment such as 2027-01-01T00:00:00Z";
    case "enum":
      return `one of ${schema.values.join(", ")}`;
    case "any":
      return "a value";
  }
}

/** `50 // half`, `//all`: whoever writes so means a comment. */
export function slashComment(value: unknown): { value: string; comment: string } | undefined {
  if (typeof value !== "string") return undefined;
  const found = /^(.*?)(?:^|\s)\/\/\s*(.*)$/s.exec(value);
  return found === null ? undefined : { value: (found[1] ?? "").trim(), comment: (found[2] ?? "").trim() };
}

/** How a value of another type would be written as this schema asks; empty when there is no telling. */
export function remedy(schema: Schema, value: unknown, spelt = String(value)): string {
  const comment = slashComment(value);
  if (comment !== undefined)
    return `YAML comments begin with #: write \`${`${comment.value} # ${comment.comment}`.trim()}\``;
  if (value === null || value === undefined) {
    if (schema.type === "object" && Object.keys(schema.fields).length === 0) return "write {}";
    return "fill it in or remove the field";
  }
  switch (schema.type) {
    case "string":
      if (typeof value === "number" || typeof value === "boolean")
        return `write ${JSON.stringify(spelt)}, in quotes`;
      return "";
    case "integer":
    case "number":
      if (typeof value === "string" && /^\s*-?\d+(\.\d+)?\s*$/.test(value))
        return `write ${value.trim()}, without quotes`;
      return "";
    case "boolean":
      if (typeof value === "string" && /^(yes|on|true|y)$/i.test(value)) return "write true, without quotes";
      if (typeof value === "string" && /^(no|off|false|n)$/i.test(value))
        return "write false, without quotes";
      return "";
    case "duration":
      return typeof value === "number" ? `a duration has a unit: write ${value}s or ${value}ms` : "";
    case "list":
      if (Array.isArray(value)) return "";
      return typeof value === "object"
        ? "begin each entry with `- `"
        : `write [${scalar(value)}], or \`- ${scalar(value)}\` on a line of its own`;
    case "object":
      return objectRemedy(schema, value, spelt);
    case "map":
      return Array.isArray(value) ? "write `name: value` lines without `- `" : "write `name: value` lines";
    default:
      return "";
  }
}

function objectRemedy(schema: ObjectSchema, value: unknown, spelt: string): string {
  if (Array.isArray(value)) return "write its fields without `- `";
  const names = Object.keys(schema.fields).filter((name) => schema.fields[name]?.unsupported === undefined);
  const only =
    names.length === 1 || names.includes("exact")
      ? names.includes("exact")
        ? "exact"
        : names[0]
      : undefined;
  if (only !== undefined && (only !== "exact" || typeof value === "string" || typeof value === "number"))
    return `write {${only}: ${only === "exact" ? JSON.stringify(spelt) : scalar(value)}}`;
  return names.length === 0 ? "write {}" : `its fields are ${some(names)}`;
}

const scalar = (value: unknown) =>
  typeof value === "string" && /[^\w./-]/.test(value) ? JSON.stringify(value) : `${value}`;

/** Names for a message: the first twelve. */
export function some(names: readonly string[]): string {
  return names.length <= 12
    ? names.join(", ")
    : `${names.slice(0, 12).join(", ")} and ${names.length - 12} more`;
}

/** `has 1 entry; at least 2 are needed`. */
export function tooFew(count: number, least: number, word: "byte" | "entry"): string {
  return `has ${counted(count, word)}; at least ${least} ${least === 1 ? "is" : "are"} needed`;
}

export function tooMany(count: number, most: number, word: "byte" | "entry"): string {
  return `has ${counted(count, word)}; at most ${most} ${most === 1 ? "is" : "are"} allowed`;
}

function counted(count: number, word: "byte" | "entry"): string {
  if (count === 1) return `1 ${word}`;
  return `${count} ${word === "byte" ? "bytes" : "entries"}`;
}
