// A folder read and built for a command that needs no server: its errors and warnings go to stderr.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../envoy/root.ts";
import { type Diagnostic, formatDiagnostic } from "../schema/diagnostic.ts";
import { type Built, build, type FilterModule, loadModules } from "../server/snapshot.ts";
import { loadFolder } from "../server/source/load.ts";

export interface BuiltFolder {
  built: Built;
  modules: Record<string, FilterModule>;
}

/** Undefined when a server would not serve the folder; the exit code is then 1. */
export async function buildFolder(directory: string): Promise<BuiltFolder | undefined> {
  if (!existsSync(directory)) throw new Error(`there is no ${directory}: name a folder as --config`);
  const modules = loadModules(join(projectRoot, "build/filters"));
  const { resources, diagnostics } = await loadFolder(directory);
  const listen = { host: "127.0.0.1", port: 10_000 };
  const built = diagnostics.some(isError)
    ? undefined
    : build(resources, { listen, modules, delivery: "inline" });
  for (const d of [...diagnostics, ...(built?.diagnostics ?? [])]) {
    process.stderr.write(`${formatDiagnostic(d)}\n`);
  }
  if (built !== undefined && !built.diagnostics.some(isFatal)) return { built, modules };
  process.exitCode = 1;
  return undefined;
}

const isError = (d: Diagnostic): boolean => d.severity === "error";

/** A policy at fault is not in force, and holds up nothing else. */
const isFatal = (d: Diagnostic): boolean => isError(d) && !/^\w+Policy /.test(d.resource ?? "");
