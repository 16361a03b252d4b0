// Prometheus and promtool, with which deploy/prometheus and deploy/grafana are tested: those on PATH, else Debian's
// package, unpacked under .cache/ and not installed, so that no service of it starts.

import { spawnSync } from "node:child_process";
import { accessSync, constants, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";

const unpacked = join(dirname(import.meta.dirname), ".cache", "prometheus");

/** The directory of both programs, or undefined. SLUICE_PROMETHEUS names one. */
export function findPrometheus(environment = process.env) {
  const paths = (environment.PATH ?? "").split(delimiter);
  const named = environment.SLUICE_PROMETHEUS;
  const places = named ? [named] : [...paths, join(unpacked, "usr", "bin")];
  return places.find((place) => ["prometheus", "promtool"].every((name) => isProgram(join(place, name))));
}

/** Tries once; what fails is seen by the tests, which need it. */
export function fetchPrometheus(say) {
  if (findPrometheus() !== undefined || process.platform !== "linux") return;
  if (spawnSync("apt-get", ["--version"]).status !== 0) return;
  say("fetching Prometheus, with which deploy/ is tested (apt-get download prometheus)");
  const cache = dirname(unpacked);
  mkdirSync(cache, { recursive: true });
  const directory = mkdtempSync(join(cache, "prometheus-"));
  const run = (command, ...args) =>
    spawnSync(command, args, { cwd: directory, stdio: ["ignore", "ignore", "inherit"] }).status === 0;
  const download = () => run("apt-get", "download", "prometheus");
  // The lists of packages may be missing, as in a container.
  const fetched = download() || (process.getuid?.() === 0 && run("apt-get", "update") && download());
  const [archive] = fetched ? readdirSync(directory) : [];
  if (archive !== undefined && run("dpkg-deb", "--extract", archive, "tree")) {
    rmSync(unpacked, { recursive: true, force: true });
    renameSync(join(directory, "tree"), unpacked);
  }
  rmSync(directory, { recursive: true, force: true });
}

function isProgram(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
