// Is a refusal cheaper than serving the same answer? Three contestants and ten times the rounds, since they differ by a
// microsecond or two: the limit that refuses; the limit that admits, where the route gives the very answer of the
// refusal; the same load with no filter.

import { contest, requestsPerRun } from "./contest.ts";
import { answeredOnRoute, contestants, noFilter, refusedOnRoute } from "./contestants.ts";
import type { Modules } from "./modules.ts";
import { processor, publish, table } from "./report.ts";
import { suiteCalls } from "./same-calls.ts";

export async function measureRefusal(modules: Modules, rounds: number): Promise<void> {
  const names = [noFilter, refusedOnRoute, answeredOnRoute];
  const list = contestants(modules, await suiteCalls()).filter(({ name }) => names.includes(name));
  const rows = await contest(list, rounds * 10);
  const cost = (name: string) => rows.find((row) => row.name === name)?.cost ?? Number.NaN;
  const text = `# Refusing and serving

\`npm run bench -- refusal\`: ${rounds * 10} rounds of ${requestsPerRun} requests each, interleaved; ${processor()}. Microseconds
of the worker thread per request, 25th percentile of the rounds.

${table(
  ["contestant", "µs per request", "spread µs"],
  rows.map((row) => [row.name, row.cost.toFixed(2), row.spread.toFixed(2)]),
)}

A refusal costs ${(cost(refusedOnRoute) / cost(answeredOnRoute)).toFixed(3)} times what the same answer costs where it is served.
`;
  await publish("refusal.md", text);
}
