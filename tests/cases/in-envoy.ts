// Runs the cases of one filter in one real Envoy: a listener, a plugin and a VM for each case.

import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { EnvoyBinary } from "../../envoy/find.ts";
import { type EnvoyProcess, startEnvoy } from "../../envoy/process.ts";
import { type LogLine, type Pair, readRefusal, utf8 } from "../../host/index.ts";
import { differences, type Exchange, refusalDifferences, statName } from "./check.ts";
import { bootstrapFor, listenersFile, tell } from "./envoy-config.ts";
import type { Case, RequestStep } from "./format.ts";
import { statusDifferences } from "./in-node.ts";
import { send, Upstream } from "./wire.ts";

export interface CasesInEnvoy {
  /** @returns the differences from what the case expects. */
  run(one: Case): Promise<string[]>;
  stop(): Promise<void>;
}

export interface EnvoyCases {
  binary: EnvoyBinary;
  wasm: string;
  capabilities: readonly string[];
  cases: readonly Case[];
}

export async function startCases({ binary, wasm, capabilities, cases }: EnvoyCases): Promise<CasesInEnvoy> {
  const directory = await mkdtemp(join(tmpdir(), "sluice-cases-"));
  const upstream = new Upstream();
  const lds = join(directory, "lds.json");
  const nameOf = (one: Case) => `case-${cases.indexOf(one)}`;
  const listeners = cases.map((one) => ({ ...one, name: nameOf(one), wasm, capabilities }));
  await writeFile(`${lds}.new`, JSON.stringify(listenersFile(listeners, "1")));
  await rename(`${lds}.new`, lds);
  const clusters = [...new Set(cases.flatMap((one) => one.routes.map((route) => route.cluster)))];
  const log: string[] = [];
  const port = await upstream.listen();
  const stop = async (envoy?: EnvoyProcess) => {
    await envoy?.stop();
    await upstream.close();
    await rm(directory, { recursive: true, force: true });
  };
  try {
    const config = bootstrapFor(lds, clusters, port);
    const envoy = await startEnvoy({ binary, config, concurrency: 1, onLog: (line) => log.push(line) });
    await until(async () => (await envoy.admin("/ready")).startsWith("LIVE"));
    return { run: (one) => runCase({ envoy, upstream, log }, nameOf(one), one), stop: () => stop(envoy) };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface World {
  envoy: EnvoyProcess;
  upstream: Upstream;
  log: readonly string[];
}

async function runCase(world: World, name: string, one: Case): Promise<string[]> {
  const refusal = refusalOf(world.log, name);
  if (one.refused !== undefined) return refusalDifferences(one.refused, refusal);
  if (refusal !== undefined) return [`the configuration was refused: ${JSON.stringify(refusal)}`];
  const port = await world.envoy.listenerPort(name);
  const found: string[] = [];
  for (const [index, step] of one.steps.entries()) {
    if (step.kind === "advance") await delay(step.ms);
    else if (step.kind === "request") {
      found.push(...(await runStep(world, port, step)).map((text) => `step ${index + 1}: ${text}`));
    }
  }
  return found;
}

/** Envoy logs a plugin's lines as `wasm log NAME VM_ID: ...` (the root id stands between when there is one). */
function refusalOf(log: readonly string[], name: string) {
  const lines = log.flatMap((line): LogLine[] => {
    const found = /wasm log (\S+)[^:]*: (sluice: refused: .*)$/s.exec(line);
    return found?.[1] === name ? [{ level: "error", message: found[2] ?? "", thread: "" }] : [];
  });
  return readRefusal(lines);
}

async function runStep(world: World, port: number, step: RequestStep): Promise<string[]> {
  const metrics = Object.entries(step.expect.metrics ?? {});
  const before = metrics.length > 0 ? await stats(world.envoy) : {};
  const statuses: Record<string, number> = {};
  const found: string[] = [];
  for (let time = 0; time < step.repeat; time++) {
    const exchange = await exchangeIn(world.upstream, port, step);
    statuses[exchange.response.status] = (statuses[exchange.response.status] ?? 0) + 1;
    found.push(...differences(step.expect, exchange));
  }
  if (step.expect.statuses !== undefined) found.push(...statusDifferences(step.expect.statuses, statuses));
  if (metrics.length > 0) found.push(...(await metricDifferences(world.envoy, before, metrics)));
  return found;
}

async function exchangeIn(upstream: Upstream, port: number, step: RequestStep): Promise<Exchange> {
  const { request, answer } = step;
  upstream.seen = [];
  const lines = Object.entries(answer.headers).flatMap(([name, value]) =>
    (typeof value === "string" ? [value] : value).map((one): Pair => [name, utf8(one)]),
  );
  upstream.answer = { status: answer.status, headers: lines, body: utf8(answer.body) };
  const headers: Pair[] = [
    ["host", request.authority],
    ...request.pairs.map(([n, v]): Pair => [utf8(n), utf8(v)]),
  ];
  if (request.source !== undefined) headers.push(["x-forwarded-for", request.source]);
  const body = utf8(request.body);
  if (body !== "") headers.push(["content-length", String(body.length)]);
  const line = `${request.method} ${utf8(request.path)} HTTP/1.1`;
  const response = await send(port, { line, headers, body });
  const details = headerOf(response.headers, tell.details);
  const seen = upstream.seen[0];
  return {
    upstream: seen && {
      route: headerOf(seen.headers, tell.route) ?? "",
      cluster: headerOf(seen.headers, tell.cluster) ?? "",
      method: seen.method,
      path: seen.path,
      authority: headerOf(seen.headers, "host") ?? "",
      headers: seen.headers.filter(([name]) => name !== tell.route && name !== tell.cluster),
    },
    reply: details === undefined ? undefined : { details },
    response: { ...response, headers: response.headers.filter(([name]) => name !== tell.details) },
  };
}

function headerOf(headers: readonly Pair[], name: string): string | undefined {
  return headers.find((pair) => pair[0].toLowerCase() === name)?.[1];
}

/** The log callback comes after the client has its answer: what is expected is waited for. */
async function metricDifferences(
  envoy: EnvoyProcess,
  before: Record<string, number>,
  metrics: readonly [string, number][],
): Promise<string[]> {
  let found: string[] = [];
  const settled = until(async () => {
    const now = await stats(envoy);
    found = metrics.flatMap(([metric, grown]) => {
      const name = statName(metric);
      const growth = (now[name] ?? 0) - (before[name] ?? 0);
      return growth === grown ? [] : [`metrics.${metric}: expected +${grown}, got +${growth}`];
    });
    return found.length === 0;
  }, 3_000);
  await settled.catch(() => {});
  return found;
}

/** Metrics of modules by the name that the module gave. */
async function stats(envoy: EnvoyProcess): Promise<Record<string, number>> {
  const page = JSON.parse(await envoy.admin("/stats?format=json&filter=^wasmcustom")) as {
    stats: { name?: string; value?: number }[];
  };
  const values = page.stats.flatMap(({ name, value }) =>
    name === undefined || value === undefined ? [] : [[name.slice("wasmcustom.".length), value] as const],
  );
  return Object.fromEntries(values);
}

async function until(condition: () => Promise<boolean>, limitMs = 20_000): Promise<void> {
  const end = performance.now() + limitMs;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`not so within ${limitMs} ms`);
    await delay(10);
  }
}
