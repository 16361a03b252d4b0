// Writes every generated file, or with --check says which ones are not what the declarations give.

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { faultConfig } from "../fault.ts";
import { headerRoutingConfig } from "../header-routing.ts";
import { kinds, schemaName } from "../kinds.ts";
import type { ObjectSchema } from "../language.ts";
import { metricsConfig } from "../metrics.ts";
import { rateLimitConfig } from "../rate-limit.ts";
import { documentSchema } from "../resource.ts";
import { suiteConfig } from "../suite.ts";
import { emitCrds } from "./crd.ts";
import { emitJsonSchema } from "./json-schema.ts";
import { readerFiles } from "./readers.ts";
import { emitReadme } from "./readme.ts";
import { emitTypeScript } from "./typescript.ts";

const policyGroup = "sluice.traffic";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");

/** What each filter reads, by the filter's folder. */
const configurations: Record<string, ObjectSchema> = {
  header_routing: headerRoutingConfig,
  rate_limit: rateLimitConfig,
  fault: faultConfig,
  metrics: metricsConfig,
  suite: suiteConfig,
};

/** Generated files by their path from the root of the repository. */
export async function generatedFiles(): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  const types = emitTypeScript([...kinds.map((k) => k.spec), ...Object.values(configurations)]);
  files.set("schema/generated/types.ts", types);
  for (const kind of kinds) {
    if (kind.unsupported !== undefined) continue;
    const id = `https://sluice.traffic/schemas/${schemaName(kind)}.json`;
    files.set(`schema/generated/json/${schemaName(kind)}.json`, emitJsonSchema(documentSchema(kind), id));
  }
  // Istio brings those of its own kinds.
  const own = kinds.filter(({ group, unsupported }) => group === policyGroup && unsupported === undefined);
  files.set("deploy/kubernetes/crds.yaml", emitCrds(own));
  for (const [path, text] of readerFiles()) files.set(path, text);
  for (const [folder, schema] of Object.entries(configurations)) {
    const path = `filters/${folder}/README.md`;
    const readme = await read(path);
    if (readme !== "") files.set(path, emitReadme(readme, schema));
  }
  return files;
}

const read = (path: string) => readFile(join(root, path), "utf8").catch(() => "");

async function main(): Promise<void> {
  const check = process.argv.includes("--check");
  const stale: string[] = [];
  for (const [path, text] of await generatedFiles()) {
    if ((await read(path)) === text) continue;
    stale.push(path);
    if (check) continue;
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  for (const path of stale) console.log(check ? `not current: ${path}` : `written: ${path}`);
  if (check && stale.length > 0) {
    console.log("Run `node --import tsx schema/emit/main.ts` and commit what it writes.");
    process.exitCode = 1;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
