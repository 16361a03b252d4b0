// Conditions on headers whose name has an underscore: legal, and never met, since our listeners refuse such
// requests with 400 (many servers take `_` for `-`, so that a header could be forged past a policy).

import type { FieldPath } from "../../schema/path.ts";
import type { Resource } from "../model.ts";
import type { Report } from "./report.ts";

interface HeaderConditions {
  headers?: Record<string, unknown>;
  withoutHeaders?: Record<string, unknown>;
}

export function warnUnderscores(
  resource: Resource,
  match: readonly HeaderConditions[] | undefined,
  path: FieldPath,
  report: Report,
): void {
  for (const [i, entry] of (match ?? []).entries()) {
    for (const field of ["headers", "withoutHeaders"] as const) {
      for (const name of Object.keys(entry[field] ?? {})) {
        if (!name.includes("_")) continue;
        const message = underscoreMessage(name);
        report.warning(resource, [...path, "match", i, field, name], message);
      }
    }
  }
}

export const underscoreMessage = (name: string): string =>
  `Requests with an underscore in a header's name are answered 400, so that no request has "${name}". Is "${name.replaceAll("_", "-")}" meant?`;
