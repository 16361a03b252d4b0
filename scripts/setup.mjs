// What every command does before its own work: packages as locked, and what stands under build/ up to date.
// It uses nothing but Node, as it runs before anything is installed. When all is there it takes 0.2 s and says
// nothing. Progress goes to standard error: standard output belongs to the command.

import { spawnSync } from "node:child_process";
import { dirname } from "node:path";
import { packagesAreCurrent } from "./packages.mjs";
import { createProgress } from "./progress.mjs";

const root = dirname(import.meta.dirname);

/**
 * Throws an error whose text is for the user.
 * @param debug whether debug modules are wanted too.
 */
export async function setUp({ debug = false } = {}) {
  const progress = createProgress(process.stderr);
  try {
    if (!packagesAreCurrent(root)) installPackages(progress);
    const { build } = await import("./build.mjs");
    await build(undefined, { debug, say: progress.say });
    progress.close();
  } catch (error) {
    progress.fail();
    throw error;
  }
}

function installPackages(progress) {
  progress.say("installing packages (npm ci)");
  const npm = process.env.npm_execpath?.endsWith(".js")
    ? [process.execPath, process.env.npm_execpath]
    : ["npm"];
  const args = [...npm.slice(1), "ci", "--no-audit", "--no-fund"];
  const { error, status } = spawnSync(npm[0], args, { cwd: root, stdio: ["ignore", 2, 2] });
  if (error?.code === "ENOENT")
    throw new Error("npm is not on PATH: it comes with Node.js and installs the packages");
  if (error) throw error;
  if (status !== 0) throw new Error("npm ci failed: see above");
}
