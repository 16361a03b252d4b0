// JSON Schema (draft 7, which editors know best) of one kind of resource: completes and checks while one
// types. It refuses what ./validate.ts refuses, as far as JSON Schema can say it.

import type { Field, ObjectSchema, Schema, StringFormat, StringSchema } from "../language.ts";

type Json = Record<string, unknown>;

export function emitJsonSchema(root: ObjectSchema, id: string): string {
  const definitions: Record<string, Json> = {};
  const emitted = new Emit(definitions).object(root);
  const schema = {
    $schema: "http://json-schema.org/draft-07/schema#",
    $id: id,
    title: root.name,
    ...emitted,
    definitions,
  };
  return `${JSON.stringify(schema, undefined, 2)}\n`;
}

class Emit {
  private readonly definitions: Record<string, Json>;

  constructor(definitions: Record<string, Json>) {
    this.definitions = definitions;
  }

  schema(schema: Schema): Json {
    switch (schema.type) {
      case "object":
        return this.reference(schema);
      case "list":
        return {
          type: "array",
          items: this.schema(schema.of),
          maxItems: schema.maxItems,
          ...(schema.minItems === undefined ? {} : { minItems: schema.minItems }),
        };
      case "map":
        return {
          type: "object",
          additionalProperties: this.schema(schema.of),
          maxProperties: schema.maxItems,
          ...(schema.keys === undefined ? {} : { propertyNames: pattern(schema.keys) }),
        };
      case "string":
        return text(schema);
      case "integer":
        if (schema.values !== undefined) return { enum: schema.values };
        return { type: "integer", minimum: schema.min, maximum: schema.max };
      case "number":
        return { type: "number", minimum: schema.min, maximum: schema.max };
      case "boolean":
        return { type: "boolean" };
      case "duration":
        return { type: "string", pattern: "^([0-9]+(\\.[0-9]{1,9})?(ns|us|µs|ms|s|m|h))+$" };
      case "percent":
        return {
          anyOf: [
            { type: "number", minimum: 0, maximum: 100 },
            { type: "string", pattern: "^\\s*[0-9]{1,3}(\\.[0-9]{1,4})?\\s*%?\\s*$" },
          ],
        };
      case "timestamp":
        return { type: "string", format: "date-time" };
      case "enum":
        if (schema.ignoreCase !== true) return { type: "string", enum: schema.values };
        return { anyOf: [{ enum: schema.values }, { type: "string", pattern: anyCase(schema.values) }] };
      case "any":
        return {};
    }
  }

  /** Named objects are defined once, also where they contain many others. */
  private reference(schema: ObjectSchema): Json {
    if (this.definitions[schema.name] === undefined) {
      this.definitions[schema.name] = {};
      this.definitions[schema.name] = this.object(schema);
    }
    return { $ref: `#/definitions/${schema.name}` };
  }

  object(schema: ObjectSchema): Json {
    const fields = Object.entries(schema.fields).filter(([, field]) => field.unsupported === undefined);
    const properties = Object.fromEntries(fields.map(([name, field]) => [name, this.field(field)]));
    const required = fields.filter(([, field]) => field.required === true).map(([name]) => name);
    const groups = groupRules(schema);
    return {
      type: "object",
      description: schema.doc,
      properties,
      additionalProperties: false,
      ...(required.length === 0 ? {} : { required }),
      ...(groups.length === 0 ? {} : { allOf: groups }),
    };
  }

  private field(field: Field): Json {
    const schema = this.schema(field.schema);
    const described = {
      description: field.doc,
      ...(field.default === undefined ? {} : { default: field.default }),
    };
    // Draft 7 ignores everything beside a $ref.
    return "$ref" in schema ? { allOf: [schema], ...described } : { ...schema, ...described };
  }
}

function groupRules(schema: ObjectSchema): Json[] {
  const present = (names: readonly string[]) => names.map((name) => ({ required: [name] }));
  const pairs = (names: readonly string[]) =>
    names.flatMap((a, i) => names.slice(i + 1).map((b) => ({ not: { required: [a, b] } })));
  return [
    ...(schema.exactlyOneOf ?? []).map((names) => ({ oneOf: present(names) })),
    ...(schema.atMostOneOf ?? []).flatMap(pairs),
    ...(schema.atLeastOneOf ?? []).map((names) => ({ anyOf: present(names) })),
  ];
}

function text(schema: StringSchema): Json {
  return {
    type: "string",
    ...(schema.minLength === undefined ? {} : { minLength: schema.minLength }),
    maxLength: schema.maxLength,
    ...(schema.format === undefined ? {} : pattern(schema.format)),
  };
}

/** Patterns where a format is one; the others are for the validator alone. */
function pattern(format: StringFormat): Json {
  switch (format) {
    case "headerName":
    case "token":
      return { pattern: "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$" };
    case "name":
      return { pattern: "^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$" };
    case "path":
      return { pattern: "^/" };
    case "base64":
      return { contentEncoding: "base64" };
    default:
      return {};
  }
}

/** `^([hH][tT][tT][pP])$`: JSON Schema has no flag for it. */
function anyCase(values: readonly string[]): string {
  const either = (letter: string) =>
    /[A-Za-z]/.test(letter) ? `[${letter.toLowerCase()}${letter.toUpperCase()}]` : letter;
  return `^(${values.map((value) => [...value].map(either).join("")).join("|")})$`;
}
