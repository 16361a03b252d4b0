// Rate limits: how many requests touch shared data, and how much is let through at ten times the limit.

import { readFile } from "node:fs/promises";
import { compileModule, Host } from "../host/index.ts";
import { flood } from "../tests/rate-limit-flood.ts";
import { startLimited } from "../tests/rate-limit-envoy.ts";
import { localRateLimit, moduleOf } from "./chains.ts";
import type { Modules } from "./modules.ts";
import { processor, progress, publish, table } from "./report.ts";

const perSecond = 200;
const seconds = 4;
const ours = (key: object) => ({
  policies: [{ name: "bench/policy", limits: [{ name: "all", requests: perSecond, per: "1s", ...key }] }],
});
const keyed = { key: [{ header: "uid" }], maxKeys: 1_000 };

export async function measureLimits(_: Modules): Promise<void> {
  const shared = await sharedCalls();
  const rows: string[][] = [];
  for (const workers of [1, 2, 4]) {
    progress(`ten times the limit, ${workers} workers`);
    const one = await admitted(ours({}), workers);
    const key = await admitted(ours(keyed), workers);
    const native = await admitted({ filters: [localRateLimit(perSecond)] }, workers);
    rows.push([String(workers), ...[one, key, native].map((share) => share.toFixed(3))]);
  }
  await publish(
    "limits.md",
    `# Rate limits

\`npm run bench -- limits\`; ${processor()}.

Calls of shared data per request, counted in the release module by \`host/\`, four workers, after the first thousand:

${table(["limit", "traffic", "reads", "writes"], shared)}

Admitted ÷ bound, the bound being burst + rate × time: ${perSecond} requests a second and a burst of as many, asked ten times
as often for ${seconds} seconds over 32 connections, in Envoy. Never above 1 is what exact means.

${table(["workers", "one bucket", "one key", "native local_ratelimit"], rows)}
`,
  );
}

/** The share of the bound that was let through. */
async function admitted(first: Parameters<typeof startLimited>[0], workers: number): Promise<number> {
  const limited = await startLimited(first, { concurrency: workers });
  try {
    const load = { port: limited.port, connections: 32, perSecond: perSecond * 10, seconds };
    const answers = await flood({ ...load, headers: () => "uid: one\r\n" });
    return (answers.byStatus.get(200) ?? 0) / (perSecond + perSecond * answers.seconds);
  } finally {
    await limited.close();
  }
}

interface Traffic {
  limit: string;
  traffic: string;
  configuration: object;
  /** Nanoseconds between two requests. */
  everyNs: bigint;
}

async function sharedCalls(): Promise<string[][]> {
  const module = await compileModule(await readFile(moduleOf("rate_limit")));
  const rate = (requests: number, key: object = {}) => ours({ requests, ...key });
  const rows: Traffic[] = [
    { limit: "one bucket", traffic: "1 % of the rate", configuration: rate(1_000_000), everyNs: 100_000n },
    { limit: "one bucket", traffic: "half the rate", configuration: rate(20_000), everyNs: 100_000n },
    { limit: "one bucket", traffic: "90 % of the rate", configuration: rate(11_111), everyNs: 100_000n },
    { limit: "one bucket", traffic: "ten times the rate", configuration: rate(1_000), everyNs: 100_000n },
    { limit: "a key", traffic: "half the rate", configuration: rate(20_000, keyed), everyNs: 100_000n },
    { limit: "a key", traffic: "ten times the rate", configuration: rate(1_000, keyed), everyNs: 100_000n },
  ];
  return rows.map(({ limit, traffic, configuration, everyNs }) => {
    const host = new Host({ module, workers: 4 });
    host.configure(JSON.stringify(configuration));
    const ask = (n: number) => {
      host.skip(everyNs);
      const headers = [
        [":method", "GET"],
        [":path", "/"],
        [":authority", "a"],
        ["uid", "one"],
      ] as const;
      const stream = host.workers[n % 4]?.request({ headers });
      stream?.requestHeaders();
      stream?.end();
    };
    for (let n = 0; n < 1_000; n++) ask(n);
    host.resetCounts();
    for (let n = 0; n < 20_000; n++) ask(n);
    const counts = host.counts();
    const each = (call: "proxy_get_shared_data" | "proxy_set_shared_data") =>
      ((counts[call]?.calls ?? 0) / 20_000).toFixed(3);
    return [limit, traffic, each("proxy_get_shared_data"), each("proxy_set_shared_data")];
  });
}
