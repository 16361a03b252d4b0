// The config server killed and gone for 20 seconds: Envoy goes on serving, comes back by itself, and is sent
// nothing that it has already.

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { projectRoot } from "../envoy/root.ts";
import type { ProxiesReport, ProxyReport } from "../server/http/proxies.ts";

import {
  connectEnvoy,
  type LiveEnvoy,
  replaceFile,
  sampleMesh,
  startLoad,
  stats,
  variants,
} from "./live-mesh.ts";
import { waitFor } from "./support/wait.ts";

const outageMs = 20_000;

interface ServerProcess {
  xds: number;
  http: number;
  kill(): Promise<void>;
}

/** `sluice serve` as a process of its own; resolves when it says that it serves. */
async function startServer(config: string, more: readonly string[] = [], xds = 0): Promise<ServerProcess> {
  const main = join(projectRoot, "cli", "main.ts");
  const options = [
    "serve",
    "--config",
    config,
    "--http",
    "0",
    "--listen",
    "0",
    "--xds",
    String(xds),
    ...more,
  ];
  const child = spawn(process.execPath, ["--import", "tsx", main, ...options], {
    cwd: projectRoot,
    stdio: ["ignore", "inherit", "pipe"],
  });
  const said: string[] = [];
  for await (const line of createInterface({ input: child.stderr })) {
    said.push(line);
    const event = line.startsWith("{") ? (JSON.parse(line) as Record<string, unknown>) : {};
    if (event.msg !== "serving") continue;
    child.stderr.resume();
    return { xds: Number(event.xds), http: Number(event.http), kill: () => kill(child) };
  }
  throw new Error(`the server ended: ${said.join("\n")}`);
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const closed = once(child, "close");
  child.kill("SIGKILL");
  await closed;
}

async function proxiesOf(server: ServerProcess): Promise<readonly ProxyReport[]> {
  const answer = await fetch(`http://127.0.0.1:${server.http}/api/v1/proxies`);
  return ((await answer.json()) as ProxiesReport).proxies;
}

function synced(server: ServerProcess, count: number): () => Promise<readonly ProxyReport[] | undefined> {
  return async () => {
    const proxies = await proxiesOf(server);
    return proxies.length === count && proxies.every((one) => one.state === "synced") ? proxies : undefined;
  };
}

/** What was sent on all streams since the server's start. */
async function sentBy(server: ServerProcess): Promise<{ resources: number; nacks: number; acks: number }> {
  const text = await (await fetch(`http://127.0.0.1:${server.http}/metrics`)).text();
  const sum = (name: string): number =>
    [...text.matchAll(new RegExp(`^${name}\\{.*\\} (\\d+)$`, "gm"))].reduce(
      (total, [, n]) => total + Number(n),
      0,
    );
  return {
    resources: sum("sluice_xds_resources_total"),
    nacks: sum("sluice_xds_nacks_total"),
    acks: sum("sluice_xds_acks_total"),
  };
}

describe("the server killed and gone for 20 s", () => {
  const opened: (() => Promise<unknown>)[] = [];
  const envoys = new Map<string, LiveEnvoy>();
  let directory = "";
  let mesh = "";
  let server: ServerProcess;
  let before20s = new Map<string, string>();
  let updatesBefore: Record<string, number> = {};

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "sluice-outage-"));
    opened.push(() => rm(directory, { recursive: true, force: true }));
    mesh = await sampleMesh(opened);
    await writeFile(join(directory, "mesh.yaml"), mesh);
    server = await startServer(directory);
    opened.push(() => server.kill());
    for (const variant of variants) {
      const envoy = await connectEnvoy(server.xds, variant, { variant });
      opened.push(() => envoy.stop());
      envoys.set(variant, envoy);
    }
    const proxies = await waitFor("both in sync", synced(server, 2));
    before20s = new Map(proxies.map((one) => [one.node.id, one.version]));
    updatesBefore = await updates();
  });
  after(async () => {
    for (const end of opened.reverse()) await end();
  });

  /** Updates that each Envoy has applied, by statistic. */
  async function updates(): Promise<Record<string, number>> {
    const all: Record<string, number> = {};
    for (const [variant, envoy] of envoys) {
      const counts = await stats(
        envoy,
        "(cds|lds|rds\\.mesh|extension_config_discovery.*)\\.(update_success|config_reload)$",
      );
      for (const [name, value] of Object.entries(counts)) all[`${variant} ${name}`] = value;
    }
    return all;
  }

  test("Envoy goes on serving meanwhile", async () => {
    const loads = [...envoys.values()].map((envoy) => startLoad(envoy.port, 50));
    await server.kill();
    await delay(outageMs);
    for (const load of loads) {
      const { sent, failures } = await load.stop();
      assert.deepEqual(failures, []);
      assert.ok(sent > 800, `only ${sent} requests were sent`);
    }
  });

  test("within 2 s of its return both variants are connected with the same version", async () => {
    server = await startServer(directory, [], server.xds);
    const proxies = await waitFor("both in sync again", synced(server, 2), 2_000);
    assert.deepEqual(new Map(proxies.map((one) => [one.node.id, one.version])), before20s);
  });

  test("no resource was sent again", async () => {
    assert.deepEqual(await sentBy(server), { resources: 0, nacks: 0, acks: 0 });
    assert.deepEqual(await updates(), updatesBefore);
  });

  test("an edit after it reaches both", async () => {
    await replaceFile(join(directory, "mesh.yaml"), mesh.replace("timeout: 60s", "timeout: 59s"));
    await waitFor("the new version on both", async () => {
      const proxies = await synced(server, 2)();
      return proxies?.every((one) => one.version !== before20s.get(one.node.id));
    });
    const { resources } = await sentBy(server);
    assert.equal(resources, 2, "one route table for each");
  });
});

describe("a start with a folder in error", () => {
  test("ends with the errors, or serves the last good version when asked to", async () => {
    const opened: (() => Promise<unknown>)[] = [];
    try {
      const directory = await mkdtemp(join(tmpdir(), "sluice-last-good-"));
      opened.push(() => rm(directory, { recursive: true, force: true }));
      const config = join(directory, "config.d");
      const state = join(directory, "state");
      const mesh = await sampleMesh(opened);
      await mkdir(config);
      await writeFile(join(config, "mesh.yaml"), mesh);

      const first = await startServer(config, ["--state", state]);
      opened.push(() => first.kill());
      const snapshot = async (server: ServerProcess): Promise<Record<string, unknown>> =>
        (await (await fetch(`http://127.0.0.1:${server.http}/api/v1/snapshot`)).json()) as Record<
          string,
          unknown
        >;
      const { version } = await snapshot(first);
      await first.kill();

      await writeFile(join(config, "mesh.yaml"), mesh.replace("timeout: 60s", "timeuot: 60s"));
      await assert.rejects(startServer(config, ["--state", state]), /mesh\.yaml:\d+:5: error: .*timeuot/s);

      const second = await startServer(config, ["--state", state, "--last-good"]);
      opened.push(() => second.kill());
      const report = await snapshot(second);
      assert.deepEqual(
        [report.version, report.lastGood, report.fromState, report.errors],
        [version, true, true, 1],
      );
    } finally {
      for (const end of opened.reverse()) await end();
    }
  });
});
