// A text of YAML as a folder, for what reads folders.

import { mkdtemp, writeFile } from "node:fs/promises";
import { join } from "node:path";

export async function writeFolder(parent: string, yaml: string): Promise<string> {
  const folder = await mkdtemp(join(parent, "folder-"));
  await writeFile(join(folder, "mesh.yaml"), yaml);
  return folder;
}
