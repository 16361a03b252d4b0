// What every command does before its own work: packages as locked, and what stands under build/ up to date.
// It uses nothing but Node, as it runs before anything is installed. When all is there it takes 0.2 s and says
// nothing. Progress goes to standard error: standard output belongs to the command.

import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createProgress } from "./progress.mjs";

const root = dirname(import.meta.dirname);

/**
 * Throws an error whose text is for the user.
 * @param debug whether debug modules are wanted too.
 */
export async function setUp({ debug = false } = {}) {
  const progress = createProgress(process.stderr);
  try {
    if (!packagesAreCurrent()) installPackages(progress);
    const { build } = await import("./build.mjs");
    await build(undefined, { debug, say: progress.say });
    progress.close();
  } catch (error) {
    progress.fail();
    throw error;
  }
}

/** npm writes what it installed beside it, in the lock's own form: any difference means `npm ci`. */
function packagesAreCurrent() {
  const installed = join(root, "node_modules", ".package-lock.json");
  if (!existsSync(installed)) return false;
  const have = packagesOf(installed);
  return Object.entries(packagesOf(join(root, "package-lock.json"))).every(
    ([path, locked]) =>
      path === "" || // the project itself
      (have[path] === undefined ? locked.optional === true : have[path].integrity === locked.integrity),
  );
}

const packagesOf = (path) => JSON.parse(readFileSync(path, "utf8")).packages;

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
