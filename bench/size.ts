// What a module and a configuration cost before the first request: memory per worker, and time until Envoy is live.

import { contestants, noFilter, theSuite } from "./contestants.ts";
import { startContestant } from "./envoy.ts";
import type { Modules } from "./modules.ts";
import { among, limiting, routing, routingFilter, suite, suiteFilter, unkeyed } from "./policies.ts";
import { processor, progress, publish, table } from "./report.ts";
import { quantile, slope } from "./statistics.ts";

const counts = [10, 1_000, 10_000, 50_000];
const concurrencies = [1, 3, 5];

interface Chain {
  name: string;
  filters: unknown[];
}

interface Cost {
  startMs: number;
  /** MB with the first of `concurrencies`, and what each further worker adds. */
  residentMb: number;
  workerMb: number;
}

export async function measureSize(modules: Modules): Promise<void> {
  const plain = contestants(modules).filter(({ name }) =>
    [noFilter, "an empty Wasm module", theSuite].includes(name),
  );
  const many = counts.flatMap((count): Chain[] => {
    const word = `${count.toLocaleString("en")} policies`;
    return [
      { name: `rate_limit, ${word}`, filters: [limiting(among(unkeyed(1_000), count - 1))] },
      { name: `header_routing, ${word}`, filters: [routingFilter(among(routing, count - 1))] },
    ];
  });
  const tenThousand = {
    ...suite,
    headerRouting: among(routing, 9_999),
    rateLimit: among(unkeyed(1_000), 9_999),
  };
  const chains = [
    ...plain,
    ...many,
    { name: "suite, 2 × 10,000 policies", filters: [suiteFilter(tenThousand)] },
  ];
  const rows: string[][] = [];
  for (const chain of chains) {
    progress(chain.name);
    const { startMs, residentMb, workerMb } = await costOf(chain);
    rows.push([chain.name, startMs.toFixed(0), residentMb.toFixed(0), workerMb.toFixed(1)]);
  }
  await publish(
    "size.md",
    `# Memory and start

\`npm run bench -- size\`: from the start of the process until Envoy is live, in milliseconds, which includes loading the
module and reading its configuration in four VMs (canary, base, main thread, one worker); resident memory with one worker,
and what each further worker adds (slope over ${concurrencies.join(", ")} workers), in MB; ${processor()}.

${table(["chain", "live after ms", "resident MB", "MB per worker"], rows)}
`,
  );
}

async function costOf({ name, filters }: Chain): Promise<Cost> {
  const starts: number[] = [];
  const points: [number, number][] = [];
  for (const concurrency of concurrencies) {
    const running = await startContestant({ name, filters, status: 200 }, concurrency);
    try {
      if (concurrency === 1) starts.push(running.startedInMs);
      points.push([concurrency, await running.residentMb()]);
    } finally {
      await running.envoy.stop();
    }
  }
  return {
    startMs: quantile(starts, 0.5),
    residentMb: points[0]?.[1] ?? Number.NaN,
    workerMb: slope(points),
  };
}
