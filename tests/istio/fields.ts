// The names of all fields of a CustomResourceDefinition's spec, as paths: `http[].match[].headers.*.exact`.

interface JsonSchema {
  type?: string;
  properties?: Record<string, JsonSchema>;
  items?: JsonSchema;
  additionalProperties?: JsonSchema | boolean;
}

interface Definition {
  kind?: string;
  spec?: {
    group: string;
    names: { kind: string };
    versions: { name: string; schema: { openAPIV3Schema: JsonSchema } }[];
  };
}

/** By kind, of the group's newest version, sorted. */
export function fieldsOf(
  definitions: readonly unknown[],
  kinds: readonly string[],
): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  for (const definition of definitions as Definition[]) {
    const { spec } = definition;
    if (spec === undefined || !kinds.includes(spec.names.kind) || spec.group !== "networking.istio.io")
      continue;
    const newest = spec.versions.find(({ name }) => name === "v1") ?? spec.versions[0];
    const schema = newest?.schema.openAPIV3Schema.properties?.spec;
    if (schema !== undefined) found[spec.names.kind] = pathsOf(schema, "").sort();
  }
  return found;
}

function pathsOf(schema: JsonSchema, path: string): string[] {
  const own = path === "" ? [] : [path];
  if (schema.items !== undefined) return pathsOf(schema.items, `${path}[]`);
  if (typeof schema.additionalProperties === "object") {
    return [...own, ...pathsOf(schema.additionalProperties, `${path}.*`).slice(1)];
  }
  const children = Object.entries(schema.properties ?? {});
  return [
    ...own,
    ...children.flatMap(([name, child]) => pathsOf(child, path === "" ? name : `${path}.${name}`)),
  ];
}
