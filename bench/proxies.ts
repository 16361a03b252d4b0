// `node --import tsx bench/proxies.ts [COUNT...]`: what connected proxies cost the config server (default 1, 100 and
// 1000): processor time and memory for each, how long after a file is saved all have the change, and what was sent.
//
// The proxies are simulated (bench/simulated-proxy.ts), all in this process, on whose processor time the waiting
// depends too; the server is another one (bench/xds-server.ts).

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { largeFolder } from "./folder.ts";
import { SimulatedProxy } from "./simulated-proxy.ts";
import type { ServerCost } from "./xds-server.ts";

const services = 100;
const edits = 5;
const counts = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [1, 100, 1_000];

/** Of the last response. */
let bytesOfEdit = 0;

console.log(
  `${services} services, ${services * 10} routes, ${services} policies; median of ${edits} edits of one policy\n`,
);
console.log(
  "| proxies | connect, s | CPU per proxy to connect, ms | memory per proxy, MiB | CPU per edit, ms | per edit and proxy, ms | all have it after, ms | resources sent per proxy and edit | bytes |",
);
console.log("|---|---|---|---|---|---|---|---|---|");
for (const count of counts) console.log(await measure(count));

async function measure(count: number): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "sluice-proxies-"));
  const texts = largeFolder(services);
  await Promise.all(texts.map((text, i) => writeFile(join(directory, `${i}.yaml`), text)));
  const server = fork(join(import.meta.dirname, "xds-server.ts"), [directory], {
    execArgv: ["--import", "tsx"],
  });
  const proxies: SimulatedProxy[] = [];
  try {
    const [port] = (await once(server, "message")) as [number];
    const idle = await ask(server);
    const start = performance.now();
    for (let i = 0; i < count; i++) proxies.push(new SimulatedProxy(port, `proxy-${i}`));
    const connected = await untilInSync(server, count);
    const connectedAfter = (performance.now() - start) / 1_000;
    const before = resourcesOf(proxies);
    const times: number[] = [];
    const costs: number[] = [];
    for (let edit = 0; edit < edits; edit++) {
      const path = join(directory, `${edit * 2}.yaml`);
      const text = (texts[edit * 2] ?? "").replace(/requests: \d+/, `requests: ${200 + edit}`);
      const cost = await ask(server);
      const all = allChanged(proxies);
      const saved = performance.now();
      await writeFile(`${path}.part`, text);
      await rename(`${path}.part`, path);
      await all;
      times.push(performance.now() - saved);
      costs.push((await untilInSync(server, count)).cpuMs - cost.cpuMs);
    }
    const sent = (resourcesOf(proxies) - before) / count / edits;
    const cells = [
      count,
      connectedAfter.toFixed(1),
      ((connected.cpuMs - idle.cpuMs) / count).toFixed(1),
      ((connected.residentMiB - idle.residentMiB) / count).toFixed(2),
      median(costs).toFixed(0),
      (median(costs) / count).toFixed(2),
      median(times).toFixed(0),
      sent.toFixed(1),
      bytesOfEdit,
    ];
    return `| ${cells.join(" | ")} |`;
  } finally {
    for (const proxy of proxies) proxy.close();
    server.disconnect();
    await rm(directory, { recursive: true });
  }
}

/** Resolves when every proxy has a response; how large the last one was is kept. */
function allChanged(proxies: readonly SimulatedProxy[]): Promise<unknown> {
  return Promise.all(
    proxies.map(
      (proxy) =>
        new Promise<void>((resolve) => {
          const before = proxy.bytes;
          proxy.onResponse = () => {
            bytesOfEdit = proxy.bytes - before;
            resolve();
          };
        }),
    ),
  );
}

function resourcesOf(proxies: readonly SimulatedProxy[]): number {
  return proxies.reduce((sum, proxy) => sum + proxy.resources + proxy.removals, 0);
}

async function ask(server: ChildProcess): Promise<ServerCost> {
  server.send("cost");
  const [cost] = (await once(server, "message")) as [ServerCost];
  return cost;
}

async function untilInSync(server: ChildProcess, count: number): Promise<ServerCost> {
  for (;;) {
    const cost = await ask(server);
    if (cost.inSync === count) return cost;
    await delay(50);
  }
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
}
