// envoy/minimal.yaml as it stands in the repository, in a real Envoy: only its ports are exchanged for free ones.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { Agent } from "undici";
import { parse } from "yaml";
import { type EnvoyBinary, findEnvoy } from "../envoy/find.ts";
import { type EnvoyProcess, startEnvoy } from "../envoy/process.ts";
import { projectRoot } from "../envoy/root.ts";
import { type Echo, type EchoService, startEcho } from "./support/echo.ts";
import { waitFor } from "./support/wait.ts";

const file = join(projectRoot, "envoy", "minimal.yaml");
const module = "build/filters/header_routing.wasm";

describe("envoy/minimal.yaml", () => {
  let binary: EnvoyBinary;
  let envoy: EnvoyProcess;
  let port = 0;
  const services: EchoService[] = [];
  const agent = new Agent();

  before(async () => {
    binary = await findEnvoy();
    for (const version of ["v1", "v2", "v3"]) services.push(await startEcho(version));
    envoy = await startEnvoy({ binary, config: await withFreePorts(services), concurrency: 1 });
    await waitFor("Envoy is ready", async () => (await envoy.admin("/ready")).startsWith("LIVE"));
    port = await envoy.listenerPort("main");
  });
  after(async () => {
    await agent.close();
    await envoy?.stop();
    for (const service of services) await service.close();
  });

  const get = async (headers: string[]): Promise<{ echo: Echo; rule: unknown }> => {
    const origin = `http://127.0.0.1:${port}`;
    const answer = await agent.request({ origin, path: "/", method: "GET", headers });
    assert.equal(answer.statusCode, 200);
    return { echo: (await answer.body.json()) as Echo, rule: answer.headers["x-rule"] };
  };
  const version = async (...headers: string[]) => (await get(headers)).echo.version;

  test("envoy --mode validate accepts it", async () => {
    await promisify(execFile)(binary.path, ["--mode", "validate", "-c", file], { cwd: projectRoot });
  });

  test("insiders reach v3, and the service does not see the steering header", async () => {
    const { echo } = await get(["uid", "0"]);
    assert.equal(echo.version, "v3");
    assert.deepEqual(
      echo.headers.filter(([name]) => name === "x-sluice-destination"),
      [],
    );
  });

  test("a user stays on one version, and users are on both", async () => {
    const seen = new Map<string, number>();
    for (let uid = 1; uid <= 40; uid++) {
      const first = await version("uid", String(uid));
      for (let i = 0; i < 3; i++) assert.equal(await version("uid", String(uid)), first, `user ${uid}`);
      seen.set(first, (seen.get(first) ?? 0) + 1);
    }
    assert.deepEqual([...seen.keys()].sort(), ["v1", "v2"]);
    assert.equal((await get(["uid", "7"])).rule, "canary");
  });

  test("without a user the base route decides, whatever a client forges", async () => {
    for (let i = 0; i < 20; i++) {
      assert.notEqual(await version("X-Sluice-Destination", "search/v3"), "v3");
      assert.notEqual(
        await version("x-sluice-destination", "search/v3", "x-sluice-destination", "search/v3"),
        "v3",
      );
    }
    assert.equal((await get([])).rule, undefined);
  });

  test("choices are counted with labels", async () => {
    await version("uid", "0");
    const page = await envoy.admin("/stats/prometheus");
    assert.match(
      page,
      /^sluice_route_choices_total\{policy="demo\/search",rule="insiders",destination="v3"\} \d+$/m,
    );
  });
});

/** The file's configuration with free ports, the services' ports, and the module's path from anywhere. */
async function withFreePorts(services: readonly EchoService[]): Promise<unknown> {
  const text = (await readFile(file, "utf8"))
    .replace("port_value: 15000", "port_value: 0")
    .replace("port_value: 10000", "port_value: 0")
    .replace(/port_value: 1808([123])/g, (_, digit) => `port_value: ${services[Number(digit) - 1]?.port}`)
    .replace(module, join(projectRoot, module));
  return parse(text);
}
