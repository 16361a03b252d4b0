// `node scripts/istio-fields.mjs CRDS.yaml... > tests/fixtures/istio-fields.json`: the names of every field and enum
// value that the resource definitions of Istio and of the Gateway API have, of the kinds that the server reads. Run
// anew when a newer Istio is to be followed; tests/fields.test.ts then names what is not answered yet.

import { readFileSync } from "node:fs";
import { parseAllDocuments } from "yaml";
import { kinds } from "../schema/kinds.ts";

const isOurs = ({ group, names }) => kinds.some((k) => k.group === group && k.kind === names.kind);

const found = {};
for (const file of process.argv.slice(2))
  for (const document of parseAllDocuments(readFileSync(file, "utf8"))) {
    const crd = document.toJS();
    if (crd?.kind !== "CustomResourceDefinition" || !isOurs(crd.spec)) continue;
    const version = crd.spec.versions.find(({ storage }) => storage) ?? crd.spec.versions[0];
    const { spec } = version.schema.openAPIV3Schema.properties;
    const release = crd.metadata.annotations?.["gateway.networking.k8s.io/bundle-version"];
    found[`${crd.spec.group}/${crd.spec.names.kind}`] = {
      ...(release === undefined ? {} : { release }),
      fields: [...fields(spec, "")].sort(),
    };
  }
process.stdout.write(`${JSON.stringify(found, undefined, 1)}\n`);

/** `http[].retries.attempts`, `trafficPolicy.tls.mode=MUTUAL`; `{}` stands for any key of a map. */
function* fields(schema, path) {
  if (path !== "") yield path;
  for (const value of schema.enum ?? []) if (value !== "") yield `${path}=${value}`;
  for (const [name, inner] of Object.entries(schema.properties ?? {}))
    yield* fields(inner, path === "" ? name : `${path}.${name}`);
  if (schema.items !== undefined) yield* fields(schema.items, `${path}[]`);
  if (typeof schema.additionalProperties === "object")
    yield* fields(schema.additionalProperties, `${path}{}`);
}
