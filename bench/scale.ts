// CPU per request with 1, 2, 4 and 8 workers at one bucket, and at one key's: what workers lose to each other.

import type { Contestant } from "./contestants.ts";
import { type Running, startContestant } from "./envoy.ts";
import { Load } from "./load.ts";
import type { Modules } from "./modules.ts";
import { keyed, limiting, unkeyed } from "./policies.ts";
import { processor, progress, publish, table } from "./report.ts";
import { quantile } from "./statistics.ts";

const requestsPerRun = 1_600;
const workers = [1, 2, 4, 8];

interface Measured extends Running {
  load: Load;
  /** Microseconds per request, one per turn. */
  samples: number[];
}

const chains: Contestant[] = [
  { name: "no filter", filters: [], status: 200 },
  { name: "rate_limit, one bucket", filters: [limiting(unkeyed(1_000_000))], status: 200 },
  { name: "rate_limit, one key", filters: [limiting(keyed(10_000))], status: 200, users: 1 },
];

export async function measureScale(_: Modules, rounds: number): Promise<void> {
  const turns = Math.max(4, Math.round(rounds / 3));
  const rows: string[][] = [];
  for (const contestant of chains) {
    progress(`${contestant.name} with ${workers.join(", ")} workers`);
    const costs = await costsOf(contestant, turns);
    const [first = Number.NaN] = costs;
    rows.push([contestant.name, ...costs.map((cost) => `${cost.toFixed(1)} (${(cost / first).toFixed(2)})`)]);
  }
  await publish(
    "scale.md",
    `# Workers

\`npm run bench -- scale\`: microseconds of CPU per request over all workers, and the ratio to one worker; ${turns} runs of
${requestsPerRun} requests over 32 connections, in turn, 25th percentile; ${processor()}.

${table(["contestant", ...workers.map((n) => (n === 1 ? "1 worker" : `${n} workers`))], rows)}
`,
  );
}

/** One cost per number of workers; all of them at once, in turn. */
async function costsOf(contestant: Contestant, turns: number): Promise<number[]> {
  const running: Measured[] = [];
  try {
    for (const concurrency of workers) {
      const started = await startContestant(contestant, concurrency);
      const load = await Load.open(started.port, contestant, 32);
      running.push({ ...started, load, samples: [] });
      await load.run(2 * requestsPerRun);
    }
    for (let turn = 0; turn < turns; turn++)
      for (let i = 0; i < running.length; i++) await measure(running[(turn + i) % running.length]);
    return running.map(({ samples }) => quantile(samples, 0.25));
  } finally {
    for (const { load, envoy } of running) {
      load.close();
      await envoy.stop();
    }
  }
}

async function measure(one: Measured | undefined): Promise<void> {
  if (one === undefined) return;
  const before = await one.workerCpuNs();
  await one.load.run(requestsPerRun);
  one.samples.push(((await one.workerCpuNs()) - before) / requestsPerRun / 1e3);
}
