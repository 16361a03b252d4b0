// TypeScript types: one interface per named object, one union per enum. Fields that are refused are left
// out: code that reads a validated value can never meet them.

import type { ObjectSchema, Schema } from "../language.ts";

/** The text of a module that declares a type for each of these objects and all that they are made of. */
export function emitTypeScript(roots: readonly ObjectSchema[]): string {
  const types = new Map<string, { schema: Schema; text: string }>();
  for (const root of roots) collect(root, types);
  const texts = [...types.values()].map((type) => type.text);
  return [
    "// Types of the configurations. Generated from schema/; do not edit.",
    "// Values stand as they were written: durations and timestamps are texts, percentages numbers or texts.",
    "",
    ...texts,
  ].join("\n");
}

/** Adds the named types of a schema, inner ones first. */
function collect(schema: Schema, types: Map<string, { schema: Schema; text: string }>): void {
  if (schema.type === "list" || schema.type === "map") {
    collect(schema.of, types);
    return;
  }
  if (schema.type !== "object" && schema.type !== "enum") return;
  const known = types.get(schema.name);
  if (known !== undefined) {
    if (JSON.stringify(known.schema) !== JSON.stringify(schema))
      throw new Error(`Two different types are named ${schema.name}; rename one of them.`);
    return;
  }
  if (schema.type === "enum") {
    const union = schema.values.map((value) => JSON.stringify(value)).join(" | ");
    types.set(schema.name, { schema, text: `export type ${schema.name} = ${union};\n` });
    return;
  }
  for (const field of supported(schema)) collect(field[1].schema, types);
  types.set(schema.name, { schema, text: interfaceText(schema) });
}

const supported = (schema: ObjectSchema) =>
  Object.entries(schema.fields).filter(([, field]) => field.unsupported === undefined);

function interfaceText(schema: ObjectSchema): string {
  const fields = supported(schema).map(([name, field]) => {
    const byDefault = field.default === undefined ? "" : ` Default: ${JSON.stringify(field.default)}.`;
    const optional = field.required === true ? "" : "?";
    return `  /** ${field.doc}${byDefault} */\n  ${name}${optional}: ${typeText(field.schema)};`;
  });
  const head = `/** ${schema.doc} */`;
  if (fields.length === 0) return `${head}\nexport type ${schema.name} = Record<string, never>;\n`;
  return `${head}\nexport interface ${schema.name} {\n${fields.join("\n")}\n}\n`;
}

function typeText(schema: Schema): string {
  switch (schema.type) {
    case "object":
    case "enum":
      return schema.name;
    case "list": {
      const item = typeText(schema.of);
      return item.includes(" ") ? `(${item})[]` : `${item}[]`;
    }
    case "map":
      return `Record<string, ${typeText(schema.of)}>`;
    case "string":
    case "duration":
    case "timestamp":
      return "string";
    case "integer":
    case "number":
      return "number";
    case "boolean":
      return "boolean";
    case "percent":
      return "number | string";
    case "any":
      return "unknown";
  }
}
