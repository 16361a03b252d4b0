// envoy/tour.yaml, stop by stop, in a real Envoy; only its ports are exchanged for free ones. And what `sluice
// render --target envoy` writes from a folder, served with no server.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { Agent } from "undici";
import { parse } from "yaml";
import { findEnvoy } from "../envoy/find.ts";
import { type EnvoyProcess, startEnvoy } from "../envoy/process.ts";
import { projectRoot } from "../envoy/root.ts";
import { loadModules } from "../server/policy/modules.ts";
import { renderEnvoy } from "../server/render/envoy/render.ts";
import { loadFolder } from "../server/source/load.ts";
import { type EchoService, startEcho } from "./support/echo.ts";
import { waitFor } from "./support/wait.ts";

const run = promisify(execFile);

describe("envoy/tour.yaml", () => {
  const services: EchoService[] = [];
  const agent = new Agent();
  let envoy: EnvoyProcess;
  let port = 0;

  before(async () => {
    for (const version of ["v1", "v2", "v3"]) services.push(await startEcho(version));
    const text = (await readFile(join(projectRoot, "envoy", "tour.yaml"), "utf8"))
      .replace("port_value: 15000", "port_value: 0")
      .replace("port_value: 10000", "port_value: 0")
      .replace(/port_value: 1808([123])/g, (_, digit) => `port_value: ${services[Number(digit) - 1]?.port}`)
      .replaceAll("build/filters/", join(projectRoot, "build/filters/"));
    envoy = await startEnvoy({ binary: await findEnvoy(), config: parse(text), concurrency: 1 });
    await waitFor("Envoy is ready", async () => (await envoy.admin("/ready")).startsWith("LIVE"), 30_000);
    port = await envoy.listenerPort("main");
  });
  after(async () => {
    await agent.close();
    await envoy?.stop();
    for (const service of services) await service.close();
  });

  const get = async (path: string, headers: Record<string, string> = {}, body?: string) => {
    const began = performance.now();
    const method = body === undefined ? "GET" : "POST";
    const answer = await agent.request({
      origin: `http://127.0.0.1:${port}`,
      path,
      method,
      headers,
      body: body ?? null,
    });
    const text = await answer.body.text();
    return { status: answer.statusCode, headers: answer.headers, text, tookMs: performance.now() - began };
  };
  const versionFor = async (headers: Record<string, string>) =>
    (JSON.parse((await get("/search", headers)).text) as { version: string }).version;

  test("stop 1: the fourth request of a user in a minute is refused", async () => {
    const statuses = [];
    for (let i = 0; i < 4; i++) statuses.push((await get("/limited", { uid: "ann" })).status);
    assert.deepEqual(statuses, [200, 200, 200, 429]);
    assert.ok((await get("/limited", { uid: "ann" })).headers["retry-after"] !== undefined);
  });

  test("stop 2: insiders see v3, everybody else stays where they are, and nobody steers", async () => {
    assert.equal(await versionFor({ uid: "0" }), "v3");
    const first = await versionFor({ uid: "17" });
    for (let i = 0; i < 3; i++) assert.equal(await versionFor({ uid: "17" }), first);
    assert.equal(await versionFor({ "x-sluice-destination": "search/v3" }), "v1");
  });

  test("stop 3: an abort, a delay and a slow body for those who ask", async () => {
    const down = await get("/search", { "x-try": "down" });
    assert.deepEqual([down.status, down.text], [503, "search is down\n"]);
    const late = await get("/search", { "x-try": "late" });
    assert.ok(late.status === 200 && late.tookMs >= 290, `${late.status} after ${late.tookMs} ms`);
    // The service echoes the 2 KiB, which take more than a second at 1 KiB/s.
    const thin = await get("/search", { "x-try": "thin" }, "x".repeat(2_048));
    assert.ok(thin.status === 200 && thin.tookMs > 1_000, `${thin.status} after ${thin.tookMs} ms`);
    assert.doesNotMatch(thin.text, /x-envoy-fault/);
  });

  test("stop 4: metrics by tenant, and of what every filter did", async () => {
    await get("/search", { "x-tenant": "gold" });
    const lines = [
      /^sluice_requests_total\{.*route="search",response_code="200",.*tenant="gold".*\} 1$/m,
      /^sluice_rate_limit_decisions_total\{policy="demo\/limit",limit="per-user",decision="limited"\} \d+$/m,
      /^sluice_route_choices_total\{policy="demo\/search",rule="insiders",destination="v3"\} 1$/m,
      /^sluice_faults_total\{policy="demo\/faults",fault="down",type="abort"\} 1$/m,
    ];
    const page = () => envoy.admin("/stats/prometheus");
    for (const line of lines) await waitFor(String(line), async () => line.test(await page()));
  });
});

describe("render --target envoy", () => {
  const examples = join(projectRoot, "examples");

  test("takes every example, and asks nobody for anything", async () => {
    const modules = loadModules(join(projectRoot, "build/filters"));
    const any = { host: "127.0.0.1", port: 0 };
    const options = { listen: any, admin: any, envoyVersion: "1.40", moduleFolder: "/filters" };
    const folders = (await readdir(examples, { withFileTypes: true })).filter((entry) => entry.isDirectory());
    assert.ok(folders.length >= 6);
    for (const { name } of folders) {
      if (name === "ingress-tls") continue; // its certificates are made by the reader
      const { resources } = await loadFolder(join(examples, name));
      const { files, diagnostics } = renderEnvoy({ directory: name, resources, modules }, options);
      const errors = diagnostics.filter(({ severity }) => severity === "error");
      assert.deepEqual(errors, [], name);
      const text = files[0]?.text ?? "";
      assert.doesNotMatch(
        text,
        /\b(ads|rds|eds_cluster_config|config_discovery|dynamic_resources|sds_config):/,
        name,
      );
    }
  });

  test("what the command writes is accepted by Envoy", async () => {
    const directory = await mkdtemp(join(tmpdir(), "sluice-render-"));
    try {
      const main = join(projectRoot, "cli/main.ts");
      const args = [
        "render",
        "--config",
        join(examples, "fault-injection"),
        "--target",
        "envoy",
        "--out",
        directory,
      ];
      await run(process.execPath, ["--import", "tsx", main, ...args], { cwd: projectRoot });
      const file = join(directory, "envoy.yaml");
      const { stdout, stderr } = await run((await findEnvoy()).path, ["--mode", "validate", "-c", file]);
      assert.match(stdout + stderr, /OK/);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });
});
