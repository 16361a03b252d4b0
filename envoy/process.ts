// One Envoy as a child process: started with a configuration, asked through its admin port, stopped with us.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import type { EnvoyBinary } from "./find.ts";
import { killWithUs } from "./watchdog.ts";

export interface EnvoyProcess {
  pid: number;
  adminPort: number;
  /** The exit code; null when a signal ended it. */
  exited: Promise<number | null>;
  /** The body of an admin page; 503 is an answer too (`/ready` while it initialises), other errors reject. */
  admin(path: string, method?: "GET" | "POST"): Promise<string>;
  /** The port that a listener got, for those that ask the system for one. */
  listenerPort(name: string): Promise<number>;
  stop(): Promise<void>;
}

export interface StartOptions {
  binary: EnvoyBinary;
  /** A bootstrap as plain data, or the path of a file that holds one. It needs an admin address. */
  config: unknown;
  /** Worker threads. Default: one per core. */
  concurrency?: number;
  /** Each line of Envoy's standard output, where access logs go. */
  onOutput?: (line: string) => void;
  /** Each line that Envoy logs. */
  onLog?: (line: string) => void;
}

const pollMs = 20;
/** Envoy keeps access logs back for 10 s by default, or until 64 KiB are full. */
const accessLogFlushMs = 1_000;
const stopGraceMs = 5_000;
const lastLinesKept = 20;

/** Resolves when the admin port answers, which is before Envoy has its configuration: `/ready` tells that. */
export async function startEnvoy(options: StartOptions): Promise<EnvoyProcess> {
  const directory = await mkdtemp(join(tmpdir(), "sluice-envoy-"));
  try {
    return await startIn(directory, options);
  } catch (error) {
    await rm(directory, { recursive: true, force: true });
    throw error;
  }
}

async function startIn(directory: string, options: StartOptions): Promise<EnvoyProcess> {
  const { binary, config, concurrency, onOutput, onLog = () => {} } = options;
  const adminPath = join(directory, "admin");
  const configPath = typeof config === "string" ? config : join(directory, "envoy.json");
  if (typeof config !== "string") await writeFile(configPath, JSON.stringify(config));
  // Hot restart would need a base id that no other Envoy on the machine has.
  const args = ["--config-path", configPath, "--disable-hot-restart", "--admin-address-path", adminPath];
  args.push("--file-flush-interval-msec", String(accessLogFlushMs));
  if (concurrency !== undefined) args.push("--concurrency", String(concurrency));

  const child = spawn(binary.path, args, { stdio: ["ignore", "pipe", "pipe"], detached: true });
  const watchdog = killWithUs(child);
  const lastLines: string[] = [];
  if (onOutput === undefined) child.stdout.resume();
  else createInterface({ input: child.stdout }).on("line", onOutput);
  createInterface({ input: child.stderr }).on("line", (line) => {
    lastLines.push(line);
    if (lastLines.length > lastLinesKept) lastLines.shift();
    onLog(line);
  });
  const exited = ended(child).finally(async () => {
    watchdog.release();
    await rm(directory, { recursive: true, force: true });
  });
  const stop = () => stopChild(child, exited);

  const address = await waitForAdmin(adminPath, exited, lastLines).catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  const admin = (path: string, method?: "GET" | "POST") => askAdmin(address, path, method);
  return {
    pid: child.pid ?? 0,
    adminPort: Number(address.slice(address.lastIndexOf(":") + 1)),
    exited,
    admin,
    listenerPort: (name) => portOf(admin, name),
    stop,
  };
}

function ended(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
}

async function stopChild(child: ChildProcess, exited: Promise<unknown>): Promise<void> {
  child.kill("SIGTERM");
  const force = setTimeout(() => child.kill("SIGKILL"), stopGraceMs);
  await exited.catch(() => {});
  clearTimeout(force);
}

/** Envoy writes the file when the admin listener is bound; it may answer a moment later. */
async function waitForAdmin(path: string, exited: Promise<unknown>, lastLines: string[]): Promise<string> {
  let gone: string | undefined;
  exited.then(
    (code) => {
      gone = `Envoy ended at its start${code === null ? "" : ` with code ${code}`}`;
    },
    (error: unknown) => {
      gone = `Envoy could not be started: ${error instanceof Error ? error.message : String(error)}`;
    },
  );
  for (;;) {
    if (gone !== undefined) throw new Error([gone, ...complaints(lastLines)].join("\n  "));
    const address = (await readFile(path, "utf8").catch(() => "")).trim();
    if (address !== "" && (await answers(address))) return address;
    await delay(pollMs);
  }
}

/** The lines that say why, without their prefix; all when none is marked as an error. */
export function complaints(lines: readonly string[]): string[] {
  const serious = lines.filter((line) => /\]\[(critical|error)\]/.test(line));
  return (serious.length > 0 ? serious : lines).map((line) => line.replace(/^(\[[^\]]*\] ?)+/, ""));
}

const answers = (address: string): Promise<boolean> =>
  askAdmin(address, "/ready").then(
    () => true,
    () => false,
  );

async function askAdmin(address: string, path: string, method: "GET" | "POST" = "GET"): Promise<string> {
  const response = await fetch(`http://${address}${path}`, { method, headers: { connection: "close" } });
  const body = await response.text();
  if (!response.ok && response.status !== 503) {
    throw new Error(`Envoy's admin answered ${response.status} to ${method} ${path}: ${body.trim()}`);
  }
  return body;
}

interface ListenerStatus {
  name: string;
  local_address?: { socket_address?: { port_value?: number } };
}

async function portOf(admin: EnvoyProcess["admin"], name: string): Promise<number> {
  const { listener_statuses = [] } = JSON.parse(await admin("/listeners?format=json")) as {
    listener_statuses?: ListenerStatus[];
  };
  const port = listener_statuses.find((status) => status.name === name)?.local_address?.socket_address
    ?.port_value;
  if (port === undefined) {
    throw new Error(
      `no listener ${name}: there are ${listener_statuses.map((status) => status.name).join(", ")}`,
    );
  }
  return port;
}
