// What the config server and an Envoy that it feeds need, by the size of the mesh:
//
//   node --import tsx bench/resources.ts [SERVICES...]        default: 1 100 1000
//
// Ten routes and one policy a service. Of each: memory (VmRSS) of both once Envoy has everything, with two workers and no load; and the processor time
// that the server took until then.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { bootstrapJson } from "../envoy/bootstrap.ts";
import { findEnvoy } from "../envoy/find.ts";
import { startEnvoy } from "../envoy/process.ts";
import { projectRoot } from "../envoy/root.ts";
import { largeFolder } from "./folder.ts";

const loopback = { host: "127.0.0.1", port: 0 };
const ticksPerSecond = 100;

async function measure(services: number): Promise<Record<string, unknown>> {
  const config = await mkdtemp(join(tmpdir(), "sluice-resources-"));
  await Promise.all(largeFolder(services).map((text, i) => writeFile(join(config, `${i}.yaml`), text)));
  const args = ["serve", "--config", config, "--http", "0", "--xds", "0", "--listen", "0"];
  const server = spawn(process.execPath, [join(projectRoot, "build/sluice.js"), ...args], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  try {
    const { xds, http } = await portsOf(server);
    const envoy = await startEnvoy({
      binary: await findEnvoy(),
      config: bootstrapJson({ nodeId: "bench", xds: { ...loopback, port: xds }, admin: loopback }),
      concurrency: 2,
    });
    try {
      const synced = async () =>
        (await (await fetch(`http://127.0.0.1:${http}/api/v1/proxies`)).text()).includes('"state":"synced"');
      while (!(await envoy.admin("/ready")).startsWith("LIVE") || !(await synced())) await delay(50);
      return {
        services,
        routes: services * 10,
        "server MiB": await memoryMib(server.pid ?? 0),
        "server CPU s": await processorSeconds(server.pid ?? 0),
        "Envoy MiB": await memoryMib(envoy.pid),
      };
    } finally {
      await envoy.stop();
    }
  } finally {
    server.kill("SIGTERM");
    await rm(config, { recursive: true });
  }
}

async function portsOf({ stderr }: ChildProcess): Promise<{ xds: number; http: number }> {
  if (stderr === null) throw new Error("no log");
  for await (const line of createInterface({ input: stderr })) {
    const event = line.startsWith("{") ? (JSON.parse(line) as Record<string, unknown>) : {};
    if (event.msg !== "serving") continue;
    stderr.resume();
    return { xds: Number(event.xds), http: Number(event.http) };
  }
  throw new Error("the server ended before it served");
}

async function memoryMib(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Math.round(Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1024);
}

/** Fields 14 and 15 of /proc/PID/stat, user and system. */
async function processorSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

const sizes = process.argv.slice(2).map(Number);
const rows = [];
for (const services of sizes.length > 0 ? sizes : [1, 100, 1_000]) rows.push(await measure(services));
console.table(rows);
