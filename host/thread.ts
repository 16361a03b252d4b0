// One thread of the imitated Envoy: its VM, the plugin's present root context in it, and its timers. The main
// thread has one too, which configures and ticks but gets no requests.

import { type Plugin, RootContext } from "./context.ts";
import { type HttpCall, pendingCalls, timeOut } from "./http-call.ts";
import type { CompiledModule } from "./module.ts";
import { sameKey, startPlugin } from "./plugin.ts";
import type { Process } from "./process.ts";
import { Stream } from "./stream.ts";
import type { TraceRecord } from "./trace.ts";
import type { RequestOptions } from "./types.ts";
import { Vm } from "./vm.ts";

export interface ThreadOptions {
  module: CompiledModule;
  process: Process;
  name: string;
  seed: bigint;
  failurePolicy: "FAIL_RELOAD" | "FAIL_CLOSED" | "FAIL_OPEN";
  reloadBackoffMs: number;
}

interface Handle {
  plugin: Plugin;
  /** Undefined: the VM refused or could not be made; such a handle is never reloaded. */
  root: RootContext | undefined;
  loadedNs: bigint;
}

export class Thread {
  readonly name: string;
  readonly #options: ThreadOptions;
  readonly #handles = new Map<string, Handle>();
  #vm: Vm | undefined;
  #madeVms = 0n;

  constructor(options: ThreadOptions) {
    this.name = options.name;
    this.#options = options;
  }

  /** Size of the VM's linear memory; 0 while there is none. */
  get memoryBytes(): number {
    return this.#vm?.memoryBytes ?? 0;
  }

  /** The trap that killed the VM, until it is made again. */
  get failure(): string | undefined {
    return this.#vm?.failure;
  }

  /** How often this thread has made a VM. */
  get vmsMade(): number {
    return Number(this.#madeVms);
  }

  /** Metric definitions in this VM; each stays for its life. */
  get metricIds(): number {
    return this.#vm?.metricIds.size ?? 0;
  }

  /** Live root and stream contexts. */
  get contexts(): number {
    return (this.#vm?.contexts.size ?? 1) - 1;
  }

  /** The instance's exports, for what a test reads out of the module itself. */
  get exports(): WebAssembly.Exports {
    return this.#vm?.exports ?? {};
  }

  /** What this thread has decided since the last call, where the host records it. */
  trace(): TraceRecord[] {
    return this.#vm?.trace() ?? [];
  }

  /** A window on linear memory as it is now. */
  get memory(): Buffer {
    return this.#vm?.memory ?? Buffer.alloc(0);
  }

  /** Starts a request's stream; nothing of the module runs yet. */
  request(options: RequestOptions): Stream {
    const handle = this.#handle(options.rootId);
    if (handle !== undefined) this.#reloadIfDue(handle);
    const vm = this.#vm;
    const root = handle?.root;
    const failOpen = this.#options.failurePolicy === "FAIL_OPEN";
    return new Stream(options, { vm, root, failOpen }, () => {
      if (vm !== undefined && root !== undefined) this.#shutDown(vm, root);
    });
  }

  httpCalls(): HttpCall[] {
    return this.#vm === undefined ? [] : pendingCalls(this.#vm);
  }

  /**
   * With `keepOld` a refusal leaves the previous configuration in force.
   * @returns an empty text, or why the plugin is not there.
   */
  configure(plugin: Plugin, keepOld = false): string {
    const previous = this.#handles.get(plugin.rootId);
    if (previous?.root !== undefined && sameKey(previous.plugin, plugin) && this.failure === undefined)
      return "";
    const handle: Handle = { plugin, root: undefined, loadedNs: this.#options.process.clock.monotonicNs };
    const problem = this.#load(handle);
    if (problem !== "" && keepOld) return problem;
    this.#handles.set(plugin.rootId, handle);
    if (previous?.root !== undefined && previous.root !== handle.root && this.#vm !== undefined) {
      previous.root.retired = true;
      this.#shutDown(this.#vm, previous.root);
    }
    return problem;
  }

  /** When something is due next, on the monotonic clock. */
  nextDueNs(): bigint | undefined {
    const vm = this.#vm;
    if (vm === undefined || vm.failure !== undefined) return undefined;
    let next: bigint | undefined;
    for (const due of [
      ...this.#roots(vm).map((root) => root.nextTickNs),
      ...[...vm.httpCalls.values()].map((c) => c.dueNs),
    ]) {
      if (due !== undefined && (next === undefined || due < next)) next = due;
    }
    return next;
  }

  /** Runs what is due by now. A timer starts anew after its callback, so that it drifts as Envoy's does. */
  runDue(): void {
    const vm = this.#vm;
    if (vm === undefined) return;
    const now = this.#options.process.clock.monotonicNs;
    for (const root of this.#roots(vm)) {
      if (root.nextTickNs === undefined || root.nextTickNs > now || vm.failure !== undefined) continue;
      root.nextTickNs = undefined;
      vm.call(root, "proxy_on_tick", root.id);
      vm.finishCall();
      if (root.tickPeriodMs > 0) root.nextTickNs = now + BigInt(root.tickPeriodMs) * 1_000_000n;
    }
    for (const call of [...vm.httpCalls.values()]) {
      if (call.dueNs !== undefined && call.dueNs <= now) timeOut(vm, call.token);
    }
  }

  #handle(rootId: string | undefined): Handle | undefined {
    return rootId === undefined ? this.#handles.values().next().value : this.#handles.get(rootId);
  }

  #roots(vm: Vm): RootContext[] {
    return [...vm.contexts.values()].filter((context) => context instanceof RootContext);
  }

  /** Starts and configures the plugin in this thread's VM, which is made where there is none. */
  #load(handle: Handle): string {
    const { module, process, seed } = this.#options;
    if (this.#vm === undefined || this.#vm.failure !== undefined) {
      this.#vm = new Vm(module, process, this.name, seed + (this.#madeVms << 32n));
      this.#madeVms++;
    }
    const { root, problem } = startPlugin(this.#vm, handle.plugin);
    if (problem === "") handle.root = root;
    return problem;
  }

  /** FAIL_RELOAD: a trapped VM is made again at the first request that comes a back-off after its last load. */
  #reloadIfDue(handle: Handle): void {
    const { failurePolicy, process, reloadBackoffMs } = this.#options;
    if (failurePolicy !== "FAIL_RELOAD" || handle.root === undefined) return;
    const now = process.clock.monotonicNs;
    if (this.#vm?.failure !== undefined) {
      if (now - handle.loadedNs < BigInt(reloadBackoffMs) * 1_000_000n) return;
    } else if (this.#vm?.contexts.get(handle.root.id) === handle.root) {
      return;
    }
    handle.loadedNs = now;
    this.#load(handle);
  }

  /** A replaced root context goes when its last stream has. */
  #shutDown(vm: Vm, root: RootContext): void {
    if (!root.retired || root.streams > 0 || vm.contexts.get(root.id) !== root) return;
    const done = vm.has("proxy_on_done") ? vm.call(root, "proxy_on_done", root.id) : 1;
    vm.finishCall();
    if (done === 0) return;
    vm.call(root, "proxy_on_delete", root.id);
    vm.finishCall();
    vm.contexts.delete(root.id);
  }
}
