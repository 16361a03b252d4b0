// The fields that the resource definitions (CRDs) of Istio and of the Gateway API have, of the kinds that the server
// reads.

import { kinds } from "../../schema/kinds.ts";

interface FieldSchema {
  enum?: unknown[];
  properties?: Record<string, FieldSchema>;
  items?: FieldSchema;
  additionalProperties?: FieldSchema | boolean;
}

export interface Definition {
  kind: string;
  metadata: { annotations?: Record<string, string> };
  spec: {
    group: string;
    names: { kind: string };
    versions: {
      storage: boolean;
      schema: { openAPIV3Schema: { properties: { spec: FieldSchema } } };
    }[];
  };
}

/** By `GROUP/KIND`. */
export type Fields = Record<string, { release?: string; fields: string[] }>;

export function fieldsOf(definitions: readonly Definition[]): Fields {
  const found: Fields = {};
  for (const { metadata, spec } of definitions) {
    if (!kinds.some(({ group, kind }) => group === spec.group && kind === spec.names.kind)) continue;
    const version = spec.versions.find(({ storage }) => storage);
    if (version === undefined) throw new Error(`no version of ${spec.names.kind} is stored`);
    const release = metadata.annotations?.["gateway.networking.k8s.io/bundle-version"];
    found[`${spec.group}/${spec.names.kind}`] = {
      ...(release === undefined ? {} : { release }),
      fields: [...namesIn(version.schema.openAPIV3Schema.properties.spec, "")].sort(),
    };
  }
  return found;
}

/** `http[].retries.attempts`, `trafficPolicy.tls.mode=MUTUAL`; `{}` stands for any key of a map. */
function* namesIn(schema: FieldSchema, path: string): Generator<string> {
  if (path !== "") yield path;
  for (const value of schema.enum ?? []) if (value !== "") yield `${path}=${value}`;
  for (const [name, inner] of Object.entries(schema.properties ?? {}))
    yield* namesIn(inner, path === "" ? name : `${path}.${name}`);
  if (schema.items !== undefined) yield* namesIn(schema.items, `${path}[]`);
  if (typeof schema.additionalProperties === "object")
    yield* namesIn(schema.additionalProperties, `${path}{}`);
}
