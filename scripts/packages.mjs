// Whether node_modules holds what package-lock.json says. npm writes what it installed beside it, in the lock's
// own form, so that no record of ours is needed.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** A package that is missing is a difference, unless it is optional: those are for other platforms. */
export function packagesAreCurrent(root) {
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
