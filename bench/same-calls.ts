// The bare module's configuration: the calls that the suite makes for a request of the load, counted in host/, as
// letters of bench/peers/calls.ts.

import { readFile } from "node:fs/promises";
import { compileModule, Host } from "../host/index.ts";
import { routeId } from "../server/route-id.ts";
import { moduleOf, routeName, virtualHost } from "./chains.ts";
import { suite } from "./policies.ts";

const letters: Record<string, string> = {
  clock_time_get: "c",
  proxy_increment_metric: "i",
  proxy_record_metric: "x",
  proxy_get_header_map_pairs: "a",
};

type Counts = Record<string, { calls: number }>;

/** Such as `nccai|kcix`: at the request headers, and in the log callback. */
export async function suiteCalls(): Promise<string> {
  const host = new Host({ module: await compileModule(await readFile(moduleOf("suite"))) });
  host.configure(JSON.stringify(suite));
  const metadata = { sluice: { id: routeId(virtualHost, routeName) } };
  const ask = (): [Counts, Counts] => {
    host.skip(1_000n);
    const headers = [
      [":method", "GET"],
      [":path", "/"],
      [":authority", "search"],
      ["uid", "user-1"],
    ] as const;
    const stream = host.workers[0].request({ headers, route: { name: routeName, virtualHost, metadata } });
    const early = stream.requestHeaders().counts;
    return [early, stream.end().counts];
  };
  // The first ones define metrics and take leases.
  for (let n = 0; n < 20; n++) ask();
  const [early, late] = ask();
  return `${inLetters(early, "n")}|${inLetters(late, "k")}`;
}

/** Properties are told apart by when they are read: the route's number first, the response code at the end. */
function inLetters(counts: Counts, property: string): string {
  return Object.entries(counts)
    .map(([call, { calls }]) => {
      const letter = call === "proxy_get_property" ? property : letters[call];
      if (letter === undefined) throw new Error(`bench/peers/calls.ts has no letter for ${call}`);
      return letter.repeat(calls);
    })
    .join("");
}
