// Contestants side by side: all at once, each in its own Envoy with one worker; short fixed runs in rotating order, so
// that what the machine does besides hits all alike. Time is what the kernel charged to the worker thread.

import type { Contestant } from "./contestants.ts";
import { type Running, startContestant } from "./envoy.ts";
import { Load } from "./load.ts";
import { progress } from "./report.ts";
import { quantile } from "./statistics.ts";

export const requestsPerRun = 1_600;
const warmUp = 6_400;

interface Measured extends Running {
  load: Load;
  /** Nanoseconds per request, one per round. */
  samples: number[];
}

export interface Cost {
  name: string;
  /** Microseconds per request: 25th percentile of the rounds. */
  cost: number;
  /** The same less that of the first contestant. */
  added: number;
  /** From the 25th to the 75th percentile. */
  spread: number;
}

/** The costs, in the order of the contestants; the first is the one that all are compared with. */
export async function contest(contestants: readonly Contestant[], rounds: number): Promise<Cost[]> {
  const running: Measured[] = [];
  try {
    for (const contestant of contestants) {
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
    return costs(running);
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

function costs(running: readonly Measured[]): Cost[] {
  const of = (one: Measured | undefined, share: number) => quantile(one?.samples ?? [], share) / 1e3;
  const base = of(running[0], 0.25);
  return running.map((one) => {
    const cost = of(one, 0.25);
    return { name: one.contestant.name, cost, added: cost - base, spread: of(one, 0.75) - cost };
  });
}
