// Tells when files that stand outside the folder's YAML change: certificates and keys. Their directories are
// watched, as a file is often exchanged by renaming another, or a link, over it.

import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import { type FSWatcher, watch } from "chokidar";

const debounceMs = 25;
/** What gives no event, such as a link whose target was exchanged elsewhere, is found at the latest then. */
const rescanMs = 30_000;

export class WatchedFiles {
  onChange: () => void = () => undefined;
  #files: readonly string[] = [];
  #known = "";
  #watcher: FSWatcher | undefined;
  #timer: NodeJS.Timeout | undefined;
  #scanner: NodeJS.Timeout | undefined;
  #isClosed = false;

  /** In place of those so far. They have just been read. */
  watch(files: ReadonlySet<string>): void {
    const sorted = [...files].sort();
    if (this.#isClosed || sorted.join("\n") === this.#files.join("\n")) return;
    this.#files = sorted;
    void this.#watcher?.close();
    clearInterval(this.#scanner);
    this.#known = "";
    if (sorted.length === 0) return;
    const event = (): void => this.#soon();
    this.#watcher = watch([...new Set(sorted.map((file) => dirname(file)))], {
      depth: 0,
      ignoreInitial: true,
      atomic: false,
      ignorePermissionErrors: true,
    });
    this.#watcher.on("all", event);
    this.#watcher.on("raw", event);
    this.#watcher.on("error", () => undefined); // the rescan stands in for it
    this.#scanner = setInterval(event, rescanMs);
    event();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    clearInterval(this.#scanner);
    await this.#watcher?.close();
  }

  #soon(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#look(), debounceMs);
  }

  async #look(): Promise<void> {
    const now = await fingerprint(this.#files);
    if (this.#isClosed || now === this.#known) return;
    this.#known = now;
    this.onChange();
  }
}

/** Sizes and times of change. */
async function fingerprint(files: readonly string[]): Promise<string> {
  const parts = await Promise.all(
    files.map(async (file) => {
      const info = await stat(file, { bigint: true }).catch(() => undefined);
      return `${file}\n${info?.ino} ${info?.size} ${info?.mtimeNs} ${info?.ctimeNs}`;
    }),
  );
  return parts.join("\n");
}
