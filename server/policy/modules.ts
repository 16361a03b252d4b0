// The filters' modules as built: their bytes, their name by content, and what they import and export.

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";

export interface FilterModule {
  name: string;
  bytes: Uint8Array;
  sha256: string;
  /** Functions that it imports: hostcalls and WASI calls. */
  hostcalls: readonly string[];
  /** Callbacks that it exports. */
  callbacks: readonly string[];
}

/** Every `NAME.wasm` of a folder by NAME; none when there is no such folder. */
export function loadModules(directory: string): Record<string, FilterModule> {
  if (!existsSync(directory)) return {};
  const modules: Record<string, FilterModule> = {};
  for (const file of readdirSync(directory).sort()) {
    if (!file.endsWith(".wasm")) continue;
    const name = file.slice(0, -".wasm".length);
    modules[name] = readModule(name, readFileSync(path.join(directory, file)));
  }
  return modules;
}

export function readModule(name: string, bytes: Uint8Array): FilterModule {
  const module = new WebAssembly.Module(Uint8Array.from(bytes));
  const functions = (list: { name: string; kind: string }[]): string[] =>
    list.filter((entry) => entry.kind === "function").map((entry) => entry.name);
  return {
    name,
    bytes,
    sha256: createHash("sha256").update(bytes).digest("hex"),
    hostcalls: [...new Set(functions(WebAssembly.Module.imports(module)))].sort(),
    callbacks: functions(WebAssembly.Module.exports(module))
      .filter((f) => f.startsWith("proxy_on_") && f !== "proxy_on_memory_allocate")
      .sort(),
  };
}

/** Puts the module where Envoy finds it, under its content's name, and gives the path. */
export function publishModule(module: FilterModule, directory: string): string {
  const target = path.resolve(directory, `${module.name}-${module.sha256}.wasm`);
  if (existsSync(target)) return target;
  mkdirSync(path.dirname(target), { recursive: true });
  const partial = `${target}.${process.pid}`;
  writeFileSync(partial, module.bytes);
  renameSync(partial, target);
  return target;
}
