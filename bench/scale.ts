// CPU per request with 1, 2, 4 and 8 workers at one bucket, and at one key's: what workers lose to each other.

import type { Contestant } from "./contestants.ts";
import type { Modules } from "./modules.ts";
import { keyed, limiting, unkeyed } from "./policies.ts";
import { processor, publish, table } from "./report.ts";
import { costOf, sideBySide } from "./side-by-side.ts";
import { quantile } from "./statistics.ts";

const requestsPerRun = 1_600;
const workers = [1, 2, 4, 8];

const chains: Contestant[] = [
  { name: "no filter", filters: [], status: 200 },
  { name: "rate_limit, one bucket", filters: [limiting(unkeyed(1_000_000))], status: 200 },
  { name: "rate_limit, one key", filters: [limiting(keyed(10_000))], status: 200, users: 1 },
];

export async function measureScale(_: Modules, rounds: number): Promise<void> {
  const turns = Math.max(4, Math.round(rounds / 3));
  const rows: string[][] = [];
  for (const contestant of chains) {
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

/** One cost per number of workers, in microseconds; all of them at once, in turn. */
async function costsOf(contestant: Contestant, turns: number): Promise<number[]> {
  const samples = workers.map((): number[] => []);
  const entrants = workers.map((concurrency) => ({ contestant, concurrency }));
  const title = `${contestant.name} with ${workers.join(", ")} workers`;
  const course = { title, turns, warmUp: 2 * requestsPerRun, connections: 32 };
  await sideBySide(entrants, course, async (runner, index) => {
    samples[index]?.push((await costOf(runner, requestsPerRun)) / 1e3);
  });
  return samples.map((one) => quantile(one, 0.25));
}
