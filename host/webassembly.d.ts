// The part of the WebAssembly JavaScript API that the host uses. Node has it; TypeScript declares it only
// together with the whole DOM.

declare namespace WebAssembly {
  type ImportValue = (...values: never[]) => unknown;
  type Imports = Record<string, Record<string, ImportValue>>;
  type Exports = Record<string, unknown>;
  interface ModuleExport {
    name: string;
    kind: string;
  }
  interface ModuleImport extends ModuleExport {
    module: string;
  }
  class Module {
    constructor(bytes: Uint8Array);
    static imports(module: Module): ModuleImport[];
    static exports(module: Module): ModuleExport[];
  }
  class Memory {
    readonly buffer: ArrayBuffer;
    grow(pages: number): number;
  }
  class Instance {
    constructor(module: Module, imports: Imports);
    readonly exports: Exports;
  }
  class RuntimeError extends Error {}
  function compile(bytes: Uint8Array): Promise<Module>;
}
