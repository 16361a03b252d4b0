// A whole Envoy process as far as a Wasm filter can see it: a main thread and workers, each with a VM of its
// own, over one store of shared data, one set of metrics and one virtual clock.

import type { LogLevel } from "./abi.ts";
import type { Plugin } from "./context.ts";
import type { MetricValues } from "./metrics.ts";
import type { CompiledModule } from "./module.ts";
import { utf8 } from "./pairs.ts";
import { startPlugin } from "./plugin.ts";
import { type HostcallHook, Process } from "./process.ts";
import { readRefusal } from "./refusal.ts";
import type { SharedData } from "./shared-data.ts";
import { Thread } from "./thread.ts";
import type { TraceRecord } from "./trace.ts";
import type { ConfigureResult, Counts, Fault, LogLine, PropertyTree } from "./types.ts";
import { Vm } from "./vm.ts";

export interface HostOptions {
  module: CompiledModule;
  /** Worker threads. Default 1. */
  workers?: number;
  /** Of `random_get`; each VM draws from its own stream. Default 1. */
  seed?: number;
  /** Wall time at the start. Default 2026-01-01T00:00:00Z. */
  startMs?: number;
  rootId?: string;
  /** The plugin's name. */
  name?: string;
  vmId?: string;
  /** Hostcalls and callbacks that are allowed, WASI by bare name; none or an empty list = everything. */
  capabilities?: readonly string[];
  environment?: Readonly<Record<string, string>>;
  /** Lines below it are dropped. Default "info". */
  logLevel?: LogLevel;
  /** Clusters that HTTP calls may go to. */
  clusters?: readonly string[];
  /** Properties under `xds.node`. */
  node?: PropertyTree;
  /** Records of decisions that each VM keeps for `trace`. Default 0: nothing is recorded, as in Envoy. */
  traceRecords?: number;
  /** What a trap does to later requests. Default FAIL_RELOAD. */
  failurePolicy?: "FAIL_RELOAD" | "FAIL_CLOSED" | "FAIL_OPEN";
  /**
   * Whether a new configuration is tried in a VM of its own first. Default true, as in Envoy. Without it the
   * main thread's VM is given every configuration, also those that it refuses, and keeps its old one then: for
   * tests of what a refusal leaves behind.
   */
  canary?: boolean;
  /** Least age of a VM before it is made again after a trap. Default 1000; Envoy adds up to half of it by chance. */
  reloadBackoffMs?: number;
}

/**
 * @example
 * const module = await compileModule(await readFile("build/filters/header_routing.wasm"));
 * const host = new Host({ module });
 * host.configure(JSON.stringify({ policies: [] }));
 * const stream = host.workers[0].request({ headers: [[":method", "GET"], [":path", "/"], [":authority", "a"]] });
 * const { action, headers } = stream.requestHeaders();
 */
export class Host {
  readonly main: Thread;
  readonly workers: readonly [Thread, ...Thread[]];
  readonly #module: CompiledModule;
  readonly #process: Process;
  readonly #plugin: { rootId: string; name: string };
  readonly #passed = new Set<string>();
  readonly #withCanary: boolean;
  #canaries = 0n;

