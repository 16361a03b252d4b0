// Writes the TypeScript types of Envoy's API into build/envoy-api/, from the descriptors inside an Envoy binary.
// protoc-gen-es is called as a library: its request is the descriptors that protoc would have made of .proto
// files, so neither protoc nor a .proto file is needed.

import { mkdir, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { protoCamelCase } from "@bufbuild/protobuf/reflect";
import {
  type CodeGeneratorRequest,
  CodeGeneratorRequestSchema,
  type CodeGeneratorResponse,
  type DescriptorProto,
} from "@bufbuild/protobuf/wkt";
import { closure, readDescriptors } from "./descriptors.ts";

/** The API proper; what it depends on (xds, udpa, validate, google, opentelemetry, ...) follows by itself. */
const wanted = (name: string): boolean => name.startsWith("envoy/");

/** @returns how many files were written under `directory`, which is emptied first. */
export async function generateApi(binary: Buffer, directory: string): Promise<number> {
  const files = readDescriptors(binary);
  const roots = [...files.keys()].filter(wanted).sort();
  const protoFile = closure(files, roots);
  for (const file of protoFile) for (const message of file.messageType) nameForJson(message);
  const response = generator().run(
    create(CodeGeneratorRequestSchema, {
      // Unchecked: its enums are not erasable syntax, which tsconfig.json keeps out of the rest.
      parameter: "target=ts,import_extension=ts,ts_nocheck=true",
      fileToGenerate: protoFile
        .map((file) => file.name)
        .filter((name) => !name.startsWith("google/protobuf/")),
      protoFile,
    }),
  );
  if (response.error !== "") throw new Error(`protoc-gen-es: ${response.error}`);
  await rm(directory, { recursive: true, force: true });
  for (const file of response.file) {
    const path = join(directory, file.name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, file.content);
  }
  return response.file.length;
}

/** The executable's descriptors lack the JSON names, which protoc fills in for generators. */
function nameForJson(message: DescriptorProto): void {
  for (const field of message.field) field.jsonName ||= protoCamelCase(field.name);
  for (const nested of message.nestedType) nameForJson(nested);
}

/** The package exports nothing; its command is these same few lines around standard input and output. */
function generator(): { run(request: CodeGeneratorRequest): CodeGeneratorResponse } {
  const require = createRequire(import.meta.url);
  const root = dirname(require.resolve("@bufbuild/protoc-gen-es/package.json"));
  return require(join(root, "dist/cjs/src/protoc-gen-es-plugin.js")).protocGenEs;
}
