// A module as loaded once and instantiated for every VM: the checks that Envoy makes before it runs anything.

export interface CompiledModule {
  readonly module: WebAssembly.Module;
  readonly bytes: Uint8Array;
  /** Imported functions as "env.proxy_log". */
  readonly imports: readonly string[];
  readonly exports: readonly string[];
}

const abiMarkers = ["proxy_abi_version_0_2_1", "proxy_abi_version_0_2_0"];

/**
 * Compiles a debug or release build.
 * @throws an Error that says why Envoy would not load it either.
 */
export async function compileModule(wasm: Uint8Array): Promise<CompiledModule> {
  const bytes = new Uint8Array(wasm);
  const module = await WebAssembly.compile(bytes);
  const imports = WebAssembly.Module.imports(module);
  const exports = WebAssembly.Module.exports(module).map((one) => one.name);
  const strange = imports.find((one) => one.kind !== "function");
  if (strange !== undefined) throw new Error(`imports a ${strange.kind}: ${strange.module}.${strange.name}`);
  if (!abiMarkers.some((name) => exports.includes(name))) {
    throw new Error(`Missing or unknown Proxy-Wasm ABI version: export ${abiMarkers[0]}`);
  }
  if (!exports.includes("malloc") && !exports.includes("proxy_on_memory_allocate")) {
    throw new Error("Wasm module is missing malloc function: export proxy_on_memory_allocate");
  }
  if (!exports.includes("memory")) throw new Error("the module exports no memory");
  return { module, bytes, imports: imports.map((one) => `${one.module}.${one.name}`), exports };
}
