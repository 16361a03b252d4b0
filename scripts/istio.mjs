// `npm run test:istio [-- FILE...]`: the tests in a real Istio: etcd, kube-apiserver, istiod, pilot-agent and the
// official Envoy on this machine. The first time it builds these (scripts/istio-lab.mjs). The last line is
// `N passed, N failed`; where Istio cannot be had that is one failure, with the reason.
//
// `--prepare` builds and fetches what is missing, within 18 minutes, and says by its exit code whether it is there.

import "./node-version.mjs";
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { prepareLab } from "./istio-lab.mjs";

const root = dirname(import.meta.dirname);
const args = process.argv.slice(2);
const prepareMs = 18 * 60_000;
const say = (line) => console.error(`istio: ${line}`);

if (args.includes("--prepare")) {
  try {
    say(`ready in ${prepareLab(say, process.env, Date.now() + prepareMs)}`);
    process.exit(0);
  } catch (error) {
    say(`a real Istio cannot be had: ${error.message}`);
    process.exit(1);
  }
}

try {
  const directory = prepareLab(say);
  console.error(`istio: from ${directory}`);
} catch (error) {
  console.error(`No test ran in a real Istio: ${error.message}`);
  console.log("\n0 passed, 1 failed");
  process.exit(1);
}
const all = readdirSync(join(root, "tests", "istio")).filter((file) => file.endsWith(".test.ts"));
const files = args.length > 0 ? args : all.map((file) => join("tests", "istio", file));
const { status } = spawnSync(process.execPath, ["scripts/test.mjs", ...files], {
  cwd: root,
  stdio: "inherit",
});
process.exitCode = status ?? 1;
