// Resources from a text of YAML, for tests: read through the same source as a folder's.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Diagnostic, formatDiagnostic } from "../schema/diagnostic.ts";
import type { Resource } from "./model.ts";
import { loadFolder } from "./source/load.ts";

export async function resourcesOf(yaml: string): Promise<readonly Resource[]> {
  const directory = await mkdtemp(join(tmpdir(), "sluice-fixture-"));
  try {
    const file = join(directory, "mesh.yaml");
    await writeFile(file, yaml);
    const { resources, diagnostics } = await loadFolder(file);
    const errors = diagnostics.filter((d) => d.severity === "error");
    if (errors.length > 0) throw new Error(errors.map(formatDiagnostic).join("\n"));
    return resources;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** `line:column path: message`, without the file. */
export const brief = (d: Diagnostic): string => `${d.line}:${d.column} ${d.severity} ${d.path}: ${d.message}`;
