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
  const earlier = new Earlier();
  for (let i = 0; i < reached; i++) {
    const own = entries[i] ?? [];
    if (own.length > 0) covered(own, earlier, i, path, tell);
    for (const match of own) earlier.add(match, i);
  }
  if (first < 0 || first === entries.length - 1) return;
  const message = `never reached: \`${path.join(".")}[${first}]\` before it takes every request; move that one to the end`;
  tell("warning", [...path, first + 1], message);
}

/** `{}`, or only a uri that every path has. */
export function isEmptyMatch(match: Match): boolean {
  const { name: _name, ignoreUriCase: _case, statPrefix: _prefix, uri, ...rest } = match as HttpMatchRequest;
  if (Object.keys(rest).length > 0) return false;
  return (
    uri === undefined || uri.prefix === "/" || uri.prefix === "" || uri.regex === ".*" || uri.regex === "/.*"
  );
}

function covered(own: readonly Match[], earlier: Earlier, i: number, path: FieldPath, tell: Tell): void {
  const takers = own.map((match) => earlier.takerOf(match));
  if (takers.includes(-1)) return;
  const names = [...new Set(takers)].map((taker) => `\`${path.join(".")}[${taker}]\``).join(" and ");
  tell(
    "warning",
    [...path, i],
    `never reached: whatever it matches is taken by ${names} before it; put the narrower one first`,
  );
}

/** Matches of one kind of uri are compared with so many at most, so that the cost grows with the list's length. */
const mostCompared = 64;
/** Longer prefixes are not looked for. */
const longestCompared = 512;

/** The matches seen so far, found by what they ask of the uri. */
class Earlier {
  readonly #byUri = new Map<string, { match: Match; index: number }[]>();
  #longestPrefix = 0;

  add(match: Match, index: number): void {
    const { uri } = match;
    if (uri?.prefix !== undefined) this.#longestPrefix = Math.max(this.#longestPrefix, uri.prefix.length);
    const key = keyOf(uri);
    const known = this.#byUri.get(key);
    if (known === undefined) this.#byUri.set(key, [{ match, index }]);
    else if (known.length < mostCompared) known.push({ match, index });
  }

  /** The index of the first that takes all that `match` does; -1 when it is not certain of any. */
  takerOf(match: Match): number {
    let first = -1;
    for (const key of this.#keysFor(match.uri)) {
      const taker = this.#byUri.get(key)?.find((other) => includes(other.match, match));
      if (taker !== undefined && (first < 0 || taker.index < first)) first = taker.index;
    }
    return first;
  }

  /** Where a match that asks no more of the uri can stand. */
  #keysFor(uri: Condition | undefined): Set<string> {
    const keys = new Set([keyOf(undefined)]);
    if (uri === undefined) return keys;
    keys.add(keyOf({})).add(keyOf(uri));
    const text = uri.exact ?? uri.prefix ?? "";
    const longest = Math.min(text.length, this.#longestPrefix, longestCompared);
    for (let length = 0; length <= longest; length++) keys.add(keyOf({ prefix: text.slice(0, length) }));
    return keys;
  }
}

const keyOf = (uri: Condition | undefined): string =>
  uri?.prefix === undefined ? canonical(uri) : `prefix ${uri.prefix}`;

/** Whether every request that `narrow` matches is one that `wide` matches. */
function includes(wide: Match, narrow: Match): boolean {
  if ((wide.ignoreUriCase ?? false) !== (narrow.ignoreUriCase ?? false)) return false;
  const { name: _name, ignoreUriCase: _case, statPrefix: _prefix, ...conditions } = wide as HttpMatchRequest;
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
