// CPU per request of every contestant, and the ratios that there are budgets for.

import { type Cost, contest, requestsPerRun } from "./contest.ts";
import {
  answeredOnRoute,
  bareModule,
  contestants,
  fourFilters,
  nativeChain,
  refusedOnRoute,
  rustPeer,
  theSuite,
} from "./contestants.ts";
import type { Modules } from "./modules.ts";
import { suiteCalls } from "./same-calls.ts";
import { plot, processor, publish, table } from "./report.ts";

export async function measureCpu(modules: Modules, rounds: number): Promise<void> {
  const list = contestants(modules, await suiteCalls());
  await report(await contest(list, rounds), rounds, modules.notes);
}

async function report(rows: readonly Cost[], rounds: number, notes: readonly string[]): Promise<void> {
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

function ratios(rows: readonly Cost[]): string[][] {
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
