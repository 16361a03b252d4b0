// One instance of the module on one thread. The one thing to know: a trap fails the VM for good, nothing is
// called in it again, and what a callback asked for (a local reply, going on) happens after it has returned.

import { Status } from "./abi.ts";
import {
  type Context,
  type PendingHttpCall,
  type Plugin,
  RootContext,
  type StreamContext,
  VmContext,
} from "./context.ts";
import { Fiber } from "./fiber.ts";
import { bindImports } from "./hostcalls/bind.ts";
import { MetricIds } from "./metrics.ts";
import type { CompiledModule } from "./module.ts";
import type { Process } from "./process.ts";
import { Random } from "./random.ts";
import { type TraceRecord, TraceReader } from "./trace.ts";
import { EnvoyCrash, HostTrap } from "./types.ts";

/** Hostcalls that are allowed while the module's start or allocator runs; any other one traps. */
export type Restriction = "start" | "allocate" | undefined;

export class Vm {
  readonly process: Process;
  readonly thread: string;
  readonly random: Random;
  readonly metricIds: MetricIds;
  readonly contexts = new Map<number, Context>();
  readonly startedNs: bigint;
  /** The trap's text, once failed. */
  failure: string | undefined;
  current: Context = new VmContext();
  effectiveId = 0;
  restriction: Restriction;
  /** Raised by a local reply: the callback's return value no longer counts. */
  stopIteration = false;
  nextHttpCallToken = 4;
  readonly httpCalls = new Map<number, PendingHttpCall>();
  /** Set while a hostcall runs, so that entering the allocator can be counted. */
  enteredAllocator = false;
  /** Only in a module that can be suspended. */
  readonly fiber: Fiber | undefined;
  readonly #exports: WebAssembly.Exports;
  readonly #memory: WebAssembly.Memory;
  readonly #allocate: (size: number) => number;
  readonly #vmContext: VmContext;
  readonly #trace: TraceReader | undefined;
  #afterCall: (() => void)[] = [];
  #nextContextId = 1;
  #view: Buffer;

