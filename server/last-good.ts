// The last good configuration of a folder on disk: its resources as they were when they were served, in
// one JSON file that is written beside itself and renamed, so that a reader never sees half of it.

import { createHash } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Position } from "../schema/diagnostic.ts";
import type { Resource } from "./model.ts";

type SavedResource = Omit<Resource, "position"> & { at: Position };

interface Saved {
  format: typeof format;
  directory: string;
  version: string;
  builtAt: string;
  resources: SavedResource[];
}

const format = "sluice-last-good-1";

export class LastGood {
  readonly #stateDirectory: string;
  #savedVersion = "";

  constructor(stateDirectory: string) {
    this.#stateDirectory = stateDirectory;
  }

  async save(
    directory: string,
    resources: readonly Resource[],
    served: { version: string; builtAt: string },
  ): Promise<void> {
    if (served.version === this.#savedVersion) return;
    const saved: Saved = {
      format,
      directory: resolve(directory),
      version: served.version,
      builtAt: served.builtAt,
      resources: resources.map(({ position, ...rest }) => ({ ...rest, at: position([]) })),
    };
    await mkdir(this.#stateDirectory, { recursive: true });
    const path = this.#path(directory);
    await writeFile(`${path}.new`, JSON.stringify(saved), { mode: 0o600 });
    await rename(`${path}.new`, path);
    this.#savedVersion = served.version;
  }

  /** Undefined when nothing was saved for that folder. */
  async load(directory: string): Promise<{ resources: Resource[]; builtAt: string } | undefined> {
    const text = await readFile(this.#path(directory), "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined;
      throw error;
    });
    if (text === undefined) return undefined;
    const saved = JSON.parse(text) as Saved;
    if (saved.format !== format) return undefined;
    const resources = saved.resources.map(({ at, ...rest }) => ({ ...rest, position: () => at }));
    return { resources, builtAt: saved.builtAt };
  }

  /** One file per folder, so that several servers may share a state directory. */
  #path(directory: string): string {
    const key = createHash("sha256").update(resolve(directory)).digest("hex").slice(0, 16);
    return join(this.#stateDirectory, `last-good-${key}.json`);
  }
}
