// Log, clock, timer, contexts, status and foreign functions.

import { Status } from "../abi.ts";
import { type Context, rootOf } from "../context.ts";
import { UnsupportedByHost } from "../types.ts";
import type { Vm } from "../vm.ts";

export const general = {
  proxy_log(vm: Vm, level: number, at: number, size: number): number {
    if (level > 5) return Status.badArgument;
    const message = vm.readText(at, size);
    if (message === undefined) return Status.invalidMemoryAccess;
    vm.process.writeLog(level, message, vm.thread);
    return Status.ok;
  },

  proxy_get_log_level(vm: Vm, at: number): number {
    const level = ["trace", "debug", "info", "warn", "error", "critical"].indexOf(
      vm.process.options.logLevel,
    );
    return vm.writeU32(at, level) ? Status.ok : Status.invalidMemoryAccess;
  },

  /** Wall time: it may step. */
  proxy_get_current_time_nanoseconds(vm: Vm, at: number): number {
    return vm.writeU64(at, vm.process.clock.wallNs) ? Status.ok : Status.invalidMemoryAccess;
  },

  /** One timer for each root context; 0 turns it off; a new period starts now. */
  proxy_set_tick_period_milliseconds(vm: Vm, periodMs: number): number {
    const root = rootOf(vm.acting());
    if (root === undefined) return Status.ok;
    root.tickPeriodMs = periodMs;
    root.nextTickNs =
      periodMs === 0 ? undefined : vm.process.clock.monotonicNs + BigInt(periodMs) * 1_000_000n;
    return Status.ok;
  },

  /** Status 2 means that the stream has gone. */
  proxy_set_effective_context(vm: Vm, id: number): number {
    if (!vm.contexts.has(id)) return Status.badArgument;
    vm.effectiveId = id;
    return Status.ok;
  },

  /** Only a root context whose on_done asked to wait has anything to be done with. */
  proxy_done(vm: Vm): number {
    const root = rootOf(vm.acting());
    if (root === undefined || !root.retired || !vm.contexts.has(root.id)) return Status.notFound;
    vm.afterCall(() => {
      vm.call(root, "proxy_on_delete", root.id);
      vm.finishCall();
      vm.contexts.delete(root.id);
    });
    return Status.ok;
  },

  proxy_get_status(vm: Vm, codeAt: number, pointerAt: number, sizeAt: number): number {
    const [code, message] = rootOf(vm.acting())?.status ?? [0, ""];
    if (!vm.writeU32(codeAt, code)) return Status.invalidMemoryAccess;
    return vm.returnText(message, pointerAt, sizeAt);
  },

  proxy_call_foreign_function(
    vm: Vm,
    nameAt: number,
    nameSize: number,
    argumentsAt: number,
    argumentsSize: number,
    resultAt: number,
    resultSizeAt: number,
  ): number {
    const name = vm.readText(nameAt, nameSize);
    if (name === undefined || argumentsAt + argumentsSize > vm.memoryBytes) return Status.invalidMemoryAccess;
    const foreign = foreignFunctions[name];
    if (foreign === undefined) {
      if (inEnvoyOnly.has(name))
        throw new UnsupportedByHost(`foreign function ${name}: run that case in Envoy`);
      return Status.notFound;
    }
    foreign(vm.acting());
    if (resultAt !== 0 && !vm.writeU32(resultAt, 0)) return Status.invalidMemoryAccess;
    if (resultSizeAt !== 0 && !vm.writeU32(resultSizeAt, 0)) return Status.invalidMemoryAccess;
    return Status.ok;
  },
};

const foreignFunctions: Record<string, (context: Context) => void> = {
  clear_route_cache(context) {
    if (context.kind === "stream") context.routeCacheCleared = true;
  },
};

const inEnvoyOnly = new Set(
  "compress uncompress declare_property expr_create expr_delete expr_evaluate set_envoy_filter_state sign verify_signature".split(
    " ",
  ),
);
