// Finds and reads the files of a folder within the limits of size, which hold before anything is read.

import { open, readdir, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Diagnostic } from "../../schema/diagnostic.ts";

export interface Limits {
  /** Bytes of one file; default 1 MiB. */
  maxFileBytes?: number;
  /** Bytes of all files together; default 64 MiB. */
  maxFolderBytes?: number;
  /** Time for parsing one file; default 20 s. */
  maxParseMs?: number;
}

export interface FileBytes {
  path: string;
  bytes: Uint8Array;
}

export const defaults = { maxFileBytes: 1 << 20, maxFolderBytes: 64 << 20, maxParseMs: 20_000 };

export const isSource = (name: string) => /\.(ya?ml|json)$/i.test(name) && !name.startsWith(".");

/** Reads a file, or every YAML and JSON file of a folder and its sub-folders, in the order of their names. */
export async function readFiles(
  path: string,
  limits: Limits,
): Promise<{ files: FileBytes[]; diagnostics: Diagnostic[] }> {
  const diagnostics: Diagnostic[] = [];
  const files: FileBytes[] = [];
  let total = 0;
  const maxFolder = limits.maxFolderBytes ?? defaults.maxFolderBytes;
  for (const found of await listFiles(path, diagnostics)) {
    total += found.size;
    const fault = sizeFault(found, total, limits);
    if (fault !== undefined) diagnostics.push(about(found.path, fault));
    if (total > maxFolder) break;
    if (fault !== undefined) continue;
    const bytes = await read(found, diagnostics, limits.maxFileBytes ?? defaults.maxFileBytes);
    if (bytes !== undefined) files.push({ path: found.path, bytes });
  }
  return { files, diagnostics };
}

function sizeFault(file: { size: number }, total: number, limits: Limits): string | undefined {
  const { maxFileBytes, maxFolderBytes } = { ...defaults, ...limits };
  if (file.size > maxFileBytes)
    return `the file has ${file.size} bytes; at most ${maxFileBytes} are read: split it into several files`;
  if (total > maxFolderBytes)
    return `the folder holds more than ${maxFolderBytes} bytes, the most that is read`;
  return undefined;
}

/** A diagnostic about a file or a folder as a whole. */
export function about(file: string, message: string, severity: "error" | "warning" = "error"): Diagnostic {
  return { file, line: 1, column: 1, severity, path: "", message };
}

/** Files in the order of their names; hidden ones are left out, links are followed. */
export async function listFiles(
  root: string,
  diagnostics: Diagnostic[],
): Promise<{ path: string; size: number }[]> {
  const info = await stat(root).catch(() => undefined);
  if (info === undefined) {
    diagnostics.push(about(root, "there is no such file or folder"));
    return [];
  }
  if (!info.isDirectory()) return [{ path: root, size: info.size }];
  const files: { path: string; size: number }[] = [];
  const seen = new Set<string>();
  const enter = async (folder: string): Promise<void> => {
    const real = await realpath(folder).catch(() => folder);
    // A link to a folder above would never end.
    if (seen.has(real)) return;
    seen.add(real);
    const names = await readdir(folder).catch((error: Error) => {
      diagnostics.push(about(folder, `the folder cannot be read: ${error.message}`));
      return [];
    });
    for (const name of names.sort()) {
      if (name.startsWith(".") || name === "node_modules") continue;
      const path = join(folder, name);
      // A file may go between listing and here: then it is as if it had never been.
      const entry = await stat(path).catch(() => undefined);
      if (entry?.isDirectory()) await enter(path);
      else if (entry?.isFile() && isSource(name)) files.push({ path, size: entry.size });
    }
  };
  await enter(root);
  if (files.length === 0)
    diagnostics.push(about(root, "the folder holds no .yaml, .yml or .json file", "warning"));
  return files;
}

/** Never more than the limit, even if the file grows in the meantime. */
async function read(
  file: { path: string },
  diagnostics: Diagnostic[],
  maxFileBytes: number,
): Promise<Uint8Array | undefined> {
  try {
    const handle = await open(file.path, "r");
    try {
      const { size } = await handle.stat();
      let buffer = Buffer.allocUnsafe(Math.min(size, maxFileBytes) + 1);
      let length = 0;
      while (length <= maxFileBytes) {
        if (length === buffer.length)
          buffer = Buffer.concat([buffer], Math.min(2 * length, maxFileBytes + 1));
        const { bytesRead } = await handle.read(buffer, length, buffer.length - length, null);
        length += bytesRead;
        if (bytesRead === 0) break;
      }
      if (length <= maxFileBytes) return Uint8Array.prototype.slice.call(buffer, 0, length);
      diagnostics.push(
        about(file.path, `the file has more than ${maxFileBytes} bytes, the most that is read`),
      );
    } finally {
      await handle.close();
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    diagnostics.push(about(file.path, `the file cannot be read: ${(error as Error).message}`));
  }
  return undefined;
}
