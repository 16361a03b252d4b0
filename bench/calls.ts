// What one hostcall costs a request, caches as they are in real traffic: a module that makes it, less one that makes none.

import { wasm } from "./chains.ts";
import { contest, requestsPerRun } from "./contest.ts";
import type { Contestant } from "./contestants.ts";
import type { Modules } from "./modules.ts";
import { processor, publish, table } from "./report.ts";

/** By the letters of bench/peers/calls.ts. */
const calls: readonly [letters: string, name: string, status?: number][] = [
  ["", "entering the module for request headers"],
  ["c", "clock_time_get"],
  ["i", "increment_metric"],
  ["m", "get_header_map_value, missing"],
  ["h", "get_header_map_value, found"],
  ["p", "get_property, the route's name"],
  ["a", "get_header_map_pairs, ten headers"],
  ["d", "get_shared_data, 80 bytes"],
  ["r", "send_local_response in place of a direct response", 429],
  ["s", "the same with three headers", 429],
  ["b", "the same with three headers and a body", 429],
];

export async function measureCalls({ calls: file }: Modules, rounds: number): Promise<void> {
  const log = ["proxy_on_log"];
  const list: Contestant[] = [
    { name: "no filter", filters: [], status: 200 },
    ...calls.map(([letters, name, status = 200]) => ({
      name,
      filters: [wasm("calls", file, letters === "" ? "-" : letters, log)],
      status,
    })),
    { name: "a log callback that does nothing", filters: [wasm("calls", file, "-")], status: 200 },
  ];
  const costs = await contest(list, rounds);
  const entering = costs[1]?.added ?? Number.NaN;
  const rows = costs
    .slice(1)
    .map(({ name, added }, i) => [name, (i === 0 ? added : added - entering).toFixed(1)]);
  await publish(
    "calls.md",
    `# What a hostcall costs

\`npm run bench -- calls\`: CPU that is added to a request, in microseconds; ${rounds} rounds of ${requestsPerRun} requests each,
interleaved, 25th percentile; ${processor()}. The first row is over an Envoy without a filter, all others over the first.

${table(["call", "added µs"], rows)}
`,
  );
}
