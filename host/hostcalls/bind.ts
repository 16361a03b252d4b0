// From a module's imports to functions: every call is counted, held against its capability and the present
// restriction, offered to the test's hook and faults, and only then made.

import { Errno, Status } from "../abi.ts";
import type { CompiledModule } from "../module.ts";
import { HostTrap } from "../types.ts";
import type { Vm } from "../vm.ts";
import { buffers } from "./buffers.ts";
import { general } from "./general.ts";
import { headers } from "./headers.ts";
import { http } from "./http.ts";
import { metrics } from "./metrics.ts";
import { properties } from "./properties.ts";
import { shared } from "./shared.ts";
import { streams } from "./streams.ts";
import { wasi, wasiWhileStarting } from "./wasi.ts";

/** Numbers come as the module passed them: i32 as signed numbers made unsigned here, i64 as bigint. */
export type Hostcall = (vm: Vm, ...values: never[]) => number | undefined;
export type Hostcalls = Record<string, Hostcall>;

const env: Hostcalls = {
  ...general,
  ...headers,
  ...buffers,
  ...properties,
  ...shared,
  ...metrics,
  ...streams,
  ...http,
  pthread_equal: (_vm, left: number, right: number) => (left === right ? 1 : 0),
  emscripten_notify_memory_growth: () => undefined,
};

const modules: Record<string, Hostcalls> = { env, wasi_snapshot_preview1: wasi, wasi_unstable: wasi };

/** Every import that Envoy 1.40 can link, as "env.proxy_log". */
export const knownHostcalls: ReadonlySet<string> = new Set(
  Object.entries(modules).flatMap(([module, calls]) => Object.keys(calls).map((name) => `${module}.${name}`)),
);

/** Made without a capability, in every phase. */
const unrestricted = new Set(["pthread_equal", "emscripten_notify_memory_growth"]);
const whileAllocating = new Set(["proxy_log", "fd_write", "clock_time_get", "poll_oneoff"]);

/** @throws an Error naming the import that Envoy does not have. */
export function bindImports(module: CompiledModule, vm: Vm): WebAssembly.Imports {
  const imports: Record<string, Record<string, WebAssembly.ImportValue>> = {};
  for (const { module: from, name } of WebAssembly.Module.imports(module.module)) {
    const hostcall = modules[from]?.[name];
    if (hostcall === undefined) {
      throw new Error(`Failed to load Wasm module due to a missing import: ${from}.${name}`);
    }
    imports[from] = { ...imports[from], [name]: bind(vm, name, from !== "env", hostcall) };
  }
  return imports;
}

function bind(
  vm: Vm,
  name: string,
  isWasi: boolean,
  hostcall: Hostcall,
): (...values: (number | bigint)[]) => unknown {
  const process = vm.process;
  const count = process.count(name);
  const allowed = unrestricted.has(name) || process.allows(name);
  const run = hostcall as (vm: Vm, ...values: (number | bigint)[]) => number | undefined;
  return (...values) => {
    if (process.crash !== undefined) throw process.crash;
    if (process.suspendBeforeSharedData && name.endsWith("_shared_data") && vm.fiber?.pause()) return 0;
    if (!mayRun(vm, name, isWasi)) throw new HostTrap(`restricted_callback: ${name}`);
    count.calls++;
    if (!allowed) {
      process.writeLog(
        4,
        `Attempted call to restricted ${isWasi ? "WASI" : "proxy-wasm"} capability: ${name}`,
        vm.thread,
      );
      return isWasi ? Errno.notcapable : Status.internalFailure;
    }
    process.onHostcall?.({ name, thread: vm.thread, key: sharedKey(vm, name, values) });
    const fault = injected(vm, name);
    if (fault === "trap") throw new HostTrap(`injected: ${name}`);
    if (fault !== undefined) return fault;
    for (let index = 0; index < values.length; index++) {
      const value = values[index];
      if (typeof value === "number") values[index] = value >>> 0;
    }
    vm.enteredAllocator = false;
    const status = run(vm, ...values);
    if (vm.enteredAllocator) count.bytesReturning++;
    return status;
  };
}

/** Calls of shared data start with the key. */
function sharedKey(vm: Vm, name: string, values: (number | bigint)[]): string | undefined {
  if (!name.endsWith("_shared_data")) return undefined;
  return vm.readText(Number(values[0]) >>> 0, Number(values[1]) >>> 0);
}

function mayRun(vm: Vm, name: string, isWasi: boolean): boolean {
  if (vm.restriction === undefined || unrestricted.has(name)) return true;
  if (vm.restriction === "allocate") return whileAllocating.has(name);
  return name === "proxy_log" || (isWasi && wasiWhileStarting(name));
}

function injected(vm: Vm, name: string): number | "trap" | undefined {
  const fault = vm.process.faults.get(name);
  if (fault === undefined) return undefined;
  const ordinal = vm.process.faultOrdinals.get(name) ?? 0;
  vm.process.faultOrdinals.set(name, ordinal + 1);
  return fault({ name, thread: vm.thread, ordinal });
}
