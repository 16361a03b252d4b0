// `node --import tsx envoy/api/main.ts DIRECTORY`: finds an Envoy 1.40 and writes the types of its API there.
// Progress is a line per step on standard output.

import { readFile } from "node:fs/promises";
import { findEnvoyForApi } from "../find.ts";
import { generateApi } from "./generate.ts";

const [directory] = process.argv.slice(2);
if (directory === undefined) throw new Error("name the directory to write");

try {
  const binary = await findEnvoyForApi({ progress: (line) => console.log(line) });
  console.log("reading the types of Envoy's API out of its binary");
  await generateApi(await readFile(binary), directory);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
