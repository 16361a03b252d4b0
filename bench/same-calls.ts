// Whether the bare module makes the calls that the suite makes for a request of the load, counted in host/: a floor
// that drifts away from what stands on it says nothing.

import { readFile } from "node:fs/promises";
import { compileModule, Host } from "../host/index.ts";
import { routeId } from "../server/route-id.ts";
import { moduleOf, routeName, virtualHost } from "./chains.ts";
import { suite, suiteIdle } from "./policies.ts";

/** Rejects with both lists where they differ. */
export async function checkBareModule(bare: string): Promise<void> {
  const [floor, whole] = [await callsOf(bare, {}), await callsOf(moduleOf("suite"), suite)];
  if (floor !== whole)
    throw new Error(
      `bench/peers/bare.ts makes other calls than the suite:\n  bare:  ${floor}\n  suite: ${whole}`,
    );
}

async function callsOf(file: string, configuration: object): Promise<string> {
  const module = await compileModule(await readFile(file));
  const host = new Host({ module });
  host.configure(JSON.stringify(configuration));
  const metadata = { sluice: { id: routeId(virtualHost, routeName) } };
  const ask = () => {
    host.skip(1_000n);
    const headers = [
      [":method", "GET"],
      [":path", "/"],
      [":authority", "search"],
      ["uid", "user-1"],
    ] as const;
    const stream = host.workers[0].request({ headers, route: { name: routeName, virtualHost, metadata } });
    stream.requestHeaders();
    stream.end();
  };
  // The first ones define metrics and take leases.
  for (let n = 0; n < 20; n++) ask();
  host.resetCounts();
  ask();
  const calls = Object.entries(host.counts()).map(([name, { calls }]) => `${name} ${calls}`);
  const callbacks = Object.keys(host.callbacks()).filter((name) => !suiteIdle.includes(name));
  return [...callbacks, ...calls].sort().join(", ");
}
