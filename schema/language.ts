// The language in which every configuration is declared: plain data, no I/O, no behaviour.
//
// One declaration per kind; the emitters in ./emit turn it into TypeScript types, JSON Schema, README
// tables and the strict AssemblyScript readers, and ./validate.ts interprets it. A new word here needs
// an answer in each of them.

/** A value's shape. `name` on objects and enums is the name of the generated type. */
export type Schema =
  | ObjectSchema
  | ListSchema
  | MapSchema
  | StringSchema
  | IntegerSchema
  | NumberSchema
  | BooleanSchema
  | DurationSchema
  | PercentSchema
  | TimestampSchema
  | EnumSchema
  | AnySchema;

export interface ObjectSchema {
  type: "object";
  name: string;
  doc: string;
  fields: Record<string, Field>;
  /** In each group exactly one field must be present. */
  exactlyOneOf?: string[][];
  /** In each group at most one field may be present. */
  atMostOneOf?: string[][];
  /** In each group at least one field must be present. */
  atLeastOneOf?: string[][];
}

export interface Field {
  schema: Schema;
  doc: string;
  required?: true;
  /** The value that an absent field stands for, as it would be written in YAML. */
  default?: unknown;
  /** The field is known but not acted upon: it is refused by name, with this reason and remedy. */
  unsupported?: string;
}

export interface ListSchema {
  type: "list";
  of: Schema;
  minItems?: number;
  maxItems: number;
  /** The items' field that must be unique within the list. */
  uniqueBy?: string;
}

/** An object whose keys the user chooses: header names, labels. */
export interface MapSchema {
  type: "map";
  of: Schema;
  maxItems: number;
  /** Form of the keys; `headerName` is lower-cased on reading. */
  keys?: StringFormat;
}

/** The last row occurs only in resources, never in what a filter reads. */
export type StringFormat =
  | "headerName"
  | "headerValue"
  | "token"
  | "name"
  | "host"
  | "regex"
  | "cidr"
  | "path"
  | "hostPattern"
  | "gatewayHost"
  | "gatewayName"
  | "subnet"
  | "namespaceScope"
  | "address"
  | "endpointAddress"
  | "locality"
  | "statusRange"
  | "base64"
  | "retryOn";

export interface StringSchema {
  type: "string";
  minLength?: number;
  /** In bytes of UTF-8. */
  maxLength: number;
  format?: StringFormat;
}

/** A whole number; `100.0` and `1e3` are whole, since protobuf prints doubles so. */
export interface IntegerSchema {
  type: "integer";
  min: number;
  max: number;
  /** Only these are allowed; resources only, never in what a filter reads. */
  values?: number[];
}

export interface NumberSchema {
  type: "number";
  min: number;
  max: number;
}

export interface BooleanSchema {
  type: "boolean";
}

/** Written `1h30m`, `2s`, `100ms`, `1.5s`; held in nanoseconds. `0s` only where min is 0. */
export interface DurationSchema {
  type: "duration";
  minMs: number;
  maxMs: number;
}

/** 0 to 100, at most four decimals; a number, or a text `20%`; held in millionths (100 % = 1,000,000). */
export interface PercentSchema {
  type: "percent";
}

/** RFC 3339 with a zone; held in milliseconds since 1970. */
export interface TimestampSchema {
  type: "timestamp";
}

export interface EnumSchema {
  type: "enum";
  name: string;
  values: string[];
  /** Values that are known but not acted upon, each with the reason and the remedy. */
  unsupported?: Record<string, string>;
  /** Istio reads these in any case; the loader writes them as declared. Resources only. */
  ignoreCase?: true;
}

/** Anything at all: for what is passed through or refused as a whole. */
export interface AnySchema {
  type: "any";
}

export const string = (maxLength = 1024, format?: StringFormat): StringSchema =>
  format === undefined ? { type: "string", maxLength } : { type: "string", maxLength, format };
export const nonEmpty = (maxLength = 1024, format?: StringFormat): StringSchema => ({
  ...string(maxLength, format),
  minLength: 1,
});
export const integer = (min: number, max: number): IntegerSchema => ({ type: "integer", min, max });
export const boolean: BooleanSchema = { type: "boolean" };
export const percent: PercentSchema = { type: "percent" };
export const duration = (minMs: number, maxMs: number): DurationSchema => ({
  type: "duration",
  minMs,
  maxMs,
});
export const list = (of: Schema, maxItems: number, minItems = 0, uniqueBy?: string): ListSchema => ({
  type: "list",
  of,
  maxItems,
  ...(minItems > 0 ? { minItems } : {}),
  ...(uniqueBy === undefined ? {} : { uniqueBy }),
});
export const map = (of: Schema, maxItems: number, keys?: StringFormat): MapSchema =>
  keys === undefined ? { type: "map", of, maxItems } : { type: "map", of, maxItems, keys };
export const enumeration = (name: string, ...values: string[]): EnumSchema => ({
  type: "enum",
  name,
  values,
});
