// What one phase of a stream did, told from what is different after it.

import type { StreamContext } from "./context.ts";
import { countsSince } from "./process.ts";
import type { Counts } from "./types.ts";
import type { Vm } from "./vm.ts";

export interface Observed {
  /** Whether the route cache was cleared. */
  cleared: boolean;
  counts: Counts;
  /** The trap that failed the VM in this phase. */
  trap: string | undefined;
}

export function observe(vm: Vm | undefined, context: StreamContext | undefined, run: () => void): Observed {
  const before = vm?.process.counts() ?? {};
  const failed = vm?.failure;
  if (context !== undefined) context.routeCacheCleared = false;
  run();
  return {
    cleared: context?.routeCacheCleared ?? false,
    counts: vm === undefined ? {} : countsSince(before, vm.process.counts()),
    trap: failed === undefined ? vm?.failure : undefined,
  };
}
