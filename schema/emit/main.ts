// Writes every generated file, or with --check says which ones are not what the declarations give.

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { faultConfig } from "../fault.ts";
import { headerRoutingConfig } from "../header-routing.ts";
import { kinds } from "../kinds.ts";
import { metricsConfig } from "../metrics.ts";
import { rateLimitConfig } from "../rate-limit.ts";
import { emitTypeScript } from "./typescript.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");

/** What each filter reads. */
const configurations = [headerRoutingConfig, rateLimitConfig, faultConfig, metricsConfig];

/** Generated files by their path from the root of the repository. */
export async function generatedFiles(): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  files.set("schema/generated/types.ts", emitTypeScript([...kinds.map((k) => k.spec), ...configurations]));
  return files;
}

async function main(): Promise<void> {
  const check = process.argv.includes("--check");
  const stale: string[] = [];
  for (const [path, text] of await generatedFiles()) {
    const file = join(root, path);
    const present = await readFile(file, "utf8").catch(() => "");
    if (present === text) continue;
    stale.push(path);
    if (check) continue;
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  }
  for (const path of stale) console.log(check ? `not current: ${path}` : `written: ${path}`);
  if (check && stale.length > 0) {
    console.log("Run `node --import tsx schema/emit/main.ts` and commit what it writes.");
    process.exitCode = 1;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
