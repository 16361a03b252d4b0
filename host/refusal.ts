// A filter refuses its configuration with one log line, which this reads back, and the check that runs a
// configuration through the release module before anything else sees it.

import { Host } from "./host.ts";
import type { CompiledModule } from "./module.ts";
import type { LogLine, Refusal } from "./types.ts";

const form = /^sluice: refused: (.*?): byte (\d+): (.*)$/s;

/** The last refusal in a log. */
export function readRefusal(log: readonly LogLine[]): Refusal | undefined {
  for (const line of log.toReversed()) {
    const found = form.exec(line.message);
    if (found === null) continue;
    const [, path = "", byte = "", message = ""] = found;
    return { path: path === "(document)" ? "" : path, byte: Number(byte), message };
  }
  return undefined;
}

/**
 * Runs a configuration through the module as Envoy's main thread would.
 * @example
 * const check = await checkConfiguration(module, text);
 * if (!check.ok) console.error(`${check.refusal.path}: byte ${check.refusal.byte}: ${check.refusal.message}`);
 */
export async function checkConfiguration(
  module: CompiledModule,
  configuration: string,
): Promise<{ ok: true } | { ok: false; refusal: Refusal }> {
  const { ok, refusal, trap, log } = new Host({ module }).configure(configuration);
  if (ok) return { ok };
  if (refusal !== undefined) return { ok, refusal };
  const last = log.at(-1)?.message;
  const message = trap === undefined ? "the filter refused it without a reason" : "the filter trapped on it";
  return {
    ok,
    refusal: { path: "", byte: 0, message: last === undefined ? message : `${message}: ${last}` },
  };
}
