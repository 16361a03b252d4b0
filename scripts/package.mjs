// `npm run package`: sluice-VERSION.tgz, ready to be installed anywhere without a build step. It builds what is
// stale, writes the SBOM, looks whether all is there, and packs. (`npm pack` alone packs what is built: scripts
// of packages, our own `prepack` included, are switched off in .npmrc.)

import "./node-version.mjs";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { writeSbom } from "./sbom.mjs";
import { setUp } from "./setup.mjs";

const root = dirname(import.meta.dirname);
const parts = [
  "build/sluice.js",
  "build/yaml.worker.js",
  "build/ui/main.js",
  "build/host/index.js",
  "build/host/index.d.ts",
  "build/filters/header_routing.wasm",
];

try {
  await setUp();
  writeSbom();
  const missing = parts.filter((path) => !existsSync(join(root, path)));
  if (missing.length > 0) throw new Error(`the build left out ${missing.join(", ")}`);
  if (!process.argv.includes("--prepare")) {
    const args = ["pack", "--ignore-scripts", ...process.argv.slice(2)];
    process.exitCode = spawnSync("npm", args, { cwd: root, stdio: ["ignore", "inherit", 2] }).status ?? 1;
  }
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
