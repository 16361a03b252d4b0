// What each contestant costs: CPU per request of one worker, as the kernel charged it to the worker's thread.

import type { Contestant } from "./contestants.ts";
import { costOf, sideBySide } from "./side-by-side.ts";
import { quantile } from "./statistics.ts";

export const requestsPerRun = 1_600;
const warmUp = 6_400;

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
  const samples = contestants.map((): number[] => []);
  const entrants = contestants.map((contestant) => ({ contestant }));
  await sideBySide(entrants, { title: "CPU", turns: rounds, warmUp }, async (runner, index) => {
    samples[index]?.push(await costOf(runner, requestsPerRun));
  });
  const of = (one: readonly number[] | undefined, share: number) => quantile(one ?? [], share) / 1e3;
  const base = of(samples[0], 0.25);
  return contestants.map(({ name }, index) => {
    const cost = of(samples[index], 0.25);
    return { name, cost, added: cost - base, spread: of(samples[index], 0.75) - cost };
  });
}
