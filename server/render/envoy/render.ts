// A folder as one envoy.yaml that needs no server: listeners, routes, clusters with their endpoints, secrets, and
// the filters with their policies.

import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { stringify } from "yaml";
import { bootstrapJson } from "../../../envoy/bootstrap.ts";
import type { MetricsSpec } from "../../../schema/generated/types.ts";
import type { NodeIdentity } from "../../model.ts";
import { build } from "../../snapshot.ts";
import { unavailable } from "../availability.ts";
import type { Rendered, RenderInput } from "../rendered.ts";
import { staticResources } from "./static.ts";

export interface EnvoyOptions {
  listen: { host: string; port: number };
  /** Undefined: no admin port. */
  admin: { host: string; port: number } | undefined;
  /** Which Envoy it is for, as `1.40`. */
  envoyVersion: string;
  /** Where Envoy finds `NAME.wasm`; undefined: the modules stand in the file. */
  moduleFolder: string | undefined;
}

export function renderEnvoy(input: RenderInput, options: EnvoyOptions): Rendered {
  const { resources, modules } = input;
  const built = build(resources, { listen: options.listen, modules, delivery: "inline" });
  const diagnostics = [...built.diagnostics, ...unavailable("envoy", resources)];
  const plugins = built.plugins.map(({ filter, configuration }) => ({ filter, configuration }));
  // A policy at fault would be left out, and nobody be there to say so.
  if (diagnostics.some((d) => d.severity === "error")) return { files: [], diagnostics, plugins };
  const statics = staticResources(built.snapshotFor(gateway(options.envoyVersion)));
  const config = {
    ...bootstrapFor(input, options),
    static_resources: readable(statics, options.moduleFolder),
  };
  const isSecret = statics.secrets.length > 0;
  const text = `${comment(input, options, isSecret)}\n${stringify(config, { lineWidth: 0, aliasDuplicateObjects: false })}`;
  return { files: [{ name: "envoy.yaml", text, ...(isSecret && { isSecret }) }], diagnostics, plugins };
}

const gateway = (envoyVersion: string): NodeIdentity => ({
  id: "static",
  cluster: "",
  role: "gateway",
  namespace: "",
  labels: {},
  envoyVersion,
});

/** The bootstrap for a server, without the server. */
function bootstrapFor({ resources }: RenderInput, { admin }: EnvoyOptions): JsonObject {
  const dimensions = resources
    .filter(({ kind }) => kind === "MetricsPolicy")
    .flatMap(({ spec }) => ((spec as MetricsSpec).dimensions ?? []).map(({ name }) => name));
  const { dynamicResources, staticResources, ...rest } = bootstrapJson({
    nodeId: "static",
    metadata: { ROLE: "gateway" },
    xds: { host: "127.0.0.1", port: 1 },
    dimensions: [...new Set(dimensions)],
    admin,
    statsSink: false,
  });
  return snakeCase(rest) as JsonObject;
}

/** As the rest of the file. Maps whose keys are the user's own have none in camel case. */
function snakeCase(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(snakeCase);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, one]): [string, JsonValue] => [
    /^[a-z]+([A-Z][a-z0-9]*)+$/.test(key)
      ? key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
      : key,
    snakeCase(one),
  ]);
  return Object.fromEntries(entries);
}

/** Policies in lines of their own, and modules by path where there is one. */
function readable(value: JsonValue, moduleFolder: string | undefined): JsonValue {
  if (Array.isArray(value)) return value.map((one) => readable(one, moduleFolder));
  if (typeof value !== "object" || value === null) return value;
  if (value.root_id !== undefined && value.vm_config !== undefined) return plugin(value, moduleFolder);
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, readable(one, moduleFolder)]));
}

function plugin(value: JsonObject, moduleFolder: string | undefined): JsonObject {
  const { vm_config: vm, configuration, ...rest } = value;
  const { "@type": type, value: text } = configuration as { "@type": string; value: string };
  const code = { local: { filename: `${moduleFolder}/${String(value.root_id)}.wasm` } };
  return {
    ...rest,
    vm_config: moduleFolder === undefined ? (vm ?? null) : { ...(vm as JsonObject), code },
    configuration: { "@type": type, value: JSON.stringify(JSON.parse(text), undefined, 2) },
  };
}

function comment(
  { directory }: RenderInput,
  { envoyVersion, moduleFolder }: EnvoyOptions,
  isSecret: boolean,
): string {
  const lines = [
    `Written by \`sluice render --target envoy\` from ${directory}, for Envoy ${envoyVersion}: everything that it needs, with no`,
    "server. After an edit of the folder render again and restart Envoy.",
    "",
    "  envoy -c envoy.yaml",
    ...(moduleFolder === undefined ? [] : ["", `The modules are read from ${moduleFolder}.`]),
    ...(isSecret ? ["", "It holds private keys: let nobody but Envoy read it."] : []),
  ];
  return lines.map((line) => `# ${line}`.trimEnd()).join("\n");
}
