// The snapshots that were served, on disk: of each its time, version, what changed, and its resources, which can be
// served again. The oldest go when there are too many or they take too much room.

import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import type { Position } from "../schema/diagnostic.ts";
import type { Resource } from "./model.ts";
import { changedResources, type ResourceChange } from "./resource-diff.ts";

export interface HistoryEntry {
  version: string;
  /** When it was first served. */
  at: string;
  /** Against the one before it, the first few; empty for the very first. */
  changes: ResourceChange[];
  changeCount: number;
  resourceCount: number;
}

export interface HistoryLimits {
  maxEntries?: number;
  maxBytes?: number;
}

type SavedResource = Omit<Resource, "position"> & { at: Position };

const format = "sluice-history-1";
const maxChanges = 50;
const [pack, unpack] = [promisify(gzip), promisify(gunzip)];

/** No such version, or several that begin so. The message says which there are. */
export class UnknownVersion extends Error {}

export class History {
  readonly #directory: string;
  readonly #limits: Required<HistoryLimits>;
  #latest: { version: string; resources: readonly Resource[] } | undefined;

  /** One folder of the state directory for each folder of configuration. */
  constructor(stateDirectory: string, configuration: string, limits: HistoryLimits = {}) {
    const key = createHash("sha256").update(resolve(configuration)).digest("hex").slice(0, 16);
    this.#directory = join(stateDirectory, `history-${key}`);
    this.#limits = { maxEntries: 100, maxBytes: 64 * 1_048_576, ...limits };
  }

  /** Does nothing for the version that was kept last. */
  async add(version: string, at: string, resources: readonly Resource[]): Promise<void> {
    this.#latest ??= await this.#newest();
    if (this.#latest?.version === version) return;
    const changes = this.#latest === undefined ? [] : changedResources(this.#latest.resources, resources);
    const entry: HistoryEntry & { format: string } = {
      format,
      version,
      at,
      changes: changes.slice(0, maxChanges),
      changeCount: changes.length,
      resourceCount: resources.length,
    };
    const saved = resources.map(({ position, ...rest }): SavedResource => ({ ...rest, at: position([]) }));
    await mkdir(this.#directory, { recursive: true });
    const last = Number((await this.#names()).at(-1)?.slice(0, 8) ?? 0);
    const name = `${String(last + 1).padStart(8, "0")}-${version}`;
    await this.#write(`${name}.resources`, await pack(JSON.stringify(saved)));
    await this.#write(`${name}.json`, JSON.stringify(entry));
    this.#latest = { version, resources };
    await this.#prune();
  }

  /** Newest first. */
  async list(): Promise<HistoryEntry[]> {
    const entries: HistoryEntry[] = [];
    for (const name of (await this.#names()).reverse()) {
      const text = await readFile(join(this.#directory, `${name}.json`), "utf8").catch(() => "{}");
      const { format: own, ...entry } = JSON.parse(text) as HistoryEntry & { format?: string };
      if (own === format) entries.push(entry);
    }
    return entries;
  }

  /** The newest of this version; its first letters are enough where they say which. */
  async find(version: string): Promise<{ entry: HistoryEntry; resources: Resource[] }> {
    const all = await this.list();
    const found = version === "" ? [] : all.filter((entry) => entry.version.startsWith(version));
    const [entry] = found;
    if (entry === undefined || new Set(found.map((f) => f.version)).size > 1) {
      const problem = entry === undefined ? "there is no version" : "several versions begin with";
      const known = [...new Set(all.map((e) => e.version))].slice(0, 8).join(", ");
      throw new UnknownVersion(`${problem} ${version}; the newest ones: ${known || "none is kept"}`);
    }
    return { entry, resources: await this.#resourcesOf(entry.version) };
  }

  async #newest(): Promise<{ version: string; resources: Resource[] } | undefined> {
    const [entry] = await this.list();
    return entry && { version: entry.version, resources: await this.#resourcesOf(entry.version) };
  }

  async #resourcesOf(version: string): Promise<Resource[]> {
    const name = (await this.#names()).findLast((n) => n.endsWith(`-${version}`));
    const bytes = await unpack(await readFile(join(this.#directory, `${name}.resources`)));
    const saved = JSON.parse(bytes.toString("utf8")) as SavedResource[];
    return saved.map(({ at, ...rest }) => ({ ...rest, position: () => at }));
  }

  /** Oldest first, without what follows the name. */
  async #names(): Promise<string[]> {
    const files = await readdir(this.#directory).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return [];
      throw error;
    });
    return files.flatMap((file) => /^(\d{8}-[0-9a-f]+)\.json$/.exec(file)?.[1] ?? []).sort();
  }

  /** Beside itself and renamed: a reader never sees half of it. */
  async #write(name: string, content: string | Uint8Array): Promise<void> {
    const path = join(this.#directory, name);
    await writeFile(`${path}.new`, content, { mode: 0o600 });
    await rename(`${path}.new`, path);
  }

  async #prune(): Promise<void> {
    const names = (await this.#names()).reverse();
    let bytes = 0;
    for (const [i, name] of names.entries()) {
      const files = [`${name}.json`, `${name}.resources`].map((file) => join(this.#directory, file));
      for (const file of files)
        bytes += await stat(file).then(
          (s) => s.size,
          () => 0,
        );
      // The newest one stays, however large it is.
      if (i === 0 || (i < this.#limits.maxEntries && bytes <= this.#limits.maxBytes)) continue;
      for (const file of files) await rm(file, { force: true });
    }
  }
}
