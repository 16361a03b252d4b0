// `npm start` as a user has it: from the command to the answer of a sample service, and nothing left behind
// however it ends.

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { request } from "undici";
import { projectRoot } from "../envoy/root.ts";
import { freePorts } from "../cli/up/free-ports.ts";
import { waitFor } from "./support/wait.ts";

const anyPorts = ["--listen", "0", "--admin", "0", "--http", "0", "--xds", "0", "--concurrency", "1"];
const startLimitMs = 60_000;

let mesh = "";
before(async () => {
  mesh = await mkdtemp(join(tmpdir(), "sluice-start-"));
  await cp(join(projectRoot, "examples", "ficool"), mesh, { recursive: true });
  const ports = await freePorts(3);
  const text = await readFile(join(mesh, "mesh.yaml"), "utf8");
  const moved = text.replace(/\b1808([123])\b/g, (_, digit) => String(ports[Number(digit) - 1]));
  await writeFile(join(mesh, "mesh.yaml"), moved);
});
after(async () => {
  await rm(mesh, { recursive: true });
  await rm(`${mesh}.log`, { force: true });
});

interface Started {
  child: ChildProcess;
  output(): string;
  exited: Promise<number | null>;
}

/** A mark in the environment is inherited by all that is started, so that all of it can be found. */
function start(mark: string, command: string[]): Started {
  const [file = "", ...args] = command;
  const env = { ...process.env, SLUICE_TEST_MARK: mark };
  const child = spawn(file, args, { cwd: projectRoot, env, stdio: ["pipe", "pipe", "pipe"], detached: true });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (data: Buffer) => {
      output += data.toString();
    });
  }
  const exited = new Promise<number | null>((resolve) => child.once("exit", resolve));
  return { child, output: () => output, exited };
}

const npmStart = (...options: string[]) => ["npm", "start", "--silent", "--", ...options];
const sampleMesh = () => npmStart("--config", mesh, "--sample-services", ...anyPorts);

async function untilReady({ output, exited }: Started): Promise<string> {
  let code: number | null | undefined;
  void exited.then((value) => {
    code = value;
  });
  const ready = () => {
    if (code !== undefined) throw new Error(`it ended with ${code}:\n${output()}`);
    return /^ready: (http:\S+)/m.exec(output())?.[1];
  };
  return waitFor("the ready line", ready, startLimitMs);
}

/** Process ids, by the mark in their environment. */
function processesOf(mark: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, "latin1")
          .split("\0")
          .includes(`SLUICE_TEST_MARK=${mark}`);
      } catch {
        return false;
      }
    })
    .map(Number);
}

const nothingIsLeft = (mark: string) =>
  waitFor("the end of all processes", () => processesOf(mark).length === 0);

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "latin1");
  } catch {
    return ""; // gone meanwhile
  }
}

const isEnvoy = (pid: number): boolean => commandOf(pid).includes("--admin-address-path");

function pidOf({ child }: Started): number {
  assert.ok(child.pid !== undefined);
  return child.pid;
}

const host = "go-search-service.ficool.svc.cluster.local";

async function versionFor(url: string, headers: Record<string, string> = {}): Promise<string> {
  const { statusCode, body } = await request(url, { headers: { ...headers, host }, reset: true });
  const text = await body.text();
  assert.equal(statusCode, 200, text);
  return (JSON.parse(text) as { version: string }).version;
}

/** The process that is config server and parent of Envoy. */
function serverOf(mark: string): number {
  const isServer = (pid: number) => /^\S*node\0scripts\/start\.mjs\0/.test(commandOf(pid));
  const pid = processesOf(mark).find(isServer);
  assert.ok(pid !== undefined, "the server's process is not there");
  return pid;
}

