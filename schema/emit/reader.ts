// Generates the AssemblyScript reader of one declaration, for filters that live outside of filters/.
//
//   node --import tsx schema/emit/reader.ts DECLARATION.ts OUT.ts
//
// DECLARATION.ts exports the configuration's ObjectSchema as its default.

import { writeFile } from "node:fs/promises";
import { dirname, relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { attachment } from "../attach.ts";
import type { ObjectSchema } from "../language.ts";
import { requestMatch, stringMatch } from "../match.ts";
import { emitAssemblyScript } from "./assemblyscript.ts";

const [declaration, out] = process.argv.slice(2);
if (declaration === undefined || out === undefined) {
  process.stderr.write("usage: node --import tsx schema/emit/reader.ts DECLARATION.ts OUT.ts\n");
  process.exit(2);
}

const declared = (await import(pathToFileURL(resolve(declaration)).href)) as { default?: ObjectSchema };
if (declared.default?.type !== "object") {
  process.stderr.write(`${declaration}: its default export is not an ObjectSchema\n`);
  process.exit(1);
}
const assembly = relative(dirname(resolve(out)), resolve("assembly"));
const shared = new Map(
  [stringMatch, requestMatch, attachment].map(({ name }) => [name, `${assembly}/generated/records`]),
);
await writeFile(out, emitAssemblyScript(declared.default, { assembly, shared }));
