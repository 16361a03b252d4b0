// `node --import tsx bench/mesh-scale.ts [SERVICES]`: a large mesh as one server and one Envoy carry it. For each
// service three subsets and five routes. Tells the time until the first request is served, memory of both, and
// what is sent, and to which clusters, when one endpoint changes.
//
// The server is the bundle (npm run build), by itself in its process; bytes are Envoy's count on its connection to the server.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { Client } from "undici";
import { bootstrapJson } from "../envoy/bootstrap.ts";
import { findEnvoy } from "../envoy/find.ts";
import { type EnvoyProcess, startEnvoy } from "../envoy/process.ts";
import { projectRoot } from "../envoy/root.ts";

const serviceCount = Number(process.argv[2] ?? 1_000);
const routesPerService = 5;
const edits = 10;
const loopback = { host: "127.0.0.1", port: 0 };

const directory = await mkdtemp(join(tmpdir(), "sluice-scale-"));
const closing: (() => unknown)[] = [() => rm(directory, { recursive: true })];
try {
  await main();
} finally {
  for (const close of closing.reverse()) await close();
}

async function main(): Promise<void> {
  const [first, second] = [await answering("first"), await answering("second")];
  for (let i = 0; i < serviceCount; i++) await put(i, first, first);

  const start = performance.now();
  const server = await startServer();
  const served = performance.now();
  const envoy = await startProxy(server.xdsPort);
  const client = new Client(`http://127.0.0.1:${await listenerPort(envoy)}`);
  closing.push(() => client.close());
  const last = serviceCount - 1;
  await until(client, last, "first");
  const ready = performance.now();
  const clusters = Number(
    /active_clusters: (\d+)/.exec(await envoy.admin("/stats?filter=active_clusters"))?.[1],
  );
  console.log(
    `${serviceCount} services, ${clusters} clusters, ${serviceCount * routesPerService} routes
  from a folder to a server that listens: ${seconds(served - start)}
  from Envoy's start to the first request to the last service: ${seconds(ready - served)}
  processor: server ${await cpuSeconds(server.process.pid)} s, Envoy ${await cpuSeconds(envoy.pid)} s
  memory: server ${await memoryMib(server.process.pid)} MiB, Envoy ${await memoryMib(envoy.pid)} MiB (1 worker)`,
  );
  await settled(envoy);
  await editEndpoints(server.process.pid, envoy, client, first, second);
}

/** An edit moves the endpoint of one subset, which gets 9 requests of 10; they are asked until it answers. */
async function editEndpoints(
  server: number | undefined,
  envoy: EnvoyProcess,
  client: Client,
  others: number,
  port: number,
): Promise<void> {
  const index = serviceCount >> 1;
  const before = await received(envoy);
  const updatesBefore = await updates(envoy);
  const cpu = Number(await cpuSeconds(server));
  const start = performance.now();
  await put(index, port, others);
  await until(client, index, "second");
  const first = performance.now() - start;
  await settled(envoy);
  const bytes = (await received(envoy)) - before;
  const spent = Number(await cpuSeconds(server)) - cpu;
  const after = await updates(envoy);
  const changed = [...after].filter(([name, count]) => count > (updatesBefore.get(name) ?? 0));
  console.log(`  one endpoint edited: in effect after ${first.toFixed(0)} ms (${spent.toFixed(1)} s of the server's processor), ${bytes} bytes sent
  updated: ${changed.map(([name]) => name).join(", ")}`);
  const times: number[] = [];
  const cpuBefore = Number(await cpuSeconds(server));
  for (let n = 1; n <= edits; n++) {
    const i = (index + n * 7) % serviceCount;
    const from = performance.now();
    await put(i, port, others);
    await until(client, i, "second");
    times.push(performance.now() - from);
  }
  times.sort((a, b) => a - b);
  const each = (Number(await cpuSeconds(server)) - cpuBefore) / edits;
  console.log(
    `  ${edits} more edits: median ${times[edits >> 1]?.toFixed(0)} ms, longest ${times.at(-1)?.toFixed(0)} ms, ` +
      `${each.toFixed(2)} s of the server's processor each`,
  );
}

async function answering(text: string): Promise<number> {
  const server: Server = createServer((_, response) => response.end(text)).listen(0, "127.0.0.1");
  await once(server, "listening");
  closing.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return (server.address() as AddressInfo).port;
}

function host(i: number): string {
  return `service-${i}.scale.svc.cluster.local`;
}

