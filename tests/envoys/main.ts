// `npm run test:envoys`: the filters in the newest Envoy of every minor version from the oldest supported one on.
// Of each: every case of filters/*/cases.yaml, and tests/envoys/filters.ts.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { projectRoot } from "../../envoy/root.ts";
import { envoyOfWheel, machineOfWheel, testedVersions } from "../../envoy/wheel.ts";

interface Tally {
  passed: number;
  failed: number;
  failures: { name: string; text: string }[];
}

const suites: readonly (readonly string[])[] = [
  ["--test-name-pattern=cases in Envoy", "tests/cases.test.ts"],
  ["tests/envoys/filters.ts"],
];

const machine = machineOfWheel();
const total = { passed: 0, failed: 0 };
if (machine === undefined) console.log("There is no Envoy of each version for this machine.");
for (const version of testedVersions) {
  if (machine === undefined) break;
  const path = await envoyOfWheel(machine, console.log, version).catch((error: unknown) => {
    console.log(`Envoy ${version} was not tried: ${error instanceof Error ? error.message : String(error)}`);
  });
  if (path === undefined) continue;
  const counts = { passed: 0, failed: 0 };
  for (const suite of suites) {
    const { passed, failed, failures } = run(suite, path);
    counts.passed += passed;
    counts.failed += failed;
    for (const { name, text } of failures)
      console.log(`\n✗ Envoy ${version}: ${name}\n\n${text.trimEnd()}\n`);
  }
  console.log(`Envoy ${version}: ${counts.passed} passed, ${counts.failed} failed`);
  total.passed += counts.passed;
  total.failed += counts.failed;
}
console.log(`\n${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed > 0 ? 1 : 0;

function run(suite: readonly string[], envoy: string): Tally {
  const directory = mkdtempSync(join(tmpdir(), "sluice-envoys-"));
  const report = join(directory, "tally.json");
  const reporter = ["--test-reporter=./scripts/tally.mjs", `--test-reporter-destination=${report}`];
  try {
    spawnSync(process.execPath, ["--import", "tsx", "--test", ...reporter, ...suite], {
      cwd: projectRoot,
      stdio: ["ignore", "ignore", "inherit"],
      env: { ...process.env, SLUICE_ENVOY: envoy },
    });
    return JSON.parse(readFileSync(report, "utf8")) as Tally;
  } catch (error) {
    return { passed: 0, failed: 1, failures: [{ name: suite.join(" "), text: String(error) }] };
  } finally {
    rmSync(directory, { recursive: true });
  }
}
