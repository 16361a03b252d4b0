// compose.yaml on a real Docker engine, as `npm run test:compose` provides it: every scenario of the README through
// the published ports, an edit on the host, each part killed, all restarted, and nothing left in the end.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { projectRoot } from "../../envoy/root.ts";
import type { ProxiesReport } from "../../server/http/proxies.ts";
import { freePorts } from "../../cli/up/free-ports.ts";
import { assertPrints, blocksOf, commandsOf, runCommand, stepsOf } from "../support/readme.ts";
import { waitFor } from "../support/wait.ts";

const run = promisify(execFile);
const upMs = 120_000;
const leftOut = (process.env.SLUICE_LEFT_OUT ?? "").split(",").filter((name) => name !== "");
const here = (name: string): boolean => !leftOut.includes(name);

describe("docker compose", () => {
  let examples = "";
  let ports: Record<
    "SLUICE_PORT" | "SLUICE_HTTP_PORT" | "SLUICE_ADMIN_PORT" | "PROMETHEUS_PORT" | "GRAFANA_PORT",
    number
  >;

  before(async () => {
    examples = join(await mkdtemp(join(tmpdir(), "sluice-compose-")), "examples");
    await cp(join(projectRoot, "examples"), examples, { recursive: true });
    const [mesh = 0, http = 0, admin = 0, prometheus = 0, grafana = 0] = await freePorts(5);
    ports = {
      SLUICE_PORT: mesh,
      SLUICE_HTTP_PORT: http,
      SLUICE_ADMIN_PORT: admin,
      PROMETHEUS_PORT: prometheus,
      GRAFANA_PORT: grafana,
    };
  });
  after(async () => {
    await compose("ficool", "--profile", "*", "down", "--volumes", "--rmi", "local").catch(() => {});
    await rm(join(examples, ".."), { recursive: true, force: true });
  });

  /** `docker compose` with this folder of examples as the mesh. */
  async function compose(folder: string, ...args: string[]): Promise<string> {
    const numbers = Object.fromEntries(Object.entries(ports).map(([name, port]) => [name, String(port)]));
    const env = { ...process.env, ...numbers, SLUICE_CONFIG: join(examples, folder) };
    const { stdout } = await run("docker", ["compose", ...args], {
      cwd: projectRoot,
      env,
      maxBuffer: 2 ** 26,
    });
    return stdout;
  }
  const up = (folder: string, ...more: string[]) =>
    compose(folder, ...more, "up", "--build", "--wait", "--detach");

  const url = (port: keyof typeof ports, path: string) => `http://127.0.0.1:${ports[port]}${path}`;
  const status = async (headers: Record<string, string> = {}): Promise<number> => {
    const answer = await runCommand(
      `curl -s -o /dev/null -w '%{http_code}' -H 'Host: go-search-service' ${Object.entries(headers)
        .map(([name, value]) => `-H '${name}: ${value}'`)
        .join(" ")} ${url("SLUICE_PORT", "/")}`,
      10_000,
    );
    return Number(answer);
  };
  const serves = async (): Promise<boolean> => (await status()) === 200;
  const synced = async (): Promise<boolean> => {
    const answer = await fetch(url("SLUICE_HTTP_PORT", "/api/v1/proxies")).catch(() => undefined);
    if (answer === undefined) return false;
    const { proxies } = (await answer.json()) as ProxiesReport;
    return proxies.length === 1 && proxies.every(({ state }) => state === "synced");
  };
  const containers = async (): Promise<Container[]> => {
    const ids = (await compose("ficool", "ps", "--all", "--quiet")).trim().split("\n").filter(Boolean);
    if (ids.length === 0) return [];
    const { stdout } = await run("docker", ["inspect", ...ids]);
    return JSON.parse(stdout) as Container[];
  };
  const container = async (service: string): Promise<Container> => {
    const found = (await containers()).find((one) => serviceOf(one) === service);
    assert.ok(found !== undefined, `no container ${service}`);
    return found;
  };

  test("`up --build --wait` brings everything, healthy, and Envoy serves", async () => {
    await up("ficool");
    const running = Object.fromEntries(
      (await containers()).map((one) => [serviceOf(one), one.State.Health?.Status ?? one.State.Status]),
    );
    assert.deepEqual(running, {
      pod: "running",
      server: "healthy",
      samples: "healthy",
      envoy: "healthy",
      prometheus: "healthy",
      ...(here("grafana") ? { grafana: "healthy" } : {}),
    });
    assert.equal(await status(), 200);
  });

  test("nothing runs as root, can write to its image, or gains a capability", async () => {
    for (const one of await containers()) {
      const name = serviceOf(one);
      const id = (await compose("ficool", "exec", "-T", name, "id", "-u")).trim();
      assert.notEqual(id, "0", name);
      assert.equal(one.HostConfig.ReadonlyRootfs, true, name);
      assert.deepEqual(one.HostConfig.CapDrop, ["ALL"], name);
      assert.deepEqual(one.HostConfig.SecurityOpt, ["no-new-privileges:true"], name);
      for (const bindings of Object.values(one.HostConfig.PortBindings ?? {}))
        for (const { HostIp } of bindings) assert.equal(HostIp, "127.0.0.1", name);
    }
  });

  test("the README's scenarios print what it says", { timeout: 600_000 }, async () => {
    const translate = (command: string) =>
      command
        .replaceAll("127.0.0.1:10000", `127.0.0.1:${ports.SLUICE_PORT}`)
        .replaceAll("127.0.0.1:15000", `127.0.0.1:${ports.SLUICE_ADMIN_PORT}`)
        .replaceAll("127.0.0.1:8080", `127.0.0.1:${ports.SLUICE_HTTP_PORT}`)
        .replace(/\bsluice status\b/, `sluice status --server ${url("SLUICE_HTTP_PORT", "")}`);
    let commands = 0;
    for (const block of blocksOf(await readFile(join(projectRoot, "README.md"), "utf8"))) {
      if (block.language === "sh") {
        for (const command of commandsOf(block)) {
          const folder = /^npm start -- --config examples\/(\S+)$/.exec(command)?.[1];
          if (folder === undefined) continue; // the same without Docker: tests/readme.test.ts
          await up(folder);
          await waitFor(`Envoy has ${folder}`, synced, upMs);
        }
      } else if (block.language === "console") {
        for (const step of stepsOf(block)) {
          assertPrints(await runCommand(translate(step.command), 60_000), step);
          commands += 1;
        }
      }
    }
    assert.ok(commands >= 15, `only ${commands} commands found`);
  });

  test("an edit on the host takes effect", async () => {
    await up("rate-limit");
    await waitFor("Envoy has the folder", synced, upMs);
    const file = join(examples, "rate-limit", "policy.yaml");
    const policy = await readFile(file, "utf8");
    assert.match(policy, /^ +requests: 3$/m);
    assert.equal(await status({ uid: "edit-1" }), 200);
    await writeFile(file, policy.replace(/requests: 3$/m, "requests: 1"));
    // Each user's second request is refused under the new limit and passed under the old.
    let user = 1;
    await waitFor("the new limit", async () => {
      user += 1;
      await status({ uid: `edit-${user}` });
      return (await status({ uid: `edit-${user}` })) === 429;
    });

    await writeFile(file, policy.replace("requests: 3", "requestz: 3"));
    const snapshot = async () =>
      (await (await fetch(url("SLUICE_HTTP_PORT", "/api/v1/snapshot"))).json()) as { errors: number };
    await waitFor("the mistake is told", async () => (await snapshot()).errors > 0);
    assert.equal(await status({ uid: "edit-1" }), 429, "the last good configuration serves");
    await writeFile(file, policy);
    await waitFor("the mistake is gone", async () => (await snapshot()).errors === 0);
  });

  /** As a crash would end it, where its processes are ours to kill; else the engine ends it, and starts it again. */
  async function kill(service: string, meanwhile: () => Promise<void> = async () => {}): Promise<void> {
    const { State, RestartCount } = await container(service);
    try {
      process.kill(State.Pid, "SIGKILL");
      await meanwhile();
      await waitFor(
        `${service} is started again`,
        async () => (await container(service)).RestartCount > RestartCount,
        upMs,
      );
    } catch (error) {
      if (!["ESRCH", "EPERM"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
      await compose("rate-limit", "kill", service);
      await meanwhile();
      await compose("rate-limit", "start", service);
    }
    await waitFor(
      `${service} is healthy`,
      async () => (await container(service)).State.Health?.Status === "healthy",
      upMs,
    );
  }

  test("Envoy serves while the server is killed and comes back", async () => {
    await kill("server", async () => {
      for (let i = 0; i < 20; i++) assert.equal(await status({ uid: `away-${i}` }), 200);
    });
    await waitFor("Envoy is connected again", synced, upMs);
    assert.equal(await serves(), true);
  });

  test("a killed Envoy comes back with its configuration", async () => {
    await kill("envoy");
    await waitFor("Envoy is connected again", synced, upMs);
    const user = { uid: "after-envoy" };
    const answers = [];
    for (let i = 0; i < 4; i++) answers.push(await status(user));
    assert.deepEqual(answers, [200, 200, 200, 429]);
  });

  test("after a restart of everything the same is served", async () => {
    await compose("rate-limit", "restart");
    await up("rate-limit");
    await waitFor("Envoy is connected again", synced, upMs);
    const answers = [];
    for (let i = 0; i < 4; i++) answers.push(await status({ uid: "after-restart" }));
    assert.deepEqual(answers, [200, 200, 200, 429]);
  });

  test("Prometheus scrapes Envoy and the server, with the alerts' rules loaded", async () => {
    type Targets = { data: { activeTargets: { labels: { job: string }; health: string }[] } };
    await waitFor(
      "both targets are up",
      async () => {
        const answer = await fetch(url("PROMETHEUS_PORT", "/api/v1/targets"));
        const { data } = (await answer.json()) as Targets;
        const jobs = data.activeTargets
          .filter(({ health }) => health === "up")
          .map(({ labels }) => labels.job);
        return jobs.includes("sluice-envoy") && jobs.includes("sluice-server");
      },
      upMs,
    );
    const { data } = (await (await fetch(url("PROMETHEUS_PORT", "/api/v1/rules"))).json()) as {
      data: { groups: unknown[] };
    };
    assert.ok(data.groups.length > 0);
  });

  test(
    "Grafana has the dashboard and its source",
    { skip: here("grafana") ? false : "no image" },
    async () => {
      const dashboard = await fetch(url("GRAFANA_PORT", "/api/dashboards/uid/sluice"));
      assert.equal(dashboard.status, 200);
    },
  );

  test("the profile `global` adds Redis", { skip: here("redis") ? false : "no image" }, async () => {
    await up("rate-limit", "--profile", "global");
    const pong = await compose("rate-limit", "exec", "-T", "redis", "redis-cli", "-h", "127.0.0.1", "ping");
    assert.equal(pong.trim(), "PONG");
  });

  test("`down` leaves no container, network or volume", async () => {
    await compose("rate-limit", "--profile", "global", "down");
    const label = `label=com.docker.compose.project=${process.env.COMPOSE_PROJECT_NAME}`;
    const left = async (...list: string[]) =>
      (await run("docker", [...list, "--filter", label])).stdout.trim();
    assert.equal(await left("ps", "--all", "--quiet"), "");
    assert.equal(await left("network", "ls", "--quiet"), "");
    assert.equal(await left("volume", "ls", "--quiet"), "");
  });
});

interface Container {
  Config: { Labels: Record<string, string> };
  HostConfig: {
    ReadonlyRootfs: boolean;
    CapDrop: string[];
    SecurityOpt: string[];
    PortBindings: Record<string, { HostIp: string }[]> | null;
  };
  RestartCount: number;
  State: { Pid: number; Status: string; Health?: { Status: string } };
}

const serviceOf = ({ Config }: Container): string => Config.Labels["com.docker.compose.service"] ?? "";
