// What a client sees: latency at a fixed rate, and requests per second where the worker never rests.

import { contestants, fourFilters, nativeChain, noFilter, rustPeer, theSuite } from "./contestants.ts";
import type { Modules } from "./modules.ts";
import { processor, publish, table } from "./report.ts";
import { costOf, sideBySide } from "./side-by-side.ts";
import { quantile } from "./statistics.ts";

const shown = [noFilter, nativeChain, theSuite, fourFilters, rustPeer];
const perSecond = 1_000;
const connections = 64;
const requestsPerRun = 6_400;

interface Measured {
  name: string;
  latencies: number[];
  /** Requests per second of a worker's CPU time. */
  rates: number[];
}

export async function measureSpeed(modules: Modules, rounds: number): Promise<void> {
  const turns = Math.max(2, Math.round(rounds / 5));
  const list = contestants(modules).filter(({ name }) => shown.includes(name));
  const measured = list.map(({ name }): Measured => ({ name, latencies: [], rates: [] }));
  const entrants = list.map((contestant) => ({ contestant }));
  const course = { title: "latency and saturation", turns, warmUp: requestsPerRun, connections };
  await sideBySide(entrants, course, async (runner, index) => {
    measured[index]?.latencies.push(...(await runner.load.paced(perSecond, 1)));
    measured[index]?.rates.push(1e9 / (await costOf(runner, requestsPerRun)));
  });
  await report(measured, turns);
}

async function report(measured: readonly Measured[], turns: number): Promise<void> {
  const rows = measured.map(({ name, latencies, rates }) => [
    name,
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
