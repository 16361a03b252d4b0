// How long after a file is saved every worker of an Envoy answers by it.
//
//   node --import tsx bench/save-to-effect.ts [edits]
//
// Each edit sets another response header on a route of the sample mesh. The clock stops when all of 8
// connections, which Envoy spreads over its workers, have answered with it.

import { setTimeout as delay } from "node:timers/promises";
import { Client } from "undici";
import { host, startLiveMesh } from "../tests/live-mesh.ts";

const edits = Number(process.argv[2] ?? 50);
const connections = 8;

const mesh = await startLiveMesh();
try {
  const envoy = await mesh.envoy("bench");
  await mesh.inSync("bench");
  const clients = Array.from({ length: connections }, () => new Client(`http://127.0.0.1:${envoy.port}`));
  const times: number[] = [];
  for (let edit = 1; edit <= edits; edit++) {
    await delay(100);
    const start = performance.now();
    await mesh.put("mesh.yaml", marked(mesh.meshYaml, edit));
    await Promise.all(clients.map((client) => untilMarked(client, edit)));
    times.push(performance.now() - start);
  }
  await Promise.all(clients.map((client) => client.close()));
  times.sort((a, b) => a - b);
  console.log(
    `saved file to effect on every worker, ${edits} edits: median ${at(times, 0.5)} ms, 99th percentile ${at(times, 0.99)} ms`,
  );
} finally {
  await mesh.close();
}

function marked(yaml: string, edit: number): string {
  return yaml.replace("timeout: 60s", `timeout: 60s\n    headers: {response: {set: {x-edit: "${edit}"}}}`);
}

async function untilMarked(client: Client, edit: number): Promise<void> {
  for (;;) {
    const { headers, body } = await client.request({ path: "/", method: "GET", headers: { host } });
    await body.dump();
    if (headers["x-edit"] === String(edit)) return;
    await delay(1);
  }
}

function at(sorted: readonly number[], share: number): string {
  return (sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? 0).toFixed(0);
}
