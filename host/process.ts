// What all threads of one imitated Envoy process share: clocks, shared data, metrics, the log, and the counts
// and hooks that tests look through.

import { type LogLevel, logLevels } from "./abi.ts";
import { Clock } from "./clock.ts";
import { Metrics } from "./metrics.ts";
import { SharedData, SharedQueues } from "./shared-data.ts";
import type { Count, Counts, Fault, LogLine, PropertyTree } from "./types.ts";

export interface ProcessOptions {
  startMs: number;
  seed: number | bigint;
  vmId: string;
  capabilities: ReadonlySet<string>;
  environment: Readonly<Record<string, string>>;
  logLevel: LogLevel;
  clusters: ReadonlySet<string>;
  node: PropertyTree;
  /** Records of a module's trace to be kept per VM; 0: none is switched on. */
  traceRecords: number;
}

/**
 * Called before a hostcall takes effect, on whichever thread makes it; `key` is that of a shared-data call.
 * It may run requests on other workers: each is an instance of its own.
 */
export type HostcallHook = (call: { name: string; thread: string; key: string | undefined }) => void;

export class Process {
  readonly options: ProcessOptions;
  readonly clock: Clock;
  readonly sharedData = new SharedData();
  readonly queues = new SharedQueues();
  readonly metrics = new Metrics();
  readonly log: LogLine[] = [];
  readonly hostcalls = new Map<string, Count>();
  readonly callbacks = new Map<string, number>();
  readonly faults = new Map<string, Fault>();
  readonly faultOrdinals = new Map<string, number>();
  onHostcall: HostcallHook | undefined;
  suspendBeforeSharedData = false;
  /** Why the process is gone; every later use throws. */
  crash: Error | undefined;

  constructor(options: ProcessOptions) {
    this.options = options;
    this.clock = new Clock(options.startMs);
  }

  allows(capability: string): boolean {
    return this.options.capabilities.size === 0 || this.options.capabilities.has(capability);
  }

  writeLog(level: number, message: string, thread: string): void {
    const name = logLevels[level];
    if (name === undefined || level < logLevels.indexOf(this.options.logLevel)) return;
    this.log.push({ level: name, message: Buffer.from(message, "latin1").toString("utf8"), thread });
  }

  count(name: string): Count {
    let count = this.hostcalls.get(name);
    if (count === undefined) {
      count = { calls: 0, bytesReturning: 0 };
      this.hostcalls.set(name, count);
    }
    return count;
  }

  counts(): Counts {
    const counts: Counts = {};
    for (const [name, { calls, bytesReturning }] of this.hostcalls) {
      if (calls > 0) counts[name] = { calls, bytesReturning };
    }
    return counts;
  }
}

/** What `after` has more than `before`. */
export function countsSince(before: Counts, after: Counts): Counts {
  const counts: Counts = {};
  for (const [name, count] of Object.entries(after)) {
    const calls = count.calls - (before[name]?.calls ?? 0);
    if (calls > 0)
      counts[name] = { calls, bytesReturning: count.bytesReturning - (before[name]?.bytesReturning ?? 0) };
  }
  return counts;
}

/** Sum of the bytes-returning hostcalls. */
export function bytesReturning(counts: Counts): number {
  return Object.values(counts).reduce((sum, count) => sum + count.bytesReturning, 0);
}
