// The browser in which the dashboard is tested. Where it is missing and may be installed, it is: as root on a
// Debian or Ubuntu. Anywhere else the tests say what to install.

import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

const names = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];

/** SLUICE_CHROMIUM, else the first on PATH. */
export function findChromium(environment = process.env) {
  if (environment.SLUICE_CHROMIUM) return environment.SLUICE_CHROMIUM;
  return names.map((name) => onPath(name, environment)).find((path) => path !== undefined);
}

/** Tries once; what fails is seen by the tests, which need it. */
export function installChromium(say) {
  if (findChromium() !== undefined || process.getuid?.() !== 0 || onPath("apt-get") === undefined) return;
  say("installing Chromium, in which the dashboard is tested (apt-get install chromium)");
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const apt = (...args) => spawnSync("apt-get", args, { env, stdio: ["ignore", "ignore", "inherit"] });
  const install = ["install", "--yes", "--no-install-recommends", "chromium"];
  if (apt(...install).status !== 0 && apt("update").status === 0) apt(...install);
}

function onPath(name, environment = process.env) {
  const paths = (environment.PATH ?? "").split(delimiter).map((directory) => join(directory, name));
  return paths.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
