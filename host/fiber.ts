// Suspends a module in the middle of a hostcall and goes on with it later, when the module was built for that
// (see interleave.ts). The one thing to know: to go on, the same export is called again and runs straight to
// where it stood; all that lies between is not executed a second time.

import type { Vm } from "./vm.ts";

/** Thrown through the host when a callback stands before a hostcall. Calling the same phase again goes on. */
export class Suspended extends Error {
  override readonly name = "Suspended";
}

type Control =
  "asyncify_start_unwind" | "asyncify_stop_unwind" | "asyncify_start_rewind" | "asyncify_stop_rewind";

const pageSize = 65_536;
const state = { normal: 0, unwinding: 1, rewinding: 2 } as const;

export class Fiber {
  readonly #vm: Vm;
  readonly #memory: WebAssembly.Memory;
  /** Where the module's stack is kept while it is suspended: a page of its own. */
  #stackAt = 0;
  #suspended = false;

  constructor(vm: Vm, memory: WebAssembly.Memory) {
    this.#vm = vm;
    this.#memory = memory;
  }

  static fits(exports: WebAssembly.Exports): boolean {
    return typeof exports.asyncify_start_unwind === "function";
  }

  get suspended(): boolean {
    return this.#suspended;
  }

  /**
   * Asked by a hostcall that may be a place to switch.
   * @returns whether the hostcall must return at once, having done nothing.
   */
  pause(): boolean {
    if (this.#state() === state.rewinding) {
      this.#control("asyncify_stop_rewind");
      this.#suspended = false;
      return false;
    }
    if (this.#stackAt === 0) this.#stackAt = this.#memory.grow(1) * pageSize;
    this.#vm.writeU32(this.#stackAt, this.#stackAt + 8);
    this.#vm.writeU32(this.#stackAt + 4, this.#stackAt + pageSize);
    this.#control("asyncify_start_unwind", this.#stackAt);
    return true;
  }

  /** Runs an export, or goes on with the one that was suspended. */
  enter(run: () => number | undefined): number | undefined {
    if (this.#suspended) this.#control("asyncify_start_rewind", this.#stackAt);
    const result = run();
    if (this.#state() === state.unwinding) {
      this.#control("asyncify_stop_unwind");
      this.#suspended = true;
      throw new Suspended("before a hostcall");
    }
    return result;
  }

  #state(): number {
    return (this.#vm.exports.asyncify_get_state as () => number)();
  }

  #control(name: Control, ...values: number[]): void {
    (this.#vm.exports[name] as (...values: number[]) => void)(...values);
  }
}
