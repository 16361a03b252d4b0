// Checks of single values: texts, numbers, durations, percentages, moments, enums.

import { shown, tooFew, tooMany } from "./describe.ts";
import { checkFormat } from "./formats.ts";
import type {
  DurationSchema,
  EnumSchema,
  IntegerSchema,
  NumberSchema,
  Schema,
  StringSchema,
} from "./language.ts";
import { closest } from "./suggest.ts";
import { formatDuration, parseDuration, parsePercent, parseTimestamp } from "./values.ts";

export type ScalarSchema = Exclude<Schema, { type: "object" | "map" | "list" | "any" }>;

/** What is wrong; "type" when the value is of another type altogether; undefined when nothing is. */
export function checkScalar(schema: ScalarSchema, value: unknown): string | undefined {
  switch (schema.type) {
    case "string":
      return typeof value === "string" ? checkString(schema, value) : "type";
    case "integer":
    case "number":
      return typeof value === "number" ? checkNumber(schema, value) : "type";
    case "boolean":
      return typeof value === "boolean" ? undefined : "type";
    case "duration":
      return typeof value === "string" ? checkDuration(schema, value) : "type";
    case "percent":
      return typeof value === "string" || typeof value === "number" ? checkPercent(value) : "type";
    case "timestamp":
      return typeof value === "string" ? checkTimestamp(value) : "type";
    case "enum":
      return typeof value === "string" ? checkEnum(schema, value) : "type";
  }
}

function checkString(schema: StringSchema, text: string): string | undefined {
  const size = Buffer.byteLength(text);
  if (text === "" && (schema.minLength ?? 0) > 0) return "is an empty text; fill it in or remove the field";
  if (size < (schema.minLength ?? 0)) return tooFew(size, schema.minLength ?? 0, "byte");
  if (size > schema.maxLength) return tooMany(size, schema.maxLength, "byte");
  return schema.format === undefined || text === "" ? undefined : checkFormat(schema.format, text);
}

function checkNumber(schema: IntegerSchema | NumberSchema, value: number): string | undefined {
  if (!Number.isFinite(value)) return `${value} is not a finite number`;
  if (schema.type === "integer") {
    if (!Number.isInteger(value)) return `${value} is not a whole number`;
    if (schema.values !== undefined && !schema.values.includes(value))
      return `${value} is not one of ${schema.values.join(", ")}`;
  }
  if (value < schema.min) return `${value} is below ${schema.min}, the least allowed`;
  if (value > schema.max) return `${value} is above ${schema.max}, the most allowed`;
  return undefined;
}

function checkDuration(schema: DurationSchema, text: string): string | undefined {
  const ns = parseDuration(text);
  if (ns === undefined) return `${shown(text)} is not a duration; ${durationHint(text)}`;
  const [min, max] = [BigInt(schema.minMs) * 1_000_000n, BigInt(schema.maxMs) * 1_000_000n];
  if (ns < min) {
    const none = ns === 0n ? "; remove the field for none" : "";
    return `${text} is below ${formatDuration(min)}, the least allowed${none}`;
  }
  return ns > max ? `${text} is above ${formatDuration(max)}, the most allowed` : undefined;
}

function durationHint(text: string): string {
  const spelled = /^\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]*)\s*$/.exec(text);
  const units: Record<string, string> = { se: "s", mi: "m", ho: "h", ms: "ms", s: "s", m: "m", h: "h" };
  const number = spelled?.[1];
  const word = spelled?.[2] ?? "";
  if (number === undefined) return "write a number and a unit, such as 500ms, 2s or 1m30s";
  if (word === "") return `add a unit: ${number}s or ${number}ms`;
  if (/^(d|days?)$/i.test(word)) return `write ${Number(number) * 24}h; there is no unit for days`;
  if (/^milli/i.test(word)) return `write ${number}ms`;
  const unit = units[word.toLowerCase()] ?? units[word.slice(0, 2).toLowerCase()];
  return unit === undefined ? "the units are h, m, s, ms, us, ns" : `write ${number}${unit}`;
}

function checkPercent(value: string | number): string | undefined {
  if (parsePercent(value) !== undefined) return undefined;
  const number = typeof value === "number" ? value : Number.parseFloat(value);
  if (Number.isNaN(number))
    return `${shown(String(value))} is not a percentage; write a number such as 20 or 0.5`;
  if (number < 0 || number > 100) return `${value} is not between 0 and 100`;
  return `${value} has more than four decimals or stray characters; write a number such as 20 or 0.0001`;
}

function checkTimestamp(text: string): string | undefined {
  if (parseTimestamp(text) !== undefined) return undefined;
  const noZone = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d)?$/.test(text) ? ": the zone is missing" : "";
  return `${shown(text)} is not a moment of RFC 3339${noZone}; write one such as 2027-01-01T00:00:00Z`;
}

function checkEnum(schema: EnumSchema, text: string): string | undefined {
  const as = schema.ignoreCase === true ? text.toUpperCase() : text;
  if (schema.values.includes(as)) return undefined;
  const reason = schema.unsupported?.[as];
  if (reason !== undefined) return `${text} is not supported: ${reason}`;
  const near = closest(text, schema.values);
  const instead =
    near === undefined ? `write one of ${schema.values.join(", ")}` : `did you mean ${near.word}?`;
  return `${shown(text)} is not known; ${instead}`;
}
