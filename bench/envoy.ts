// One Envoy per contestant, one worker each, and the CPU time that the kernel has charged to that worker.

import { readdir, readFile } from "node:fs/promises";
import { findEnvoy } from "../envoy/find.ts";
import { type EnvoyProcess, startEnvoy } from "../envoy/process.ts";
import { waitFor } from "../tests/support/wait.ts";
import { type Contestant, routeName, virtualHost } from "./contestants.ts";

export interface Running {
  contestant: Contestant;
  envoy: EnvoyProcess;
  port: number;
  /** Nanoseconds that the worker has run so far. */
  workerCpuNs(): Promise<number>;
}

export async function startContestant(contestant: Contestant): Promise<Running> {
  const config = configuration(contestant);
  const envoy = await startEnvoy({ binary: await findEnvoy(), config, concurrency: 1 });
  await waitFor("Envoy is live", async () => (await envoy.admin("/ready")).startsWith("LIVE"), 20_000);
  const task = await workerTask(envoy.pid);
  return {
    contestant,
    envoy,
    port: await envoy.listenerPort("main"),
    workerCpuNs: async () => Number((await readFile(`${task}/schedstat`, "utf8")).split(" ")[0]),
  };
}

async function workerTask(pid: number): Promise<string> {
  for (const id of await readdir(`/proc/${pid}/task`)) {
    const task = `/proc/${pid}/task/${id}`;
    if ((await readFile(`${task}/comm`, "utf8")).startsWith("wrk:worker_0")) return task;
  }
  throw new Error(`Envoy ${pid} has no thread wrk:worker_0`);
}

function configuration({ filters }: Contestant): unknown {
  const loopback = { socket_address: { address: "127.0.0.1", port_value: 0 } };
  const router = {
    name: "router",
    typed_config: { "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router" },
  };
  const route = { name: routeName, match: { prefix: "/" }, direct_response: { status: 200 } };
  const manager = {
    "@type":
      "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
    stat_prefix: "main",
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
