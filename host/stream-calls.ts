// The callbacks of one stream, with what Envoy does around each: the stream's context is made before the first,
// what a callback asked for is done after it, and a failed VM is not called.

import type { StreamContext } from "./context.ts";
import type { Vm } from "./vm.ts";

/** Where a stream runs; without a VM the plugin could not be made or has failed. */
export interface Place {
  vm: Vm | undefined;
  context: StreamContext | undefined;
  /** FAIL_OPEN: a failed VM lets everything by. */
  failOpen: boolean;
}

export type Verdict = "goOn" | "stop" | "failed";

export function runCallback(place: Place, callback: string, count: number, endOfStream?: boolean): Verdict {
  const { vm, context, failOpen } = place;
  const failed = failOpen ? "goOn" : "failed";
  if (vm === undefined || context === undefined || vm.failure !== undefined) return failed;
  createContext(vm, context);
  const values = endOfStream === undefined ? [count] : [count, endOfStream ? 1 : 0];
  const result = vm.call(context, callback, context.id, ...values);
  const stopped = vm.stopIteration || (result ?? 0) > 0;
  vm.finishCall();
  if (vm.failure !== undefined) return failed;
  return stopped ? "stop" : "goOn";
}

/** Log, done, delete, whatever came before; then the module's number for the stream is free. */
export function runEnd(vm: Vm, context: StreamContext, logged: StreamContext["logged"]): void {
  createContext(vm, context);
  context.phase = "log";
  context.logged = logged;
  for (const callback of ["proxy_on_log", "proxy_on_done", "proxy_on_delete"]) {
    if (callback === "proxy_on_done") context.phase = "over";
    vm.call(context, callback, context.id);
    vm.finishCall();
  }
  vm.contexts.delete(context.id);
  context.root.streams--;
}

function createContext(vm: Vm, context: StreamContext): void {
  if (context.created) return;
  context.created = true;
  vm.call(context, "proxy_on_context_create", context.id, context.root.id);
  vm.finishCall();
}
