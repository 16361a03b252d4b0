// `npm test [-- FILE...]`: sets up, then every test: AssemblyScript units with as-pect, the rest with node:test.
// The last line is `N passed, N failed`; failures stand in full above it. With files, only those.
//
// Units run side by side; of tests/ (real Envoys under load) three files at a time, since on two cores
// they wait more than they compute.

import "./node-version.mjs";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { installChromium } from "./chromium.mjs";
import { fetchPrometheus } from "./prometheus.mjs";
import { setUp } from "./setup.mjs";
import { filesUnder } from "./stamp.mjs";

const root = dirname(import.meta.dirname);
const rooms = ["schema", "filters", "host", "server", "cli", "envoy", "scripts", "bench", "tests", "ui"];
const isTest = (path) => path.endsWith(".test.ts") || path.endsWith(".test.mjs");
/** Run by commands of their own, as they need what not every machine has. */
const apart = ["tests/istio/", "tests/compose/"];
const wholeRunMs = 60 * 60_000;
const oneTestMs = 15 * 60_000;

const tally = { passed: 0, failed: 0, skipped: [], failures: [] };
const deadline = setTimeout(() => {
  console.error(`The tests took longer than ${wholeRunMs / 60_000} minutes and were stopped.`);
  tally.failed++;
  running?.kill("SIGKILL");
  finish();
}, wholeRunMs);
let running;

try {
  await setUp({ debug: true });
} catch (error) {
  tally.failed++;
  tally.failures.push({ name: "set-up", text: error.message });
  finish();
}
const named = process.argv.slice(2).map((path) => relative(root, resolve(path)));
const files =
  named.length > 0
    ? named
    : rooms
        .flatMap((room) => filesUnder(join(root, room)))
        .map((path) => relative(root, path))
        .filter((path) => !apart.some((folder) => path.startsWith(folder)));
const tests = files.filter(isTest).sort();
if (tests.some((path) => path.startsWith("tests/dashboard"))) installChromium(console.error);
if (tests.includes("tests/observability-prometheus.test.ts")) fetchPrometheus(console.error);
const isIntegration = (path) => path.startsWith("tests/");
const units = tests.filter((path) => !isIntegration(path));

await runAspect(files.filter((path) => path.endsWith(".spec.ts")));
const integration = tests.filter(isIntegration);
count(await runNodeTests(units, []));
const atOnce = integration.every((path) => path.startsWith("tests/istio/")) ? 1 : 3;
count(await runNodeTests(integration, [`--test-concurrency=${atOnce}`]));
await judgeAlone();
finish();

/**
 * A test under load that shared the machine with another one may fail by that: files that failed run once more,
 * one at a time, and that counts. Both runs are in the output.
 */
async function judgeAlone() {
  const fileOf = ({ name }) => name.split(":")[0];
  const again = [...new Set(tally.failures.map(fileOf))].filter((path) => integration.includes(path));
  if (again.length === 0 || again.length > 4) return;
  const first = tally.failures.filter((failure) => again.includes(fileOf(failure)));
  for (const { name, text } of first) console.log(`\n✗ ${name}\n\n${text.trimEnd().replace(/^/gm, "  ")}`);
  console.log(`\nOnce more, each alone: ${again.join(", ")}`);
  const second = await runNodeTests(again, ["--test-concurrency=1"]);
  tally.failures = tally.failures.filter((failure) => !first.includes(failure));
  tally.failed -= first.length;
  count({ ...second, passed: Math.max(0, first.length - second.failed) });
}

function count({ passed, failed, skipped, failures }) {
  tally.passed += passed;
  tally.failed += failed;
  tally.skipped.push(...skipped);
  tally.failures.push(...failures);
}

/**
 * All of them, as it takes no files. The counts are only in its report: `[Tests]: 32 / 32`. Without them nothing
 * ran, as after a compile error.
 */
async function runAspect(specs) {
  if (specs.length === 0) return;
  console.log("\nAssemblyScript units");
  const asp = join(root, "node_modules", "@as-pect", "cli", "bin", "asp.js");
  const { status, output } = await run([asp, "--summary"], { collect: true });
  const report = output.slice(Math.max(0, output.indexOf("ASC Version"))); // a banner goes before
  console.log(report.trimEnd().replace(/^/gm, "  "));
  const [, passed = "0", total = "0"] = /\[Tests\]: (\d+) \/ (\d+)/.exec(report) ?? [];
  const failed = Number(total) - Number(passed);
  tally.passed += Number(passed);
  tally.failed += status !== 0 && failed === 0 ? 1 : failed;
  if (status !== 0 || failed > 0) tally.failures.push({ name: "AssemblyScript units", text: report });
}

/** @returns the counts, of which a run that broke off is one failure. */
async function runNodeTests(paths, options) {
  if (paths.length === 0) return { passed: 0, failed: 0, skipped: [], failures: [] };
  const directory = mkdtempSync(join(tmpdir(), "sluice-test-"));
  const report = join(directory, "tally.json");
  const reporters = ["--test-reporter=./scripts/report.mjs", "--test-reporter-destination=stdout"];
  const counters = ["--test-reporter=./scripts/tally.mjs", `--test-reporter-destination=${report}`];
  const limit = `--test-timeout=${oneTestMs}`;
  const { status } = await run([
    "--import",
    "tsx",
    "--test",
    limit,
    ...options,
    ...reporters,
    ...counters,
    ...paths,
  ]);
  const counted = readTally(report);
  rmSync(directory, { recursive: true });
  return { ...counted, failed: counted.failed === 0 && status !== 0 ? 1 : counted.failed };
}

function readTally(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return {
      passed: 0,
      failed: 1,
      skipped: [],
      failures: [{ name: "node --test", text: "it ended without a report" }],
    };
  }
}

function run(args, { collect = false } = {}) {
  return new Promise((resolve) => {
    const stdio = ["ignore", collect ? "pipe" : "inherit", collect ? "pipe" : "inherit"];
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    running = spawn(process.execPath, args, { cwd: root, stdio, env });
    let output = "";
    for (const stream of [running.stdout, running.stderr]) {
      stream?.setEncoding("utf8").on("data", (text) => {
        output += stripVTControlCharacters(text);
      });
    }
    running.once("close", (status) => resolve({ status, output }));
  });
}

function finish() {
  clearTimeout(deadline);
  if (tally.skipped.length > 0)
    console.log(`\nSkipped:\n${tally.skipped.map((name) => `  ${name}`).join("\n")}`);
  for (const { name, text } of tally.failures)
    console.log(`\n✗ ${name}\n\n${text.trimEnd().replace(/^/gm, "  ")}`);
  if (tally.passed + tally.failed === 0) console.log("\nNo test ran.");
  console.log(`\n${tally.passed} passed, ${tally.failed} failed`);
  process.exit(tally.failed > 0 || tally.passed === 0 ? 1 : 0);
}
