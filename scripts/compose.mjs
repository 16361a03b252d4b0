// `npm run test:compose`: compose.yaml on a real Docker engine, the scenarios of the README through its published
// ports (tests/compose/). The last line is `N passed, N failed`; where no engine can be had it says why, and no
// test ran.
//
// With --prepare it only makes what is missing; the exit code is 1 where it cannot be had.
//
// Of images that can be had neither from a registry nor from Debian the service is left out, and named.

import "./node-version.mjs";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { docker, findEngine, NoEngine, provideImages } from "./container-lab.mjs";
import { setUp } from "./setup.mjs";

const root = dirname(import.meta.dirname);
const cache =
  process.env.SLUICE_CACHE || join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "sluice");
const directory = join(cache, "containers");
const say = (line) => console.log(line);

/** The variables of compose.yaml, and the images that they stand for. */
const variables = {
  node: "NODE_IMAGE",
  envoy: "ENVOY_IMAGE",
  prometheus: "PROMETHEUS_IMAGE",
  grafana: "GRAFANA_IMAGE",
  redis: "REDIS_IMAGE",
};
const servicesOfOurs = ["pod", "server", "samples"];

const isPreparing = process.argv.includes("--prepare");
let engine;
let code = 1;
const work = mkdtempSync(join(tmpdir(), "sluice-compose-"));
try {
  await setUp();
  engine = await findEngine(directory, say);
  const wanted = { node: defaultOf("NODE_IMAGE"), ...imagesOfServices() };
  const { images, missing } = provideImages(engine, wanted, { directory, envoy: pathOfEnvoy(), say });
  for (const role of missing) say(`left out: ${role}, since ${wanted[role]} cannot be had here`);
  const unavailable = missing.filter((role) => !["grafana", "redis"].includes(role));
  if (unavailable.length > 0) throw new NoEngine(`these images cannot be had: ${unavailable.join(", ")}`);
  if (isPreparing) code = 0;
  else
    code = runTests({
      ...engine.env,
      ...Object.fromEntries(Object.entries(images).map(([role, name]) => [variables[role], name])),
      COMPOSE_FILE: `${join(root, "compose.yaml")}:${writeOverride(missing)}`,
      COMPOSE_PROJECT_NAME: `sluice-test-${process.pid}`,
      SLUICE_LEFT_OUT: missing.join(),
    });
} catch (error) {
  const isAbsent = error instanceof NoEngine;
  say(isAbsent ? `\ncompose.yaml cannot be tried here: ${error.message}.` : `\n✗ ${error.stack}`);
  if (!isPreparing) say(`\n0 passed, ${isAbsent ? 0 : 1} failed`);
  code = isAbsent && !isPreparing ? 0 : 1;
} finally {
  rmSync(work, { recursive: true, force: true });
  await engine?.stop();
}
process.exitCode = code;

/** The file is read as compose reads it, without the variables that may be set here. */
function imagesOfServices() {
  const config = JSON.parse(
    docker(engine, ["compose", "--profile", "*", "config", "--format", "json"], { cwd: root }),
  );
  const named = Object.entries(config.services).filter(([name]) => !servicesOfOurs.includes(name));
  return Object.fromEntries(named.map(([name, { image }]) => [name, image]));
}

function defaultOf(variable) {
  const text = docker(engine, ["compose", "config", "--format", "json"], { cwd: root });
  return JSON.parse(text).services.server.build.args[variable];
}

function pathOfEnvoy() {
  const program = 'import { findEnvoy } from "./envoy/find.ts"; console.log((await findEnvoy()).path);';
  const args = ["--import", "tsx", "--input-type=module", "--eval", program];
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8" });
  if (status !== 0) throw new Error(`no Envoy: ${stderr}`);
  return stdout.trim();
}

/** Images are built with the network of this machine, and what is missing starts under no profile. */
function writeOverride(missing) {
  const services = {};
  for (const name of servicesOfOurs) services[name] = { build: { network: "host" } };
  for (const name of missing) services[name] = { profiles: ["not-to-be-had"] };
  const file = join(work, "override.json");
  writeFileSync(file, JSON.stringify({ services }));
  return file;
}

function runTests(env) {
  const report = join(work, "tally.json");
  const reporters = ["--test-reporter=./scripts/report.mjs", "--test-reporter-destination=stdout"];
  const counters = ["--test-reporter=./scripts/tally.mjs", `--test-reporter-destination=${report}`];
  const args = ["--import", "tsx", "--test", ...reporters, ...counters, "tests/compose/scenarios.ts"];
  spawnSync(process.execPath, args, { cwd: root, stdio: "inherit", env: { ...process.env, ...env } });
  const program = `const { passed, failed, failures } = JSON.parse(require("fs").readFileSync(process.argv[1]));
for (const { name, text } of failures) console.log("\\n✗ " + name + "\\n\\n" + text);
console.log("\\n" + passed + " passed, " + failed + " failed");
process.exit(failed > 0 || passed === 0 ? 1 : 0);`;
  return spawnSync(process.execPath, ["-e", program, report], { stdio: "inherit" }).status ?? 1;
}
