// The fault filter in host/ for tests: one policy, requests held or let go, what was counted.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { projectRoot } from "../../envoy/root.ts";
import { type CompiledModule, compileModule, Host, type Stream } from "../../host/index.ts";
import type { FaultConfig } from "../../schema/generated/types.ts";

export const module = await compileModule(await readFile(join(projectRoot, "build/filters/fault.wasm")));

/** One policy, named ns/p. */
export type Policy = Omit<FaultConfig["policies"][number], "name">;

export function start(policy: Policy, options: { workers?: number; module?: CompiledModule } = {}): Host {
  const host = new Host({ module: options.module ?? module, workers: options.workers ?? 1 });
  configure(host, policy);
  return host;
}

export function configure(host: Host, policy: Policy, more: Partial<FaultConfig> = {}): void {
  const result = host.configure(JSON.stringify({ policies: [{ name: "ns/p", ...policy }], ...more }));
  assert.ok(result.ok, JSON.stringify(result));
}

export function request(host: Host, headers: Record<string, string> = {}, worker = 0): Stream {
  const of = host.workers[worker];
  assert.ok(of !== undefined);
  return of.request({
    headers: [[":method", "GET"], [":path", "/"], [":authority", "a"], ...Object.entries(headers)],
  });
}

/** A request up to where the filter lets it go, holds it or answers it. */
export function begin(host: Host, headers: Record<string, string> = {}, worker = 0): Stream {
  const stream = request(host, headers, worker);
  assert.equal(stream.requestHeaders().trap, undefined);
  return stream;
}

export const hold = (ms: number): Policy => ({
  faults: [{ name: "slow", percentage: 100, delay: { fixed: `${ms}ms` } }],
});

export function counter(host: Host, fault: string, type: string): number {
  const name = `sluice_faults_total\x1fpolicy=ns/p\x1ffault=${fault}\x1ftype=${type}`;
  return host.metrics().counters[name] ?? 0;
}

export const gauge = (host: Host): number =>
  host.metrics().gauges["sluice_faults_active\x1fpolicy=ns/p"] ?? 0;
