// Every command of the README is run as a reader would run it, and prints what the README says.
//
// `console` blocks hold `$ command` lines, each followed by the output expected; `...` stands for any
// text. A `sh` block with `npm start` (re)starts the mesh with its options. Ports are replaced by free
// ones and the examples by a copy whose services listen on free ports, so that suites run side by side.

import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { projectRoot } from "../envoy/root.ts";
import { freePorts } from "../cli/up/free-ports.ts";
import { assertPrints, blocksOf, commandsOf, runCommand, stepsOf } from "./support/readme.ts";

/** Commands that the suite shows elsewhere, with the place. */
const shownElsewhere = new Map([
  ["npm test", "it is what runs this test"],
  ["npm start -- --config my-mesh", "tests/start.test.ts"],
  ["npx sluice serve --config my-mesh", "tests/live.test.ts"],
  ["docker compose up --build --wait", "npm run test:compose"],
]);

async function startMesh(options: string[]): Promise<ChildProcess> {
  const child = spawn(process.execPath, ["bin/sluice.mjs", "up", ...options], { cwd: projectRoot });
  let output = "";
  await new Promise<void>((resolve, reject) => {
    const collect = (data: Buffer) => {
      output += data.toString();
      if (/^ready: /m.test(output)) resolve();
    };
    child.stdout.on("data", collect);
    child.stderr.on("data", collect);
    child.on("exit", (code) => reject(new Error(`npm start ended with ${code}:\n${output}`)));
  });
  return child;
}

async function stop(child: ChildProcess | undefined): Promise<void> {
  if (child === undefined || child.exitCode !== null) return;
  const exited = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  await exited;
}

let mesh: ChildProcess | undefined;
let examples = "";
after(async () => {
  await stop(mesh);
  if (examples !== "") await rm(examples, { recursive: true });
});

async function copyExamples(servicePorts: number[]): Promise<string> {
  const copy = await mkdtemp(join(tmpdir(), "sluice-readme-"));
  await cp(join(projectRoot, "examples"), copy, { recursive: true });
  for (const file of await readdir(copy, { recursive: true })) {
    if (!file.endsWith("mesh.yaml")) continue;
    const text = await readFile(join(copy, file), "utf8");
    await writeFile(
      join(copy, file),
      text.replace(/\b1808([123])\b/g, (_, digit: string) => String(servicePorts[Number(digit) - 1])),
    );
  }
  return copy;
}

test("every command of README.md prints what it says", { timeout: 240_000 }, async () => {
  const [listen = 0, admin = 0, http = 0, xds = 0, ...servicePorts] = await freePorts(7);
  examples = await copyExamples(servicePorts);
  const translate = (command: string) =>
    command
      .replaceAll("127.0.0.1:10000", `127.0.0.1:${listen}`)
      .replaceAll("127.0.0.1:15000", `127.0.0.1:${admin}`)
      .replaceAll("127.0.0.1:18000", `127.0.0.1:${xds}`)
      .replace(/\bsluice status\b/, `sluice status --server http://127.0.0.1:${http}`)
      .replaceAll(/(?<= )examples\b/g, examples);
  const ports = ["--listen", listen, "--admin", admin, "--http", http, "--xds", xds].map(String);
  let commands = 0;

  for (const block of await blocksIn("README.md")) {
    if (block.language === "sh") {
      for (const command of commandsOf(block)) {
        if (shownElsewhere.has(command)) continue;
        const start = /^npm start(?: -- --config (\S+))?$/.exec(command);
        if (start !== null) {
          await stop(mesh);
          const folder = translate(` ${start[1] ?? "examples/ficool"}`).trim();
          mesh = await startMesh(["--config", folder, "--sample-services", ...ports]);
        } else {
          assert.match(
            command,
            /^npx sluice bootstrap /,
            `README.md:${block.line}: a command that nothing runs: ${command}`,
          );
          const text = await runCommand(translate(command.replace(/ > .*$/, "")), 60_000);
          assert.equal(typeof JSON.parse(text), "object");
        }
        commands += 1;
      }
    } else if (block.language === "console") {
      for (const step of stepsOf(block)) {
        assertPrints(await runCommand(translate(step.command), 60_000), step);
        commands += 1;
      }
    }
  }
  assert.ok(commands >= 8, `only ${commands} commands found`);
});

test("README.zh-CN.md has the same commands with the same output", async () => {
  const shown = async (name: string) =>
    (await blocksIn(name)).map((block) => (block.language === "sh" ? commandsOf(block) : block.text));
  assert.deepEqual(await shown("README.zh-CN.md"), await shown("README.md"));
});

const blocksIn = async (name: string) => blocksOf(await readFile(join(projectRoot, name), "utf8"));
