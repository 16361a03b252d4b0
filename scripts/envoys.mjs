// `npm run test:envoys`: sets up, then the filters in every version of Envoy that is supported: tests/envoys/.

import "./node-version.mjs";
import { spawnSync } from "node:child_process";
import { dirname } from "node:path";
import { setUp } from "./setup.mjs";

try {
  await setUp({ debug: true });
} catch (error) {
  console.error(`${error.message}\n\n0 passed, 1 failed`);
  process.exit(1);
}
const { status } = spawnSync(process.execPath, ["--import", "tsx", "tests/envoys/main.ts"], {
  cwd: dirname(import.meta.dirname),
  stdio: "inherit",
});
process.exitCode = status ?? 1;
