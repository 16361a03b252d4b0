// `npm run check`: what a program can say about the code without running it, as one report. A check that
// passes is one line; one that fails shows what its tool said.

import "./node-version.mjs";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { setUp } from "./setup.mjs";

const root = dirname(import.meta.dirname);
const bin = (name) => join(root, "node_modules", ".bin", name);

const checks = [
  { name: "types", command: [bin("tsc"), "-p", "."] },
  { name: "types of the dashboard", command: [bin("tsc"), "-p", "ui"] },
  { name: "lint", command: [bin("biome"), "lint", "--error-on-warnings", "."] },
  { name: "format", command: [bin("prettier"), "--check", "--log-level", "warn", "."] },
  {
    name: "generated files are current",
    command: [process.execPath, "--import", "tsx", "schema/emit/main.ts", "--check"],
    applies: () => existsSync(join(root, "schema/emit/main.ts")),
  },
  {
    name: "Grafana's dashboard is current",
    command: [process.execPath, "--import", "tsx", "deploy/grafana/dashboard.ts", "--check"],
  },
  {
    name: "compose's Envoy bootstrap is current",
    command: [process.execPath, "--import", "tsx", "deploy/compose/bootstrap.ts", "--check"],
  },
];

try {
  await setUp();
} catch (error) {
  console.error(error.message);
  process.exit(2);
}
let failed = 0;
const applicable = checks.filter(({ applies = () => true }) => applies());
for (const { name, command } of applicable) {
  const { status, stdout, stderr, error } = spawnSync(command[0], command.slice(1), {
    cwd: root,
    encoding: "utf8",
  });
  if (status === 0) {
    console.log(`✓ ${name}`);
    continue;
  }
  failed++;
  console.log(
    `✗ ${name}\n\n${`${stdout ?? ""}${stderr ?? ""}${error?.message ?? ""}`.trimEnd().replace(/^/gm, "  ")}\n`,
  );
}
console.log(`\n${applicable.length - failed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
