// Entries of a first-match list that are never reached: behind one that takes every request, or each of whose
// conditions an earlier entry takes too. Only what is certain counts: conditions are compared field by field.

import type { HttpMatchRequest, IstioStringMatch, RequestMatch, StringMatch } from "./generated/types.ts";
import type { FieldPath } from "./path.ts";
import type { Tell } from "./checks.ts";

type Match = HttpMatchRequest | RequestMatch;
type Condition = StringMatch | IstioStringMatch;

/** `path` is that of the list; an entry without conditions takes every request. */
export function unreached(
  entries: readonly (readonly Match[] | undefined)[],
  path: FieldPath,
  tell: Tell,
): void {
  const all = entries.map((match) => match === undefined || match.length === 0 || match.some(isEmptyMatch));
  const first = all.indexOf(true);
  const reached = first < 0 ? entries.length : first + 1;
  for (let i = 1; i < reached; i++) covered(entries, i, path, tell);
  if (first < 0 || first === entries.length - 1) return;
  const message = `never reached: \`${path.join(".")}[${first}]\` before it takes every request; move that one to the end`;
  tell("warning", [...path, first + 1], message);
}

/** `{}`, or only a uri that every path has. */
export function isEmptyMatch(match: Match): boolean {
  const { name: _name, ignoreUriCase: _case, uri, ...rest } = match;
  if (Object.keys(rest).length > 0) return false;
  return (
    uri === undefined || uri.prefix === "/" || uri.prefix === "" || uri.regex === ".*" || uri.regex === "/.*"
  );
}

function covered(
  entries: readonly (readonly Match[] | undefined)[],
  i: number,
  path: FieldPath,
  tell: Tell,
): void {
  const own = entries[i];
  if (own === undefined || own.length === 0) return;
  const takers = own.map((match) =>
    entries.slice(0, i).findIndex((earlier) => earlier?.some((other) => includes(other, match)) === true),
  );
  if (takers.includes(-1)) return;
  const names = [...new Set(takers)].map((taker) => `\`${path.join(".")}[${taker}]\``).join(" and ");
  tell(
    "warning",
    [...path, i],
    `never reached: whatever it matches is taken by ${names} before it; put the narrower one first`,
  );
}

/** Whether every request that `narrow` matches is one that `wide` matches. */
function includes(wide: Match, narrow: Match): boolean {
  if ((wide.ignoreUriCase ?? false) !== (narrow.ignoreUriCase ?? false)) return false;
  const { name: _name, ignoreUriCase: _case, ...conditions } = wide;
  return Object.entries(conditions).every(([field, condition]) => {
    const other = (narrow as Record<string, unknown>)[field];
    if (["uri", "scheme", "method", "authority"].includes(field)) return implies(other, condition);
    if (["headers", "queryParams", "cookies"].includes(field)) {
      return Object.entries(condition as Record<string, Condition>).every(([name, inner]) =>
        implies((other as Record<string, Condition> | undefined)?.[name], inner),
      );
    }
    return other !== undefined && canonical(other) === canonical(condition);
  });
}

/** A text that meets the first condition meets the second. `{}` asks that there be one. */
function implies(narrow: unknown, wide: unknown): boolean {
  if (narrow === undefined) return false;
  const [a, b] = [narrow as Condition, wide as Condition];
  if (Object.keys(b).length === 0 || canonical(a) === canonical(b)) return true;
  if (b.prefix === undefined) return false;
  return (a.exact ?? a.prefix)?.startsWith(b.prefix) === true;
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "";
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`).join(",")}}`;
}
