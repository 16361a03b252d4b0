// Writes generated/envoy.json, the bootstrap of the Envoy in compose.yaml, or with --check says whether it is
// current. The labels of every example's MetricsPolicies are in it; add those of your own folder:
//
//   npx sluice bootstrap --server 127.0.0.1:18000 --node compose --admin 0.0.0.0:15000 --dimension NAME ...

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { bootstrapJson } from "../../envoy/bootstrap.ts";
import { projectRoot } from "../../envoy/root.ts";
import type { MetricsSpec } from "../../schema/generated/types.ts";
import { loadFolder } from "../../server/source/load.ts";

const path = "deploy/compose/generated/envoy.json";

const { resources } = await loadFolder(join(projectRoot, "examples"));
const dimensions = resources
  .filter(({ kind }) => kind === "MetricsPolicy")
  .flatMap(({ spec }) => ((spec as MetricsSpec).dimensions ?? []).map(({ name }) => name));
const config = bootstrapJson({
  nodeId: "compose",
  metadata: { ROLE: "gateway" },
  dimensions: [...new Set(dimensions)].sort(),
  xds: { host: "127.0.0.1", port: 18_000 },
  // The container's port is published on the host's loopback, and reached from outside the container's.
  admin: { host: "0.0.0.0", port: 15_000 },
});
const text = `${JSON.stringify(config, undefined, 2)}\n`;

const file = join(projectRoot, path);
if ((await readFile(file, "utf8").catch(() => "")) !== text) {
  if (process.argv.includes("--check")) {
    console.log(`not current: ${path}`);
    console.log("Run `node --import tsx deploy/compose/bootstrap.ts` and commit what it writes.");
    process.exitCode = 1;
  } else {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  }
}
