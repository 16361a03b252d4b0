// Builds a test module from AssemblyScript, with managed objects and a heap that only grows: enough for a
// probe, not for a filter.

import { fileURLToPath } from "node:url";
import { type CompiledModule, compileModule } from "./module.ts";

export async function compileFixture(name: string, extra: readonly string[] = []): Promise<CompiledModule> {
  const { main } = await import("assemblyscript/asc");
  const files = new Map<string, Uint8Array>();
  const source = fileURLToPath(new URL(`../tests/assembly/fixtures/${name}.ts`, import.meta.url));
  const options = ["--runtime", "stub", "--use", "abort=", "--exportStart", "_initialize", "-O1", ...extra];
  const { error, stderr } = await main([source, "--outFile", "out.wasm", "--baseDir", "/", ...options], {
    writeFile: (file: string, contents: string | Uint8Array) => {
      files.set(file, typeof contents === "string" ? Buffer.from(contents) : contents);
    },
  });
  const bytes = files.get("out.wasm");
  if (error !== null || bytes === undefined)
    throw new Error(`${name}.ts: ${stderr.toString()}`, { cause: error });
  return compileModule(bytes);
}
