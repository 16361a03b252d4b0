// `up --sidecars`: an Envoy on both sides of a call, with the rules, policies and metrics of each.

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { projectRoot } from "../envoy/root.ts";
import { freePorts } from "../cli/up/free-ports.ts";
import { assertPrints, blocksOf, runCommand, stepsOf } from "./support/readme.ts";
import { waitFor } from "./support/wait.ts";

let directory = "";
let up: ChildProcess;
let output = "";
let edge = "";

before(async () => {
  directory = await mkdtemp(join(tmpdir(), "sluice-sidecars-"));
  await cp(join(projectRoot, "examples/sidecars"), directory, { recursive: true });
  const text = await readFile(join(directory, "mesh.yaml"), "utf8");
  const ports = await freePorts(3);
  const moved = text.replace(/\b1817([123])\b/g, (_, digit) => String(ports[Number(digit) - 1]));
  await writeFile(join(directory, "mesh.yaml"), moved);
  const any = ["--listen", "0", "--admin", "0", "--http", "0", "--xds", "0", "--concurrency", "1"];
  const args = [
    "--import",
    "tsx",
    "cli/main.ts",
    "up",
    "--config",
    directory,
    "--sidecars",
    "--sample-services",
    ...any,
  ];
  up = spawn(process.execPath, args, { cwd: projectRoot, stdio: ["ignore", "pipe", "pipe"] });
  for (const stream of [up.stdout, up.stderr])
    stream?.on("data", (data: Buffer) => (output += data.toString()));
  const ready = (): string | undefined => {
    if (up.exitCode !== null) throw new Error(`it ended with ${up.exitCode}:\n${output}`);
    return /^ready: http:\/\/(\S+)/m.exec(output)?.[1];
  };
  edge = await waitFor("the ready line", ready, 60_000);
});

after(async () => {
  if (up !== undefined && up.exitCode === null) {
    const ended = new Promise((resolve) => up.once("exit", resolve));
    up.kill("SIGTERM");
    await ended;
  }
  await rm(directory, { recursive: true, force: true });
});

interface Sidecar {
  node: string;
  admin: string;
  inbound: string;
  outbound: string;
}

const sidecars = (): Sidecar[] =>
  output
    .split("\n")
    .filter((line) => line.includes('"event":"sidecar"'))
    .map((line) => JSON.parse(line) as Sidecar);

const sidecarOf = (name: string): Sidecar => {
  const found = sidecars().find(({ node }) => node.startsWith(name));
  if (found === undefined) throw new Error(`no sidecar of ${name}`);
  return found;
};

/** Requests that a listener of a sidecar has finished. */
async function finished({ admin }: Sidecar, listener: string): Promise<number> {
  const name = `http\\.${listener.replaceAll(".", "\\.")}.*\\.downstream_rq_completed`;
  const text = await (await fetch(`http://${admin}/stats?filter=^${name}$`)).text();
  return Number(/: (\d+)/.exec(text)?.[1] ?? 0);
}

test("one for each sample service", () => {
  assert.deepEqual(
    sidecars()
      .map(({ node }) => node.replace(/:\d+$/, ""))
      .sort(),
    ["catalog-v1", "catalog-v2", "web"],
  );
});

test("one call is counted on both sides, and has one id", async () => {
  const [web, catalog] = [sidecarOf("web"), sidecarOf("catalog-v2")];
  const counts = async (): Promise<number[]> =>
    Promise.all([finished(web, "inbound_"), finished(web, "outbound"), finished(catalog, "inbound_")]);
  const earlier = await counts();
  const headers = { host: "web.shop.svc.cluster.local", "x-sample-call": "catalog.shop/books" };
  const { request } = await import("undici");
  const answer = (await (await request(`http://${edge}/`, { headers })).body.json()) as {
    headers: Record<string, string>;
    called: { answer: { version: string; headers: Record<string, string> } };
  };
  assert.equal(answer.called.answer.version, "v2");
  assert.equal(answer.called.answer.headers["x-request-id"], answer.headers["x-request-id"]);
  const one = async (): Promise<boolean> => {
    const now = await counts();
    return now.every((count, i) => count === (earlier[i] ?? 0) + 1);
  };
  await waitFor("one more request at each of the three listeners", one);
});

test("examples/sidecars does what its README says", async () => {
  const readme = await readFile(join(projectRoot, "examples/sidecars/README.md"), "utf8");
  let commands = 0;
  for (const block of blocksOf(readme).filter(({ language }) => language === "console")) {
    for (const step of stepsOf(block)) {
      assertPrints(await runCommand(step.command.replaceAll("127.0.0.1:10000", edge), 30_000), step);
      commands++;
    }
  }
  assert.equal(commands, 3);
});
