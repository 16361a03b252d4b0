// Collects what is wrong, with the position of the field at fault, each cause once.

import type { Diagnostic } from "../../schema/diagnostic.ts";
import { type FieldPath, formatPath } from "../../schema/path.ts";
import { closest } from "../../schema/suggest.ts";
import type { Resource } from "../model.ts";

export const identity = (r: Resource): string => `${r.kind} ${r.namespace}/${r.name}`;

/** `file:line`, for naming one resource in a message about another. */
export function place(r: Resource): string {
  const { file, line } = r.position();
  return `${file}:${line}`;
}

export class Report {
  readonly diagnostics: Diagnostic[] = [];
  readonly #seen = new Set<string>();

  error(resource: Resource, path: FieldPath, message: string): void {
    this.#add("error", resource, path, message);
  }

  warning(resource: Resource, path: FieldPath, message: string): void {
    this.#add("warning", resource, path, message);
  }

  get hasErrors(): boolean {
    return this.diagnostics.some((d) => d.severity === "error");
  }

  /** The same route is built for every port and listener: the same cause is told once. */
  #add(severity: "error" | "warning", resource: Resource, at: FieldPath, message: string): void {
    const path = resource.written?.(at) ?? at;
    const key = `${severity}\n${identity(resource)}\n${formatPath(path)}\n${message}`;
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    this.diagnostics.push({
      ...resource.position(at),
      severity,
      resource: identity(resource),
      path: formatPath(path),
      message,
    });
  }
}

/** ` Did you mean "x"?`, or what there is to choose from, or nothing. */
export function hint(word: string, known: readonly string[], what: string): string {
  const near = closest(word, known);
  // Of v3 and v1 neither is a slip of the pen for the other.
  const isNear = near !== undefined && near.word !== word && near.distance * 2 < near.word.length;
  if (isNear) return ` Did you mean "${near.word}"?`;
  if (known.length === 0) return ` There is no ${what} at all.`;
  return known.length <= 8 ? ` Known: ${[...known].sort().join(", ")}.` : "";
}

const localSuffix = ".svc.cluster.local";
const bare = (host: string): string =>
  host.endsWith(localSuffix) ? host.slice(0, -localSuffix.length) : host;

/** As hint, for hosts: the ending that all local names have in common says nothing of how near they are. */
export function hostHint(host: string, known: readonly string[], what: string): string {
  const near = closest(bare(host), known.map(bare));
  const full = near && known.find((k) => bare(k) === near.word);
  if (full !== undefined && full !== host) return ` Did you mean "${full}"?`;
  if (known.length === 0) return ` There is no ${what} at all.`;
  return known.length <= 8 ? ` Known: ${[...known].sort().join(", ")}.` : "";
}
