// The config server as a process of its own, so that what it costs is told apart from its clients: forked by
// bench/proxies.ts, which it answers with its ports, and then with its processor time and memory whenever asked.

import { join } from "node:path";
import { projectRoot } from "../envoy/root.ts";
import { createLogger } from "../server/log.ts";
import { loadModules } from "../server/policy/modules.ts";
import { serve } from "../server/serve.ts";

export interface ServerCost {
  /** Since its start, collection of garbage included. */
  cpuMs: number;
  residentMiB: number;
  /** Proxies that have the newest snapshot. */
  inSync: number;
}

const [config = ""] = process.argv.slice(2);
const loopback = { host: "127.0.0.1", port: 0 };
const server = await serve({
  config,
  http: loopback,
  xds: loopback,
  listen: loopback,
  modules: await loadModules(join(projectRoot, "build", "filters")),
  logger: createLogger({ level: "error" }),
});

process.on("message", () => {
  const { user, system } = process.cpuUsage();
  const { version } = server.state();
  const cost: ServerCost = {
    cpuMs: (user + system) / 1_000,
    residentMiB: process.memoryUsage.rss() / 1_048_576,
    inSync: server.proxies().filter((proxy) => proxy.version === version).length,
  };
  process.send?.(cost);
});
process.on("disconnect", () => process.exit());
process.send?.(server.xdsPort);