  constructor(options: HostOptions) {
    this.#module = options.module;
    this.#withCanary = options.canary ?? true;
    this.#plugin = { rootId: options.rootId ?? "", name: options.name ?? "" };
    this.#process = new Process({
      startMs: options.startMs ?? Date.UTC(2026, 0, 1),
      seed: options.seed ?? 1,
      vmId: options.vmId ?? "",
      capabilities: new Set(options.capabilities ?? []),
      environment: options.environment ?? {},
      logLevel: options.logLevel ?? "info",
      clusters: new Set(options.clusters ?? []),
      node: options.node ?? {},
      traceRecords: options.traceRecords ?? 0,
    });
    const seed = BigInt(options.seed ?? 1) << 16n;
    const thread = (name: string, index: number) =>
      new Thread({
        module: options.module,
        process: this.#process,
        name,
        seed: seed + BigInt(index),
        failurePolicy: options.failurePolicy ?? "FAIL_RELOAD",
        reloadBackoffMs: options.reloadBackoffMs ?? 1000,
      });
    this.main = thread("main", 0);
    const more = Array.from({ length: Math.max(1, options.workers ?? 1) - 1 }, (_, index) => index + 1);
    this.workers = [thread("worker 0", 1), ...more.map((index) => thread(`worker ${index}`, index + 1))];
  }

  /**
   * Gives the plugin a configuration, as Envoy does: a canary VM first (once for each text that passed), then
   * the main thread, then every worker. A refusal by the canary changes nothing. The text that is in force
   * already changes nothing either.
   */
  configure(
    configuration: string | Uint8Array,
    identity: { rootId?: string; name?: string } = {},
  ): ConfigureResult {
    const bytes =
      typeof configuration === "string" ? utf8(configuration) : Buffer.from(configuration).toString("latin1");
    const plugin: Plugin = { ...this.#plugin, ...identity, configuration: bytes };
    const from = this.#process.log.length;
    const result = (problem: string, thread: string): ConfigureResult => {
      const log = this.#process.log.slice(from);
      if (problem === "") return { ok: true, log };
      const refusal = readRefusal(log);
      return {
        ok: false,
        log,
        thread,
        ...(refusal ? { refusal } : {}),
        ...(problem.startsWith("Function: ") ? { trap: problem } : {}),
      };
    };
    const canary = this.#withCanary ? this.#canary(plugin) : this.main.configure(plugin, true);
    if (canary !== "") return result(canary, this.#withCanary ? "canary" : "main");
    let failed: [string, string] | undefined;
    for (const thread of [this.main, ...this.workers]) {
      const problem = thread.configure(plugin);
      if (problem !== "") failed ??= [problem, thread.name];
    }
    return failed === undefined ? result("", "") : result(...failed);
  }

  /** Moves both clocks by `ms`, and runs every tick and timeout on the way in the order of their time. */
  advance(ms: number): void {
    const { clock } = this.#process;
    const end = clock.monotonicNs + BigInt(Math.round(ms * 1e6));
    for (;;) {
      let next: bigint | undefined;
      for (const thread of this.threads()) {
        const due = thread.nextDueNs();
        if (due !== undefined && due <= end && (next === undefined || due < next)) next = due;
      }
      if (next === undefined) break;
      if (next > clock.monotonicNs) clock.advanceNs(next - clock.monotonicNs);
      for (const thread of this.threads()) thread.runDue();
    }
    clock.advanceNs(end - clock.monotonicNs);
  }

  /** Moves both clocks without running anything: what a decision sees between two ticks. */
  skip(ns: bigint): void {
    this.#process.clock.advanceNs(ns);
  }

  /** Steps the wall clock alone, either way. */
  stepWall(ms: number): void {
    this.#process.clock.stepWallMs(ms);
  }

  /** Nanoseconds of the monotonic clock. */
  now(): bigint {
    return this.#process.clock.monotonicNs;
  }

  /** Nanoseconds since 1970 of the wall clock. */
  wallNow(): bigint {
    return this.#process.clock.wallNs;
  }

  threads(): Thread[] {
    return [this.main, ...this.workers];
  }

  /** By hostcall, over all threads since the start or `resetCounts`. */
  counts(): Counts {
    return this.#process.counts();
  }

  resetCounts(): void {
    for (const count of this.#process.hostcalls.values()) {
      count.calls = 0;
      count.bytesReturning = 0;
    }
    this.#process.callbacks.clear();
  }

  /** How often each callback was called, over all threads. */
  callbacks(): Record<string, number> {
    return Object.fromEntries(this.#process.callbacks);
  }

  metrics(): MetricValues {
    return this.#process.metrics.values();
  }

  sharedData(): SharedData {
    return this.#process.sharedData;
  }

  /** What the workers have decided since the last call, worker by worker. */
  trace(): TraceRecord[] {
    return this.workers.flatMap((worker) => worker.trace());
  }

  get log(): readonly LogLine[] {
    return this.#process.log;
  }

  clearLog(): void {
    this.#process.log.length = 0;
  }

  /** Puts a fault into a hostcall ("proxy_get_shared_data"); undefined takes it out. */
  inject(hostcall: string, fault: Fault | undefined): void {
    this.#process.faultOrdinals.delete(hostcall);
    if (fault === undefined) this.#process.faults.delete(hostcall);
    else this.#process.faults.set(hostcall, fault);
  }

  /** Called before every hostcall takes effect; see HostcallHook. */
  set onHostcall(hook: HostcallHook | undefined) {
    this.#process.onHostcall = hook;
  }

  /** Whether requests stop before each call of shared data; for interleave.ts. */
  set suspendBeforeSharedData(suspend: boolean) {
    this.#process.suspendBeforeSharedData = suspend;
  }

  /** A VM made for this one text and thrown away: neither on_done nor on_delete is called in it. */
  #canary(plugin: Plugin): string {
    const key = `${plugin.rootId}\n${plugin.name}\n${plugin.configuration}`;
    if (this.#passed.has(key)) return "";
    const vm = new Vm(this.#module, this.#process, "canary", 0xca0a00000000n + this.#canaries++);
    const { problem } = startPlugin(vm, plugin);
    if (problem === "") this.#passed.add(key);
    return problem;
  }
}
