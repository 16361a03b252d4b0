// Reads a folder of YAML into resources. What cannot be read or does not pass its schema is told with file,
// line and column; what was parsed is kept by content, so that an edit costs only the document it touches.

import type { Diagnostic, Position } from "../../schema/diagnostic.ts";
import type { Resource, Sources } from "../model.ts";
import { about, defaults, type FileBytes, type Limits, readFiles } from "./files.ts";
import type { ParsedPiece, ParsedResource } from "./parsed.ts";
import { ParseTimeout, parsePieces } from "./parser-thread.ts";
import { cut, decode, Lines, type Piece } from "./text.ts";
import { offsetAt } from "./tree.ts";

export interface LoadedSources extends Sources {
  /**
   * Whether every document of a kind of ours became a resource. If not, a reference that leads nowhere may
   * lead to one that was refused, and says nothing.
   */
  complete: boolean;
}

interface Loaded {
  diagnostics: Diagnostic[];
  resources: Resource[];
  rejected: number;
}

/** Parsed pieces by their text, for each path loaded; the last few paths are kept. */
const caches = new Map<string, Map<string, ParsedPiece>>();
const maxCaches = 8;

/** Diagnostics told of one file. */
const maxTold = 1000;

/** Reads a file or folder. Faults of its content are diagnostics; nothing is thrown. */
export function loadFolder(path: string, limits: Limits = {}): Promise<LoadedSources> {
  return loadPaths([path], limits);
}

/** Reads several files or folders as one; each has the whole of the limits. */
export async function loadPaths(paths: readonly string[], limits: Limits = {}): Promise<LoadedSources> {
  let diagnostics: Diagnostic[] = [];
  let resources: Resource[] = [];
  let rejected = 0;
  for (const path of paths) {
    const result = await loadPath(path, limits);
    diagnostics = diagnostics.concat(result.diagnostics);
    resources = resources.concat(result.resources);
    rejected += result.rejected;
  }
  return { resources, diagnostics: diagnostics.concat(duplicates(resources)), complete: rejected === 0 };
}

async function loadPath(path: string, limits: Limits): Promise<Loaded> {
  const { files, diagnostics } = await readFiles(path, limits);
  const rejected = diagnostics.filter((d) => d.severity === "error").length;
  const loaded: Loaded = { diagnostics, resources: [], rejected };
  const old = caches.get(path) ?? new Map<string, ParsedPiece>();
  const kept = new Map<string, ParsedPiece>();
  for (const file of files) {
    const result = await loadFile(file, old, kept, limits.maxParseMs ?? defaults.maxParseMs);
    loaded.diagnostics = loaded.diagnostics.concat(result.diagnostics);
    loaded.resources = loaded.resources.concat(result.resources);
    loaded.rejected += result.rejected;
  }
  remember(path, kept);
  return loaded;
}

function remember(path: string, pieces: Map<string, ParsedPiece>): void {
  caches.delete(path);
  caches.set(path, pieces);
  const oldest = caches.keys().next().value;
  if (caches.size > maxCaches && oldest !== undefined) caches.delete(oldest);
}

async function loadFile(
  file: FileBytes,
  old: Map<string, ParsedPiece>,
  kept: Map<string, ParsedPiece>,
  maxParseMs: number,
): Promise<Loaded> {
  const decoded = decode(file.bytes);
  if (!("text" in decoded))
    return {
      diagnostics: [{ ...about(file.path, decoded.message), ...decoded }],
      resources: [],
      rejected: 1,
    };
  const pieces = cut(decoded.text);
  const missing = [...new Set(pieces.map((p) => p.text))].filter((text) => !kept.has(text) && !old.has(text));
  try {
    const parsed = missing.length === 0 ? [] : await parsePieces(missing, maxParseMs);
    for (const [i, piece] of parsed.entries()) kept.set(missing[i] ?? "", piece);
  } catch (error) {
    const message =
      error instanceof ParseTimeout
        ? `${error.message}: split the file`
        : `the file cannot be parsed: ${(error as Error).message}`;
    return { diagnostics: [about(file.path, message)], resources: [], rejected: 1 };
  }
  const result: Loaded = { diagnostics: [], resources: [], rejected: 0 };
  for (const piece of pieces) {
    const parsed = kept.get(piece.text) ?? old.get(piece.text);
    if (parsed === undefined) continue;
    kept.set(piece.text, parsed);
    collect(file.path, piece, parsed, result);
  }
  return { ...result, diagnostics: shorten(file.path, result.diagnostics) };
}

/** A file's diagnostics, errors first to be kept where there are more than anyone reads. */
function shorten(file: string, diagnostics: Diagnostic[]): Diagnostic[] {
  if (diagnostics.length <= maxTold) return diagnostics;
  const errors = diagnostics.filter((d) => d.severity === "error");
  const told = errors.length >= maxTold ? errors.slice(0, maxTold) : diagnostics.slice(0, maxTold);
  const rest = diagnostics.length - told.length;
  return [...told, about(file, `and ${rest} more problems`, errors.length > 0 ? "error" : "warning")];
}

function collect(file: string, piece: Piece, parsed: ParsedPiece, result: Loaded): void {
  const down = piece.line - 1;
  for (const { line, column, severity, path, message, otherLine, resource } of parsed.problems) {
    const text = otherLine === undefined ? message : message.replace("{line}", String(otherLine + down));
    const diagnostic: Diagnostic = { file, line: line + down, column, severity, path, message: text };
    if (resource !== undefined) diagnostic.resource = resource;
    result.diagnostics.push(diagnostic);
  }
  result.rejected += parsed.rejected;
  let lines: Lines | undefined;
  const at = (offset: number): Position => {
    lines ??= new Lines(parsed.text);
    const place = lines.at(offset);
    return { file, line: place.line + down, column: place.column + (parsed.moved.get(place.line) ?? 0) };
  };
  for (const resource of parsed.resources) result.resources.push(asResource(resource, at));
}

function asResource(
  { group, kind, value, places }: ParsedResource,
  at: (offset: number) => Position,
): Resource {
  const { apiVersion, metadata, spec } = value;
  return {
    group,
    version: apiVersion.slice(apiVersion.indexOf("/") + 1),
    kind,
    namespace: metadata.namespace ?? "default",
    name: metadata.name,
    labels: metadata.labels ?? {},
    annotations: metadata.annotations ?? {},
    ...(metadata.creationTimestamp ? { createdAt: metadata.creationTimestamp } : {}),
    spec,
    position: (path = []) => at(offsetAt(value, places, path)),
  };
}

/** One diagnostic for each resource whose kind, namespace and name another one has already. */
function duplicates(resources: readonly Resource[]): Diagnostic[] {
  const seen = new Map<string, Resource>();
  const found: Diagnostic[] = [];
  for (const resource of resources) {
    const name = `${resource.kind} ${resource.namespace}/${resource.name}`;
    const first = seen.get(`${resource.group}/${name}`);
    if (first === undefined) {
      seen.set(`${resource.group}/${name}`, resource);
      continue;
    }
    const { file, line } = first.position(["metadata", "name"]);
    const message = `${name} stands already in ${file}:${line}; remove one of the two, or rename it`;
    const place = resource.position(["metadata", "name"]);
    found.push({ ...place, severity: "error", resource: name, path: "metadata.name", message });
  }
  return found;
}
