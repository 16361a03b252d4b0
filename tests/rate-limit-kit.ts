// The pure parts of the rate limit filter, compiled on their own, and a store with the host's compare-and-set, for
// models that interleave workers at every step.

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import asc from "assemblyscript/asc";
import { projectRoot } from "../envoy/root.ts";

export interface Kit {
  memory: WebAssembly.Memory;
  cellSize: { value: number };
  pageSize: { value: number };
  windowNs: { value: bigint };
  spacing(requests: bigint, perNs: bigint): bigint;
  newCell(at: number, clock: bigint, spacing: bigint, burst: bigint): void;
  lookAtCell(at: number, now: bigint, clock: bigint, cost: bigint, lease: number, refusal: number): bigint;
  chargeCell(at: number, moment: bigint, cost: bigint, lease: number): bigint;
  extendLease(lease: number, at: number, tokens: bigint): void;
  payableBy(lease: number, now: bigint, cost: bigint): bigint;
  spendLease(lease: number, tokens: bigint): bigint;
  unspendLease(lease: number, until: bigint, cost: bigint): void;
  noteLeaseUse(lease: number, now: bigint, cost: bigint): void;
  isRemembered(refusal: number, now: bigint, cost: bigint): number;
  generationOf(at: number): number;
  tokensIn(at: number, now: bigint): bigint;
  leasedOf(at: number): bigint;
  giveBackToCell(at: number, clock: bigint, moment: bigint, cost: bigint, generation: number): void;
  rewriteCell(at: number, clock: bigint, spacing: bigint, burst: bigint): void;
  newPage(at: number, level: number): void;
  levelOf(at: number): number;
  indexOf(hash: bigint, level: number): number;
  lookAtPage(
    at: number,
    hash: bigint,
    now: bigint,
    clock: bigint,
    cost: bigint,
    spacing: bigint,
    burst: bigint,
    mayEvict: boolean,
    newest: boolean,
  ): bigint;
  chargePage(moment: bigint, cost: bigint): void;
  hasEvicted(): number;
  hasKey(at: number, hash: bigint): number;
  giveBackToPage(at: number, hash: bigint, clock: bigint, moment: bigint, cost: bigint): void;
  split(lower: number, upper: number): void;
}

export async function compileKit(): Promise<Kit> {
  const folder = await mkdtemp(join(tmpdir(), "sluice-kit-"));
  try {
    const out = join(folder, "kit.wasm");
    const source = "tests/assembly/rate_limit_kit.ts";
    const options = ["--runtime", "minimal", "--exportStart", "_initialize", "-O2", "--use", "abort="];
    const { error, stderr } = await asc.main([source, "--baseDir", projectRoot, "-o", out, ...options]);
    if (error !== null) throw new Error(`${error.message}\n${stderr.toString()}`);
    const instance = new WebAssembly.Instance(
      await WebAssembly.compile(new Uint8Array(await readFile(out))),
      {},
    );
    const exports = instance.exports as unknown as Kit & { _initialize(): void };
    exports._initialize();
    exports.memory.grow(1);
    return exports;
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** One admitted request: its moment and its cost. */
export interface Admission {
  moment: bigint;
  cost: bigint;
}

/**
 * Whether every interval holds at most burst + length / spacing: an ideal bucket admits them all, in the order of
 * their moments. Returns the first that it does not.
 */
export function overBound(admissions: Admission[], spacing: bigint, burst: bigint): Admission | undefined {
  const sorted = [...admissions].sort((a, b) => (a.moment < b.moment ? -1 : a.moment > b.moment ? 1 : 0));
  let tat = -(1n << 62n);
  for (const admission of sorted) {
    tat = (tat > admission.moment ? tat : admission.moment) + admission.cost * spacing;
    if (tat > admission.moment + burst * spacing) return admission;
  }
  return undefined;
}

/** A value with its version: what shared data is to one key. */
export class Shared {
  version = 1;
  readonly #at: number;
  readonly #memory: Uint8Array;
  readonly #size: number;

  constructor(kit: Kit, at: number, size: number) {
    this.#memory = new Uint8Array(kit.memory.buffer);
    this.#at = at;
    this.#size = size;
  }

  read(to: number): number {
    this.#memory.copyWithin(to, this.#at, this.#at + this.#size);
    return this.version;
  }

  replace(from: number, version: number): boolean {
    if (version !== this.version) return false;
    this.#memory.copyWithin(this.#at, from, from + this.#size);
    this.version += 1;
    return true;
  }
}
