#!/usr/bin/env node
// `npx sluice COMMAND` inside a checkout: sets up what is missing or stale, then runs the command.

import "../scripts/node-version.mjs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { setUp } from "../scripts/setup.mjs";

try {
  await setUp();
} catch (error) {
  console.error(error.message);
  process.exit(2);
}
await import(pathToFileURL(join(dirname(import.meta.dirname), "build", "sluice.js")).href);
