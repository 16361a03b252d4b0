// CPU per request: all contestants at once, each in its own Envoy with one worker; short fixed runs in rotating order,
// so that what the machine does besides hits all alike. Time is what the kernel charged to the worker thread.

import {
  answeredOnRoute,
  bareModule,
  contestants,
  fourFilters,
  nativeChain,
  noFilter,
  refusedOnRoute,
  rustPeer,
  theSuite,
} from "./contestants.ts";
import { type Running, startContestant } from "./envoy.ts";
import { Load } from "./load.ts";
import type { Modules } from "./modules.ts";
import { plot, processor, progress, publish, table } from "./report.ts";
import { quantile } from "./statistics.ts";

const requestsPerRun = 1_600;
const warmUp = 6_400;

interface Measured extends Running {
  load: Load;
  /** Nanoseconds per request, one per round. */
  samples: number[];
}

export async function measureCpu(modules: Modules, rounds: number): Promise<void> {
  const running: Measured[] = [];
  try {
    for (const contestant of contestants(modules)) {
      progress(`starting: ${contestant.name}`);
      const started = await startContestant(contestant);
      running.push({ ...started, load: await Load.open(started.port, contestant), samples: [] });
    }
    for (const { contestant, load } of running) {
      progress(`warming up: ${contestant.name}`);
      await load.run(warmUp);
    }
    for (let round = 0; round < rounds; round++) {
      progress(`CPU: round ${round + 1} of ${rounds}`);
      for (let i = 0; i < running.length; i++) await measure(running[(round + i) % running.length]);
    }
    await report(running, rounds, modules.notes);
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
  one.samples.push(((await one.workerCpuNs()) - before) / requestsPerRun);
}

interface Row {
  name: string;
  /** Microseconds per request: 25th percentile of the rounds. */
  cost: number;
  added: number;
  /** From the 25th to the 75th percentile. */
  spread: number;
}

async function report(running: readonly Measured[], rounds: number, notes: readonly string[]): Promise<void> {
  const cost = ({ samples }: Measured) => quantile(samples, 0.25) / 1e3;
  const bare = running.find(({ contestant }) => contestant.name === noFilter);
  const base = bare === undefined ? 0 : cost(bare);
  const rows: Row[] = running.map((one) => ({
    name: one.contestant.name,
    cost: cost(one),
    added: cost(one) - base,
    spread: quantile(one.samples, 0.75) / 1e3 - cost(one),
  }));
  const chain = rows.find(({ name }) => name === nativeChain)?.added ?? Number.NaN;
  const text = `# CPU per request

\`npm run bench -- cpu\`: ${rounds} rounds of ${requestsPerRun} requests each, interleaved; HTTP/1.1, ten headers, direct
response, one worker per Envoy 1.40; ${processor()}. Microseconds of the worker thread, 25th percentile of the rounds; the
spread is the way to the 75th. The ratios are what to trust.

${table(
  ["contestant", "µs per request", "added µs", "to the native chain", "spread µs"],
  rows.map(({ name, cost, added, spread }) => [
    name,
    cost.toFixed(1),
    added.toFixed(1),
    (added / chain).toFixed(2),
    spread.toFixed(1),
  ]),
)}

${table(["ratio of what is added", "measured", "budget"], ratios(rows))}
${notes.map((note) => `\n${note}\n`).join("")}`;
  await publish("cpu.md", text);
  await publish("cpu.svg", plot(rows));
}

function ratios(rows: readonly Row[]): string[][] {
  const added = (name: string) => rows.find((row) => row.name === name)?.added ?? Number.NaN;
  const cost = (name: string) => rows.find((row) => row.name === name)?.cost ?? Number.NaN;
  const ratio = (of: string, to: string) => (added(of) / added(to)).toFixed(2);
  const one = "rate_limit, one bucket, admitted";
  const user = "rate_limit, a bucket per user, admitted";
  return [
    ["suite to the bare module", ratio(theSuite, bareModule), "1.15"],
    ["suite to the native chain", ratio(theSuite, nativeChain), "1.50"],
    ["suite to the Rust peer", ratio(theSuite, rustPeer), "0.60"],
    ["suite to four of ours in a row", ratio(theSuite, fourFilters), "0.50"],
    ["10,000 routes to one", ratio(`${one}; 10,000 routes`, one), "1.20"],
    ["1,000,000 users to a hundred", ratio(`${user}; 1,000,000 users`, user), "1.20"],
    [
      "a refusal to the same answer by the route, whole requests",
      (cost(refusedOnRoute) / cost(answeredOnRoute)).toFixed(2),
      "1.00",
    ],
  ];
}
