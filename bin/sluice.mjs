#!/usr/bin/env node
// The `sluice` command. In a checkout it sets up what is missing or stale first; the published package is built
// already and lacks the scripts for that.

import "../scripts/node-version.mjs";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";

const root = dirname(import.meta.dirname);
const load = (path) => import(pathToFileURL(path).href);

const setup = join(root, "scripts", "setup.mjs");
if (existsSync(setup)) {
  try {
    const { setUp } = await load(setup);
    await setUp();
  } catch (error) {
    console.error(error.message);
    process.exit(2);
  }
}
await load(join(root, "build", "sluice.js"));
