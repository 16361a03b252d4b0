// Watching with real files: every way in which editors save is told, and nothing else is.

import assert from "node:assert/strict";
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { watchFolder } from "./watch.ts";

async function withWatched(
  body: (folder: string, changed: () => Promise<void>, count: () => number) => Promise<void>,
  options = {},
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "sluice-watch-"));
  await writeFile(join(folder, "a.yaml"), "a: 1\n");
  let count = 0;
  let told = 0;
  let wake: () => void = () => undefined;
  const watcher = await watchFolder(
    folder,
    () => {
      count++;
      wake();
    },
    options,
  );
  /** Waits for a call that has not been waited for. */
  const changed = async () => {
    while (count === told) await new Promise<void>((resolve) => (wake = resolve));
    told = count;
  };
  try {
    await body(folder, changed, () => count);
  } finally {
    await watcher.close();
    await rm(folder, { recursive: true });
  }
}

test("a file written in place, created, and deleted", () =>
  withWatched(async (folder, changed) => {
    await writeFile(join(folder, "a.yaml"), "a: 2\n");
    await changed();
    await writeFile(join(folder, "b.yml"), "b: 1\n");
    await changed();
    await rm(join(folder, "b.yml"));
    await changed();
  }));

test("atomic renames over the same file, again and again", () =>
  withWatched(async (folder, changed) => {
    for (let i = 0; i < 10; i++) {
      await writeFile(join(folder, ".a.yaml.swp"), `a: ${i + 10}\n`);
      await rename(join(folder, ".a.yaml.swp"), join(folder, "a.yaml"));
      await changed();
    }
  }));

test("new folders, files in them, and their removal", () =>
  withWatched(async (folder, changed) => {
    await mkdir(join(folder, "sub", "deep"), { recursive: true });
    await writeFile(join(folder, "sub", "deep", "c.json"), "{}");
    await changed();
    await writeFile(join(folder, "sub", "deep", "c.json"), '{"a": 1}');
    await changed();
    await rm(join(folder, "sub"), { recursive: true });
    await changed();
  }));

test("a burst of edits is told once or a few times, not fifty times", () =>
  withWatched(
    async (folder, changed, count) => {
      for (let i = 0; i < 50; i++) await writeFile(join(folder, "a.yaml"), `a: ${i}\n`);
      await changed();
      assert.ok(count() <= 10, `${count()} calls`);
    },
    { debounceMs: 200 },
  ));

test("files that are no sources and hidden ones are not told", () =>
  withWatched(async (folder, changed, count) => {
    await writeFile(join(folder, "notes.txt"), "x");
    await writeFile(join(folder, ".hidden.yaml"), "x: 1");
    await mkdir(join(folder, ".git"));
    await writeFile(join(folder, ".git", "x.yaml"), "x: 1");
    // An event that is told comes after any that would have come for the files above.
    await writeFile(join(folder, "a.yaml"), "a: 3\n");
    await changed();
    assert.equal(count(), 1);
  }));

test("the rescan tells of what no event does: the target of a link exchanged elsewhere", async () => {
  const outside = await mkdtemp(join(tmpdir(), "sluice-outside-"));
  await mkdir(join(outside, "one"));
  await mkdir(join(outside, "two"));
  await writeFile(join(outside, "one", "m.yaml"), "m: 1\n");
  await writeFile(join(outside, "two", "m.yaml"), "m: 22\n");
  await withWatched(
    async (folder, changed) => {
      // The layout of a mounted ConfigMap: a hidden link that is swapped, and links through it.
      await symlink(join(outside, "one"), join(folder, "..data"));
      await symlink("..data/m.yaml", join(folder, "m.yaml"));
      await changed();
      await symlink(join(outside, "two"), join(folder, "..data_tmp"));
      await rename(join(folder, "..data_tmp"), join(folder, "..data"));
      await changed();
    },
    { rescanMs: 50 },
  );
  await rm(outside, { recursive: true });
});

test("a folder that appears later", async () => {
  const parent = await mkdtemp(join(tmpdir(), "sluice-later-"));
  const folder = join(parent, "config");
  let wake: () => void = () => undefined;
  const called = new Promise<void>((resolve) => (wake = resolve));
  const watcher = await watchFolder(folder, () => wake(), { rescanMs: 50 });
  await mkdir(folder);
  await writeFile(join(folder, "a.yaml"), "a: 1\n");
  await called;
  await watcher.close();
  await rm(parent, { recursive: true });
});
