// A real Prometheus with the configuration of deploy/prometheus, but for its targets and its pace.

import { spawn, spawnSync } from "node:child_process";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { projectRoot } from "../../envoy/root.ts";
import { killWithUs } from "../../envoy/watchdog.ts";
import { findPrometheus } from "../../scripts/prometheus.mjs";
import { freePorts } from "../../cli/up/free-ports.ts";
import { waitFor } from "./wait.ts";

export const deployed = join(projectRoot, "deploy", "prometheus");

export interface Result {
  metric: Record<string, string>;
  value: [time: number, value: string];
}

export interface PrometheusServer {
  /** Rejects where Prometheus refuses the expression. */
  query(expr: string): Promise<Result[]>;
  api(path: string): Promise<unknown>;
  close(): Promise<void>;
}

export function programs(): string {
  const directory = findPrometheus();
  if (directory !== undefined) return directory;
  throw new Error(
    "Prometheus is missing: put prometheus and promtool on PATH (Debian and Ubuntu: apt-get install prometheus), or name their directory in SLUICE_PROMETHEUS",
  );
}

/** Runs promtool in deploy/prometheus. */
export function promtool(...args: string[]): { ok: boolean; output: string } {
  const { status, stdout, stderr } = spawnSync(join(programs(), "promtool"), args, {
    cwd: deployed,
    encoding: "utf8",
  });
  return { ok: status === 0, output: `${stdout}${stderr}` };
}

export async function startPrometheus(targets: { envoy: number; server: number }): Promise<PrometheusServer> {
  const directory = await mkdtemp(join(tmpdir(), "sluice-prometheus-"));
  await cp(deployed, directory, { recursive: true });
  const written = await readFile(join(deployed, "prometheus.yml"), "utf8");
  const config = written
    .replace("127.0.0.1:15000", `127.0.0.1:${targets.envoy}`)
    .replace("127.0.0.1:8080", `127.0.0.1:${targets.server}`)
    .replaceAll("interval: 15s", "interval: 1s");
  await writeFile(join(directory, "prometheus.yml"), config);
  const [port] = await freePorts(1);
  const args = [
    `--config.file=${join(directory, "prometheus.yml")}`,
    `--storage.tsdb.path=${join(directory, "data")}`,
    `--web.listen-address=127.0.0.1:${port}`,
  ];
  const child = spawn(join(programs(), "prometheus"), args, {
    stdio: ["ignore", "ignore", "pipe"],
    detached: true,
  });
  const watchdog = killWithUs(child);
  let log = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    log = `${log}${text}`.slice(-4000);
  });
  const exited = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const close = async (): Promise<void> => {
    child.kill("SIGTERM");
    await exited;
    watchdog.release();
    await rm(directory, { recursive: true, force: true });
  };
  const api = async (path: string): Promise<unknown> => {
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/${path}`);
    const answer = (await response.json()) as { status: string; error?: string; data: unknown };
    if (answer.status !== "success") throw new Error(`${path}: ${answer.error}`);
    return answer.data;
  };
  await waitFor(
    "Prometheus is ready",
    () => {
      if (child.exitCode !== null) throw new Error(`Prometheus ended:\n${log}`);
      return fetch(`http://127.0.0.1:${port}/-/ready`).then(
        (response) => response.ok,
        () => false,
      );
    },
    30_000,
  );
  return {
    api,
    query: async (expr) =>
      ((await api(`query?query=${encodeURIComponent(expr)}`)) as { result: Result[] }).result,
    close,
  };
}
