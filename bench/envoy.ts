// One Envoy per contestant, and the CPU time that the kernel has charged to its workers.

import { readdir, readFile } from "node:fs/promises";
import { findEnvoy } from "../envoy/find.ts";
import { type EnvoyProcess, startEnvoy } from "../envoy/process.ts";
import { waitFor } from "../tests/support/wait.ts";
import { routeId } from "../server/route-id.ts";
import { routeName, virtualHost } from "./chains.ts";
import type { Contestant } from "./contestants.ts";

export interface Running {
  contestant: Contestant;
  envoy: EnvoyProcess;
  port: number;
  /** From the start of the process until it was live, in milliseconds. */
  startedInMs: number;
  /** Nanoseconds that the workers have run so far. */
  workerCpuNs(): Promise<number>;
  /** Resident memory in MB. */
  residentMb(): Promise<number>;
}

export async function startContestant(contestant: Contestant, concurrency = 1): Promise<Running> {
  const config = configuration(contestant);
  const binary = await findEnvoy();
  const begun = performance.now();
  const envoy = await startEnvoy({ binary, config, concurrency });
  await waitFor("Envoy is live", async () => (await envoy.admin("/ready")).startsWith("LIVE"), 60_000);
  const startedInMs = performance.now() - begun;
  const tasks = await workerTasks(envoy.pid);
  return {
    contestant,
    envoy,
    port: await envoy.listenerPort("main"),
    startedInMs,
    workerCpuNs: async () => {
      const times = tasks.map(async (task) => (await readFile(`${task}/schedstat`, "utf8")).split(" ")[0]);
      return (await Promise.all(times)).reduce((sum, ns) => sum + Number(ns), 0);
    },
    residentMb: async () => {
      const status = await readFile(`/proc/${envoy.pid}/status`, "utf8");
      return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
    },
  };
}

async function workerTasks(pid: number): Promise<string[]> {
  const tasks = (await readdir(`/proc/${pid}/task`)).map((id) => `/proc/${pid}/task/${id}`);
  const names = await Promise.all(tasks.map((task) => readFile(`${task}/comm`, "utf8")));
  const workers = tasks.filter((_, i) => names[i]?.startsWith("wrk:worker_"));
  if (workers.length === 0) throw new Error(`Envoy ${pid} has no worker`);
  return workers;
}

function configuration({ filters, accessLog = [], route: fields }: Contestant): unknown {
  const loopback = { socket_address: { address: "127.0.0.1", port_value: 0 } };
  const router = {
    name: "router",
    typed_config: { "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router" },
  };
  const route = {
    name: routeName,
    match: { prefix: "/" },
    direct_response: { status: 200 },
    // As our server gives every route.
    metadata: { filter_metadata: { sluice: { id: routeId(virtualHost, routeName) } } },
    ...fields,
  };
  const manager = {
    "@type":
      "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
    stat_prefix: "main",
    access_log: accessLog,
    route_config: { virtual_hosts: [{ name: virtualHost, domains: ["*"], routes: [route] }] },
    http_filters: [...filters, router],
  };
  const listener = {
    name: "main",
    address: loopback,
    filter_chains: [{ filters: [{ name: "http", typed_config: manager }] }],
  };
  return {
    node: { id: "bench", cluster: "bench" },
    admin: { address: loopback },
    static_resources: { listeners: [listener] },
  };
}
