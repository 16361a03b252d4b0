// Waiting for a condition, never for a time.

import { setTimeout as delay } from "node:timers/promises";

/** Asks again every 10 ms until the answer is neither false nor undefined; fails with `what` after the limit. */
export async function waitFor<T>(
  what: string,
  ask: () => Promise<T | false | undefined> | T | false | undefined,
  limitMs = 10_000,
): Promise<T> {
  const end = Date.now() + limitMs;
  for (;;) {
    const answer = await ask();
    if (answer !== false && answer !== undefined) return answer;
    if (Date.now() > end) throw new Error(`waited ${limitMs} ms in vain: ${what}`);
    await delay(10);
  }
}
