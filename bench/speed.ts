// What a client sees: latency at a fixed rate, and requests per second where the worker never rests.

import { contestants, fourFilters, nativeChain, noFilter, rustPeer, theSuite } from "./contestants.ts";
import { type Running, startContestant } from "./envoy.ts";
import { Load } from "./load.ts";
import type { Modules } from "./modules.ts";
import { processor, progress, publish, table } from "./report.ts";
import { quantile } from "./statistics.ts";

const shown = [noFilter, nativeChain, theSuite, fourFilters, rustPeer];
const perSecond = 1_000;
const connections = 64;
const requestsPerRun = 6_400;

interface Measured extends Running {
  load: Load;
  latencies: number[];
  /** Requests per second of a worker's CPU time. */
  rates: number[];
}

export async function measureSpeed(modules: Modules, rounds: number): Promise<void> {
  const turns = Math.max(2, Math.round(rounds / 5));
  const running: Measured[] = [];
  try {
    for (const contestant of contestants(modules).filter(({ name }) => shown.includes(name))) {
      progress(`starting: ${contestant.name}`);
      const started = await startContestant(contestant);
      const load = await Load.open(started.port, contestant, connections);
      await load.run(requestsPerRun);
      running.push({ ...started, load, latencies: [], rates: [] });
    }
    for (let turn = 0; turn < turns; turn++) {
      progress(`latency and saturation: ${turn + 1} of ${turns}`);
      for (let i = 0; i < running.length; i++) await measure(running[(turn + i) % running.length]);
    }
    await report(running, turns);
  } finally {
    for (const { load, envoy } of running) {
      load.close();
      await envoy.stop();
    }
  }
}

async function measure(one: Measured | undefined): Promise<void> {
  if (one === undefined) return;
  one.latencies.push(...(await one.load.paced(perSecond, 1)));
  const before = await one.workerCpuNs();
  await one.load.run(requestsPerRun);
  one.rates.push((requestsPerRun / ((await one.workerCpuNs()) - before)) * 1e9);
}

async function report(running: readonly Measured[], turns: number): Promise<void> {
  const rows = running.map(({ contestant, latencies, rates }) => [
    contestant.name,
    quantile(latencies, 0.5).toFixed(2),
    quantile(latencies, 0.99).toFixed(2),
    Math.round(quantile(rates, 0.75)).toLocaleString("en"),
  ]);
  await publish(
    "speed.md",
    `# Latency and saturation

\`npm run bench -- speed\`: ${turns} turns, interleaved; one worker per Envoy; ${processor()}. Latency at ${perSecond.toLocaleString("en")} requests
a second, client included, in milliseconds. Saturation is what a worker that has a core to itself would serve: requests
over the CPU time that they took it, with ${connections} connections asking without a pause.

${table(["contestant", "median ms", "99th percentile ms", "requests/s"], rows)}
`,
  );
}
