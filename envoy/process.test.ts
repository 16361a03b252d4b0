// In a real Envoy: the bootstrap is accepted, the process is what its interface says, and it never outlives us.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { bootstrapJson } from "./bootstrap.ts";
import { findEnvoy } from "./find.ts";
import { complaints, startEnvoy } from "./process.ts";
import { projectRoot } from "./root.ts";

const loopback = (port: number) => ({ host: "127.0.0.1", port });
const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};
async function untilGone(pid: number): Promise<void> {
  while (isAlive(pid)) await delay(20);
}

/** One listener that answers by itself. */
const answering = {
  admin: { address: { socket_address: { address: "127.0.0.1", port_value: 0 } } },
  static_resources: {
    listeners: [
      {
        name: "front",
        address: { socket_address: { address: "127.0.0.1", port_value: 0 } },
        filter_chains: [
          {
            filters: [
              {
                name: "http",
                typed_config: {
                  "@type":
                    "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
                  stat_prefix: "front",
                  route_config: {
                    virtual_hosts: [
                      {
                        name: "all",
                        domains: ["*"],
                        routes: [{ match: { prefix: "/" }, direct_response: { status: 204 } }],
                      },
                    ],
                  },
                  http_filters: [
                    {
                      name: "router",
                      typed_config: {
                        "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router",
                      },
                    },
                  ],
                },
              },
            ],
          },
        ],
      },
    ],
  },
};

test("Envoy takes the bootstrap", async () => {
  const config = bootstrapJson({
    nodeId: "test",
    metadata: { ROLE: "gateway", LABELS: { app: "x" } },
    xds: loopback(1),
    admin: loopback(0),
  });
  const envoy = await startEnvoy({ binary: await findEnvoy(), config, concurrency: 1 });
  try {
    const dump = await envoy.admin("/config_dump?resource=");
    assert.match(dump, /"api_type": "DELTA_GRPC"/);
    assert.match(await envoy.admin("/server_info"), /"id": "test"/);
    const overload = await envoy.admin("/stats?filter=^overload");
    assert.match(overload, /overload\.envoy\.overload_actions\.stop_accepting_requests\.active: 0/);
  } finally {
    await envoy.stop();
  }
  assert.equal(isAlive(envoy.pid), false);
});

test("a host name instead of an address is resolved by Envoy", async () => {
  const options = {
    nodeId: "test",
    xds: { host: "localhost", port: 1 },
    admin: loopback(0),
    statsSink: false,
  };
  const envoy = await startEnvoy({
    binary: await findEnvoy(),
    config: bootstrapJson(options),
    concurrency: 1,
  });
  await envoy.stop();
  assert.equal(await envoy.exited, 0);
});

test("listeners on a port of the system are found by name", async () => {
  const envoy = await startEnvoy({ binary: await findEnvoy(), config: answering, concurrency: 1 });
  try {
    while (!(await envoy.admin("/ready")).startsWith("LIVE")) await delay(20);
    const port = await envoy.listenerPort("front");
    const response = await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: "close" } });
    assert.equal(response.status, 204);
    await assert.rejects(envoy.listenerPort("back"), /no listener back: there are front/);
    await assert.rejects(envoy.admin("/nonsense"), /answered 404 to GET \/nonsense/);
  } finally {
    await envoy.stop();
  }
});

test("a configuration that Envoy refuses rejects with its reason", async () => {
  const config = { ...answering, static_resources: { clusters: [{ name: "c", connect_timeout: "soon" }] } };
  await assert.rejects(
    startEnvoy({ binary: await findEnvoy(), config }),
    /ended at its start with code 1[\s\S]*soon/,
  );
});

test("a binary that cannot be run rejects", async () => {
  const binary = { path: "/nonexistent/envoy", version: "1.40.0" };
  await assert.rejects(startEnvoy({ binary, config: answering }), /could not be started: .*ENOENT/);
});

test("kill -9 of the process that started it takes Envoy along", { timeout: 60_000 }, async () => {
  const code = `
    import { findEnvoy } from "./envoy/find.ts";
    import { startEnvoy } from "./envoy/process.ts";
    const config = JSON.parse(process.env.CONFIG);
    const envoy = await startEnvoy({ binary: await findEnvoy(), config, concurrency: 1 });
    console.log(envoy.pid);
    setInterval(() => {}, 1000);`;
  const parent = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", code], {
    cwd: projectRoot,
    env: { ...process.env, CONFIG: JSON.stringify(answering) },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [output] = (await once(parent.stdout, "data")) as [Buffer];
  const pid = Number(output.toString());
  assert.ok(isAlive(pid));
  parent.kill("SIGKILL");
  await untilGone(pid);
});

test("complaints keep the lines that matter, without their prefix", () => {
  const lines = [
    "[2026-01-01 00:00:00.000][1][info][main] [source/a.cc:1] starting",
    "[2026-01-01 00:00:00.000][1][critical][main] [source/a.cc:2] error initializing configuration",
  ];
  assert.deepEqual(complaints(lines), ["error initializing configuration"]);
  assert.deepEqual(complaints(lines.slice(0, 1)), ["starting"]);
});
