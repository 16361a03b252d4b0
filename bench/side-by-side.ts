// Contestants side by side: all at once, each in its own Envoy; short runs in rotating order, so that what the machine
// does besides hits all alike.

import type { Contestant } from "./contestants.ts";
import { type Running, startContestant } from "./envoy.ts";
import { Load } from "./load.ts";
import { progress } from "./report.ts";

export interface Entrant {
  contestant: Contestant;
  /** Workers of its Envoy; default: 1. */
  concurrency?: number;
}

export interface Runner extends Running {
  load: Load;
}

export interface Course {
  /** Shown while it runs. */
  title: string;
  turns: number;
  /** Requests of each before the first turn. */
  warmUp: number;
  /** Default: the load's. */
  connections?: number;
}

/** Calls `measure` for each entrant in each turn; `index` is the entrant's. All have ended when it returns. */
export async function sideBySide(
  entrants: readonly Entrant[],
  { title, turns, warmUp, connections }: Course,
  measure: (runner: Runner, index: number) => Promise<void>,
): Promise<void> {
  const runners: Runner[] = [];
  try {
    for (const { contestant, concurrency } of entrants) {
      progress(`starting: ${contestant.name}`);
      const started = await startContestant(contestant, concurrency);
      runners.push({ ...started, load: await Load.open(started.port, contestant, connections) });
    }
    for (const { contestant, load } of runners) {
      progress(`warming up: ${contestant.name}`);
      await load.run(warmUp);
    }
    for (let turn = 0; turn < turns; turn++) {
      progress(`${title}: ${turn + 1} of ${turns}`);
      for (let i = 0; i < runners.length; i++) {
        const index = (turn + i) % runners.length;
        const runner = runners[index];
        if (runner !== undefined) await measure(runner, index);
      }
    }
  } finally {
    for (const { load, envoy } of runners) {
      load.close();
      await envoy.stop();
    }
  }
}

/** CPU time of the worker threads for so many requests, in nanoseconds each. */
export async function costOf(runner: Runner, requests: number): Promise<number> {
  const before = await runner.workerCpuNs();
  await runner.load.run(requests);
  return ((await runner.workerCpuNs()) - before) / requests;
}
