// Whether a build step has to run: its stamp holds a hash of all that the step reads. Content counts, not
// dates, so that a fresh clone, a branch switched to and fro, or a touched file redo nothing.

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

/**
 * Hashes files, and folders with all below them that `wanted` accepts (by its path in the checkout), in an
 * order that is the same everywhere. What does not exist counts as empty.
 */
export function hashOf(root, paths, wanted = () => true, extra = []) {
  const hash = createHash("sha256");
  for (const text of extra) hash.update(`${text}\0`);
  for (const path of paths.flatMap((path) => filesUnder(join(root, path))).sort()) {
    const name = relative(root, path);
    if (wanted(name)) hash.update(`${name}\0`).update(readFileSync(path)).update("\0");
  }
  return hash.digest("hex");
}

export function filesUnder(path) {
  if (!existsSync(path)) return [];
  const entries = tryReadDirectory(path);
  if (entries === undefined) return [path];
  return entries.flatMap((entry) =>
    entry.name === "node_modules" ? [] : filesUnder(join(path, entry.name)),
  );
}

function tryReadDirectory(path) {
  try {
    return readdirSync(path, { withFileTypes: true });
  } catch (error) {
    if (error.code === "ENOTDIR") return undefined;
    throw error;
  }
}

/** `outputs` are paths that must be there, whatever the stamp says. */
export function isFresh(root, step, hash, outputs) {
  const stamp = stampPath(root, step);
  return (
    existsSync(stamp) &&
    readFileSync(stamp, "utf8") === hash &&
    outputs.every((output) => existsSync(join(root, output)))
  );
}

export function setStamp(root, step, hash) {
  const stamp = stampPath(root, step);
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(`${stamp}.${process.pid}`, hash);
  renameSync(`${stamp}.${process.pid}`, stamp);
}

const stampPath = (root, step) => join(root, "build", ".stamps", step);
