// Tells when the files of a folder have changed. Events of the file system only say that it is time to look:
// names, sizes and times of change decide. A look every 30 s catches what gives no event (network drives,
// links whose target was exchanged).

import { stat } from "node:fs/promises";
import { basename, relative, sep } from "node:path";
import { watch } from "chokidar";
import { isSource, listFiles } from "./files.ts";

export interface WatchOptions {
  /** Events closer together than this are told once; default 25 ms. */
  debounceMs?: number;
  /** How often all files are looked at; default 30 s. */
  rescanMs?: number;
  /** Told of what the file system refuses, such as too many watches. */
  onError?: (error: Error) => void;
}

/** A stream of events is told at the latest after this, even if it does not pause. */
const maxDelayMs = 250;

/**
 * Calls back after changes of the YAML and JSON files under a path, which need not exist yet. Watch first
 * and load then: what changes in between is told.
 */
export async function watchFolder(
  path: string,
  onChange: () => void,
  options: WatchOptions = {},
): Promise<{ close(): Promise<void> }> {
  const { debounceMs = 25, rescanMs = 30_000, onError = () => undefined } = options;
  let known = await fingerprint(path);
  let closed = false;
  let timer: NodeJS.Timeout | undefined;
  let firstEventMs = 0;

  const look = async () => {
    timer = undefined;
    const now = await fingerprint(path);
    if (closed || now === known) return;
    known = now;
    onChange();
  };
  const event = () => {
    const now = performance.now();
    if (timer === undefined) firstEventMs = now;
    clearTimeout(timer);
    timer = setTimeout(() => void look(), Math.max(0, Math.min(debounceMs, firstEventMs + maxDelayMs - now)));
  };

  const watcher = watch(path, {
    ignoreInitial: true,
    // The debounce already joins the two halves of an editor's atomic rename.
    atomic: false,
    ignorePermissionErrors: true,
    ignored: (file, stats) => isIgnored(path, file, stats?.isFile() ?? false),
  });
  watcher.on("all", event);
  // Of two changes within 50 ms chokidar keeps the second to itself; the raw events have it.
  watcher.on("raw", event);
  watcher.on("error", (error) => onError(error instanceof Error ? error : new Error(String(error))));
  await new Promise<void>((resolve) => watcher.once("ready", () => resolve()));
  event();
  const scanner = setInterval(event, rescanMs);

  return {
    async close() {
      closed = true;
      clearInterval(scanner);
      clearTimeout(timer);
      await watcher.close();
    },
  };
}

/** The same files that loading leaves out. */
function isIgnored(root: string, file: string, isFile: boolean): boolean {
  const inside = relative(root, file);
  if (inside === "") return false;
  if (inside.split(sep).some((part) => part.startsWith(".") || part === "node_modules")) return true;
  return isFile && !isSource(basename(file));
}

/** Names, sizes and times of change of all files. */
async function fingerprint(path: string): Promise<string> {
  const files = await listFiles(path, []);
  const parts = await Promise.all(
    files.map(async ({ path: file }) => {
      const info = await stat(file, { bigint: true }).catch(() => undefined);
      return `${file}\n${info?.ino} ${info?.size} ${info?.mtimeNs} ${info?.ctimeNs}`;
    }),
  );
  return parts.join("\n");
}
