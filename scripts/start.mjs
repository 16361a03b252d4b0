// `npm start [-- OPTIONS]`: sets up, then runs `sluice up` in this same process.

import "./node-version.mjs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { setUp } from "./setup.mjs";

const root = dirname(import.meta.dirname);

try {
  await setUp();
} catch (error) {
  console.error(error.message);
  process.exit(2);
}
process.argv.splice(2, 0, "up");
await import(pathToFileURL(join(root, "build", "sluice.js")).href);
