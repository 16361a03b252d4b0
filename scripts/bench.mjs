// `npm run bench [-- SECTION...] [ROUNDS]`: sets up, then measures the filters side by side (bench/main.ts).

import "./node-version.mjs";
import { spawnSync } from "node:child_process";
import { dirname } from "node:path";
import { setUp } from "./setup.mjs";

const root = dirname(import.meta.dirname);
try {
  await setUp();
} catch (error) {
  console.error(error.message);
  process.exit(2);
}
const { status } = spawnSync(
  process.execPath,
  ["--import", "tsx", "bench/main.ts", ...process.argv.slice(2)],
  {
    cwd: root,
    stdio: "inherit",
  },
);
process.exitCode = status ?? 1;
