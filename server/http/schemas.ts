// JSON Schemas of every kind of resource, for editors: one of each, and one for files that mix them.

import { Hono } from "hono";
import { emitJsonSchema } from "../../schema/emit/json-schema.ts";
import { type Kind, kinds, schemaName } from "../../schema/kinds.ts";
import { apiVersion, documentSchema } from "../../schema/resource.ts";

export interface SchemaIndex {
  /** For any file: it chooses by `kind`. */
  all: string;
  schemas: { kind: string; apiVersions: string[]; url: string }[];
}

const served = kinds.filter(({ unsupported }) => unsupported === undefined);
const pathOf = (kind: string): string => `/schemas/${kind}.json`;

/**
 * @example
 * # yaml-language-server: $schema=http://127.0.0.1:8080/schemas/all.json
 */
export function schemaRoutes(): Hono {
  const app = new Hono();
  const index: SchemaIndex = {
    all: pathOf("all"),
    schemas: served.map((kind) => ({
      kind: kind.kind,
      apiVersions: kind.versions.map((version) => apiVersion(kind, version)),
      url: pathOf(schemaName(kind)),
    })),
  };
  for (const path of ["/schemas", "/schemas/", "/schemas/index.json"]) app.get(path, (c) => c.json(index));
  for (const kind of served) {
    app.get(pathOf(schemaName(kind)), (c) => c.body(schemaOf(kind), 200, { "content-type": contentType }));
  }
  app.get(index.all, (c) => c.body(JSON.stringify(byKind), 200, { "content-type": contentType }));
  return app;
}

const contentType = "application/schema+json";
const texts = new Map<string, string>();

function schemaOf(kind: Kind): string {
  const name = schemaName(kind);
  const text = texts.get(name) ?? emitJsonSchema(documentSchema(kind), pathOf(name));
  texts.set(name, text);
  return text;
}

const byKind = {
  $schema: "http://json-schema.org/draft-07/schema#",
  $id: pathOf("all"),
  type: "object",
  required: ["apiVersion", "kind"],
  allOf: served.map((kind) => {
    const enumeration = { enum: kind.versions.map((version) => apiVersion(kind, version)) };
    return {
      if: { properties: { apiVersion: enumeration, kind: { const: kind.kind } } },
      // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
      then: { $ref: pathOf(schemaName(kind)) },
    };
  }),
};
