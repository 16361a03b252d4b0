// Every order in which the shared-data calls of concurrent requests can happen. Each request runs on a worker
// of its own; before each of its calls of shared data it is suspended, and each order is tried from a fresh
// start: a depth-first walk over all choices of who goes next.
//
// For this the module is rewritten (Binaryen's asyncify) so that it can be suspended; nothing else changes.

import { Suspended } from "./fiber.ts";
import type { Host } from "./host.ts";
import { type CompiledModule, compileModule } from "./module.ts";
import type { Stream } from "./stream.ts";
import type { Outcome } from "./types.ts";

/** The module with places to stop before every call of shared data. */
export async function suspendable(module: CompiledModule): Promise<CompiledModule> {
  const { default: binaryen } = await import("binaryen");
  const copy = binaryen.readBinary(module.bytes);
  try {
    copy.setFeatures(binaryen.Features.All);
    binaryen.setPassArgument("asyncify-imports", "env.proxy_get_shared_data,env.proxy_set_shared_data");
    copy.runPasses(["asyncify"]);
    return await compileModule(copy.emitBinary());
  } finally {
    binaryen.setPassArgument("asyncify-imports", null);
    copy.dispose();
  }
}

export interface Exploration {
  /** A host with its configuration, over a `suspendable` module; made anew for every order. */
  make: () => Host;
  /** The concurrent requests, each on another worker. */
  requests: (host: Host) => readonly Stream[];
  /** Called when all have been decided, in the order of `requests`; throws when something is wrong. */
  check: (host: Host, outcomes: readonly Outcome[], order: readonly number[]) => void;
  /** Orders to try at most. Default 100,000. */
  limit?: number;
}

/**
 * @returns how many orders there were, and whether all were tried.
 * @example
 * const module = await suspendable(await compileModule(bytes));
 * const { orders } = explore({
 *   make: () => configured(new Host({ module, workers: 2 })),
 *   requests: (host) => host.workers.map((worker) => worker.request({ headers })),
 *   check: (_host, outcomes) => assert.equal(outcomes.filter(admitted).length, 1),
 * });
 */
export function explore(options: Exploration): { orders: number; complete: boolean } {
  const limit = options.limit ?? 100_000;
  let prefix: number[] | undefined = [];
  let orders = 0;
  while (prefix !== undefined) {
    if (orders === limit) return { orders, complete: false };
    prefix = runOnce(options, prefix);
    orders++;
  }
  return { orders, complete: true };
}

/** Runs one order: the prefix, then always the first that can go. @returns the next prefix to try. */
function runOnce(options: Exploration, prefix: readonly number[]): number[] | undefined {
  const host = options.make();
  const streams = options.requests(host);
  const order: number[] = [];
  const ready: number[][] = [];
  host.suspendBeforeSharedData = true;
  // Up to its first call a request touches nothing that is shared: that part needs no order.
  const outcomes = streams.map(step);
  for (;;) {
    const open = [...streams.keys()].filter((index) => outcomes[index] === undefined);
    if (open.length === 0) break;
    const next = prefix[order.length] ?? open[0] ?? 0;
    order.push(next);
    ready.push(open);
    const stream = streams[next];
    if (stream !== undefined) outcomes[next] = step(stream);
  }
  host.suspendBeforeSharedData = false;
  options.check(
    host,
    outcomes.filter((outcome) => outcome !== undefined),
    order,
  );
  for (let at = order.length - 1; at >= 0; at--) {
    const others = (ready[at] ?? []).filter((index) => index > (order[at] ?? 0));
    if (others[0] !== undefined) return [...order.slice(0, at), others[0]];
  }
  return undefined;
}

function step(stream: Stream): Outcome | undefined {
  try {
    return stream.requestHeaders();
  } catch (error) {
    if (error instanceof Suspended) return undefined;
    throw error;
  }
}