  /** @throws an Error when the module cannot be instantiated, as Envoy refuses to load it. */
  constructor(module: CompiledModule, process: Process, thread: string, seed: bigint) {
    this.process = process;
    this.thread = thread;
    this.random = new Random(seed);
    this.metricIds = new MetricIds(process.metrics);
    this.startedNs = process.clock.monotonicNs;
    this.#vmContext = new VmContext();
    this.current = this.#vmContext;
    this.contexts.set(0, this.#vmContext);
    const instance = new WebAssembly.Instance(module.module, bindImports(module, this));
    this.#exports = instance.exports;
    this.#memory = instance.exports.memory as WebAssembly.Memory;
    this.#view = Buffer.from(this.#memory.buffer);
    this.fiber = Fiber.fits(this.#exports) ? new Fiber(this, this.#memory) : undefined;
    this.#allocate = (this.#exports.malloc ?? this.#exports.proxy_on_memory_allocate) as (
      n: number,
    ) => number;
    this.#start();
    this.#trace = this.#startTrace(process.options.traceRecords);
  }

  get memory(): Buffer {
    if (this.#view.buffer !== this.#memory.buffer) this.#view = Buffer.from(this.#memory.buffer);
    return this.#view;
  }

  get memoryBytes(): number {
    return this.#memory.buffer.byteLength;
  }

  get exports(): WebAssembly.Exports {
    return this.#exports;
  }

  /** Whether that callback is exported and its capability given. */
  has(callback: string): boolean {
    return typeof this.#exports[callback] === "function" && this.process.allows(callback);
  }

  /**
   * Calls a callback in a context.
   * @returns its result, 0 for none; undefined when it is not there, the VM has failed, or it trapped.
   */
  call(context: Context, callback: string, ...values: number[]): number | undefined {
    if (this.process.crash !== undefined) throw this.process.crash;
    if (this.failure !== undefined || !this.has(callback)) return undefined;
    if (this.fiber?.suspended !== true) {
      this.process.callbacks.set(callback, (this.process.callbacks.get(callback) ?? 0) + 1);
    }
    const result = this.#enter(context, callback, values);
    return this.failure === undefined ? (result ?? 0) >>> 0 : undefined;
  }

  /** What `call` left to do. To be run when the callback's return value has been read. */
  finishCall(): void {
    this.stopIteration = false;
    while (this.#afterCall.length > 0) this.#afterCall.shift()?.();
  }

  afterCall(action: () => void): void {
    this.#afterCall.push(action);
  }

  /** The context that hostcalls act on: the effective one where it still exists. */
  acting(): Context {
    return this.effectiveId === 0 ? this.current : (this.contexts.get(this.effectiveId) ?? this.current);
  }

  addRoot(plugin: Plugin): RootContext {
    const root = new RootContext(this.#nextContextId++, plugin);
    this.contexts.set(root.id, root);
    return root;
  }

  addStream(make: (id: number) => StreamContext): StreamContext {
    const context = make(this.#nextContextId++);
    this.contexts.set(context.id, context);
    return context;
  }

  /** Room in the module for bytes that the host returns; 0 when the module gives none. */
  allocate(size: number): number {
    this.enteredAllocator = true;
    const [current, effective, restriction] = [this.current, this.effectiveId, this.restriction];
    this.current = this.#vmContext;
    this.effectiveId = 0;
    this.restriction = "allocate";
    try {
      const at = this.#allocate(size) >>> 0;
      return at === 0 || at + size > this.memoryBytes ? 0 : at;
    } finally {
      this.current = current;
      this.effectiveId = effective;
      this.restriction = restriction;
    }
  }

  /** Copies text into the module and writes where it is. Empty text needs no room and reads as a null pointer. */
  returnText(text: string, pointerAt: number, sizeAt: number): number {
    let at = 0;
    if (text.length > 0) {
      at = this.allocate(text.length);
      if (at === 0) return Status.invalidMemoryAccess;
      this.memory.write(text, at, "latin1");
    }
    return this.writeU32(pointerAt, at) && this.writeU32(sizeAt, text.length)
      ? Status.ok
      : Status.invalidMemoryAccess;
  }

  /** A piece of linear memory as a byte string; undefined outside of it. */
  readText(at: number, size: number): string | undefined {
    if (at + size > this.memoryBytes) return undefined;
    return this.memory.toString("latin1", at, at + size);
  }

  writeU32(at: number, value: number): boolean {
    if (at + 4 > this.memoryBytes) return false;
    this.memory.writeUInt32LE(value >>> 0, at);
    return true;
  }

  writeU64(at: number, value: bigint): boolean {
    if (at + 8 > this.memoryBytes) return false;
    this.memory.writeBigUInt64LE(BigInt.asUintN(64, value), at);
    return true;
  }

  /** What was recorded since the last call. */
  trace(): TraceRecord[] {
    return this.#trace?.read(this.memory) ?? [];
  }

  crash(reason: string): never {
    this.process.crash = new EnvoyCrash(`${reason}: this ends the whole Envoy process`);
    throw this.process.crash;
  }

  #start(): void {
    const start = ["_initialize", "_start"].find((name) => typeof this.#exports[name] === "function");
    if (start === undefined) return;
    this.restriction = "start";
    this.#enter(this.#vmContext, start, []);
    this.restriction = undefined;
    this.finishCall();
    if (this.failure !== undefined) throw new Error(`Failed to initialize Wasm code: ${this.failure}`);
  }

  #startTrace(records: number): TraceReader | undefined {
    const start = this.#exports.sluice_trace;
    if (records === 0 || typeof start !== "function") return undefined;
    return new TraceReader((start as (records: number) => number)(records) >>> 0);
  }

  #enter(context: Context, name: string, values: number[]): number | undefined {
    const [current, effective] = [this.current, this.effectiveId];
    this.current = context;
    this.effectiveId = 0;
    try {
      const run = () => (this.#exports[name] as (...values: number[]) => number | undefined)(...values);
      return this.fiber === undefined ? run() : this.fiber.enter(run);
    } catch (error) {
      if (!isTrap(error)) throw error;
      this.failure = `Function: ${name} failed: ${error.message}`;
      this.process.writeLog(5, this.failure, this.thread);
      return undefined;
    } finally {
      this.current = current;
      this.effectiveId = effective;
    }
  }
}

/** Anything else thrown is a crash, a suspension, or a mistake of the host or a test's hook, and must be seen. */
function isTrap(error: unknown): error is Error {
  return (
    error instanceof WebAssembly.RuntimeError ||
    error instanceof HostTrap ||
    (error instanceof RangeError && error.message.includes("call stack"))
  );
}