/** `port` is that of the endpoint of v1. */
function put(i: number, port: number, others: number): Promise<void> {
  const subsets = ["v1", "v2", "v3"];
  const endpoint = (v: string) =>
    `  - {address: 127.0.0.1, ports: {http: ${v === "v1" ? port : others}}, labels: {version: ${v}}}`;
  const routes = Array.from(
    { length: routesPerService },
    (_, r) => `  - name: route-${r}
    match: [{uri: {prefix: /${r === routesPerService - 1 ? "" : `part-${r}/`}}}]
    route:
    - {destination: {host: ${host(i)}, subset: v1}, weight: 90}
    - {destination: {host: ${host(i)}, subset: v${2 + (r % 2)}}, weight: 10}`,
  );
  const head = (kind: string) =>
    `apiVersion: networking.istio.io/v1\nkind: ${kind}\nmetadata: {name: service-${i}, namespace: scale}\nspec:\n`;
  const text = `${head("ServiceEntry")}  hosts: [${host(i)}]
  ports: [{number: 80, name: http}]
  resolution: STATIC
  endpoints:
${subsets.map(endpoint).join("\n")}
---
${head("DestinationRule")}  host: ${host(i)}
  trafficPolicy: {outlierDetection: {consecutive5xxErrors: 5}}
  subsets: [${subsets.map((v) => `{name: ${v}, labels: {version: ${v}}}`).join(", ")}]
---
${head("VirtualService")}  hosts: [${host(i)}]
  http:
${routes.join("\n")}
`;
  return writeFile(join(directory, `service-${i}.yaml`), text);
}

async function startServer(): Promise<{ process: ChildProcess; xdsPort: number }> {
  const options = ["--config", directory, "--http", "0", "--xds", "0", "--listen", "0"];
  const child = spawn(process.execPath, [join(projectRoot, "build/sluice.js"), "serve", ...options], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  closing.push(() => child.kill());
  const xdsPort = await new Promise<number>((resolve, reject) => {
    createInterface({ input: child.stderr }).on("line", (line) => {
      const record = line.startsWith("{") ? (JSON.parse(line) as { msg?: string; xds?: number }) : {};
      if (record.msg === "serving" && record.xds !== undefined) resolve(record.xds);
    });
    child.on("exit", () => reject(new Error("the server ended before it served")));
  });
  return { process: child, xdsPort };
}

async function startProxy(xdsPort: number): Promise<EnvoyProcess> {
  const envoy = await startEnvoy({
    binary: await findEnvoy(),
    config: bootstrapJson({
      nodeId: "scale",
      xds: { ...loopback, port: xdsPort },
      admin: loopback,
      statsSink: false,
    }),
    concurrency: 1,
  });
  closing.push(() => envoy.stop());
  return envoy;
}

async function listenerPort(envoy: EnvoyProcess): Promise<number> {
  for (;;) {
    if ((await envoy.admin("/ready")).startsWith("LIVE")) {
      const port = await envoy.listenerPort("mesh").catch(() => undefined);
      if (port !== undefined) return port;
    }
    await delay(20);
  }
}

async function until(client: Client, i: number, answer: string): Promise<void> {
  for (;;) {
    const { body } = await client.request({ path: "/", method: "GET", headers: { host: host(i) } });
    if ((await body.text()) === answer) return;
    await delay(2);
  }
}

async function received(envoy: EnvoyProcess): Promise<number> {
  const stats = await envoy.admin("/stats?filter=cluster.sluice_xds.upstream_cx_rx_bytes_total");
  return Number(/rx_bytes_total: (\d+)/.exec(stats)?.[1]);
}

/** Nothing arrives any more. */
async function settled(envoy: EnvoyProcess): Promise<void> {
  for (let last = -1; ;) {
    const now = await received(envoy);
    if (now === last) return;
    last = now;
    await delay(500);
  }
}

/** Updates so far, by what is updated: each cluster's endpoints, all clusters, listeners, route tables. */
async function updates(envoy: EnvoyProcess): Promise<Map<string, number>> {
  const filter = encodeURIComponent("(update_success|config_reload|cluster_modified|cluster_added)$");
  const stats = await envoy.admin(`/stats?filter=${filter}`);
  return new Map(
    stats
      .split("\n")
      .map((line) => line.split(": "))
      .map(([name = "", value]) => [name, Number(value)]),
  );
}

/** User and system time so far; the kernel counts in hundredths. */
async function cpuSeconds(pid: number | undefined): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return ((Number(fields[11]) + Number(fields[12])) / 100).toFixed(1);
}

async function memoryMib(pid: number | undefined): Promise<string> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return (Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024).toFixed(0);
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