test("it serves as soon as it says so, and SIGTERM ends all of it", { timeout: 120_000 }, async () => {
  const started = start("sigterm", sampleMesh());
  const url = await untilReady(started);
  assert.equal(await versionFor(url, { uid: "0" }), "v3");
  const others = new Set<string>();
  await waitFor("both v1 and v2", async () => others.add(await versionFor(url)).size === 2);
  assert.deepEqual([...others].sort(), ["v1", "v2"]);
  assert.ok(processesOf("sigterm").some(isEnvoy));

  // Envoy itself would bind to the same port without a word.
  const second = start("second", npmStart("--config", mesh, ...anyPorts, "--listen", new URL(url).port));
  assert.equal(await second.exited, 2);
  assert.match(second.output(), /port \d+ on 127\.0\.0\.1 is taken; choose another one with --listen/);

  started.child.kill("SIGTERM");
  await nothingIsLeft("sigterm");
});

test("Ctrl-C, a signal to the whole process group, ends all of it", { timeout: 120_000 }, async () => {
  const started = start("sigint", sampleMesh());
  await untilReady(started);
  process.kill(-pidOf(started), "SIGINT");
  await nothingIsLeft("sigint");
});

for (const { name, victim, command } of [
  { name: "the server", victim: (_: Started, mark: string) => serverOf(mark), command: sampleMesh },
  { name: "npm", victim: pidOf, command: sampleMesh },
  {
    name: "the script that called npm",
    victim: pidOf,
    command: () => ["bash", "-c", '"$@"; exit', "script", ...sampleMesh()],
  },
]) {
  test(`kill -9 of ${name} leaves nothing behind`, { timeout: 120_000 }, async () => {
    const mark = `kill ${name}`;
    const started = start(mark, command());
    await untilReady(started);
    process.kill(victim(started, mark), "SIGKILL");
    await nothingIsLeft(mark);
  });
}

test("in the background of a script it outlives the script", { timeout: 120_000 }, async () => {
  const mark = "background";
  const log = `${mesh}.log`;
  const script = `"$@" > ${log} 2>&1 &`;
  const started = start(mark, ["bash", "-c", script, "script", ...sampleMesh()]);
  assert.equal(await started.exited, 0);
  const logged = () => readFile(log, "utf8").catch(() => ""); // the script ends before its shell opens it
  const readyIn = async () => /^ready: (http:\S+)/m.exec(await logged())?.[1];
  const url = await waitFor("the ready line", readyIn, startLimitMs);
  assert.equal(await versionFor(url, { uid: "0" }), "v3");
  process.kill(serverOf(mark), "SIGTERM");
  await nothingIsLeft(mark);
  assert.match(await logged(), /"cause":"SIGTERM"/);
});

test("a taken port is named, with its option", { timeout: 120_000 }, async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
  const { port } = taken.address() as { port: number };
  try {
    for (const option of ["--listen", "--admin", "--http", "--xds"]) {
      const started = start("taken", npmStart("--config", mesh, ...anyPorts, option, String(port)));
      assert.equal(await started.exited, 2, started.output());
      assert.ok(started.output().includes(`port ${port} on 127.0.0.1 is taken`), started.output());
      assert.ok(started.output().includes(option), started.output());
    }
  } finally {
    taken.close();
  }
  await nothingIsLeft("taken");
});

test(
  "a configuration in error at the start: where and what, and exit code 1",
  { timeout: 60_000 },
  async () => {
    const broken = await mkdtemp(join(tmpdir(), "sluice-start-"));
    try {
      const text = await readFile(join(mesh, "mesh.yaml"), "utf8");
      await writeFile(join(broken, "mesh.yaml"), text.replace("timeout: 60s", "timeuot: 60s"));
      const started = start("broken", npmStart("--config", broken, ...anyPorts));
      assert.equal(await started.exited, 1, started.output());
      assert.match(started.output(), /mesh\.yaml:\d+:\d+: .*timeuot/);
    } finally {
      await rm(broken, { recursive: true });
    }
    await nothingIsLeft("broken");
  },
);

test("an Envoy that is not there is an error with a remedy", { timeout: 60_000 }, async () => {
  const started = start("no envoy", [
    "env",
    "SLUICE_ENVOY=/nonexistent",
    ...npmStart("--config", mesh, ...anyPorts),
  ]);
  assert.equal(await started.exited, 2, started.output());
  assert.match(started.output(), /SLUICE_ENVOY names \/nonexistent, which does not run.*Set SLUICE_ENVOY/);
});
