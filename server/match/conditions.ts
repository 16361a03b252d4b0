// The conditions of a match in words, in the order in which a module asks for them and tells of them.

import type { RequestMatch, StringMatch } from "../../schema/generated/types.ts";

/** Of one entry of `match`. */
export function conditionTexts(match: RequestMatch): string[] {
  const texts: string[] = [];
  for (const field of ["method", "scheme", "authority"] as const) {
    const condition = match[field];
    if (condition !== undefined) texts.push(`${field} ${describe(condition)}`);
  }
  if (match.uri !== undefined)
    texts.push(`path ${describe(match.uri)}${match.ignoreUriCase === true ? ", in any case" : ""}`);
  const named = [
    ["headers", "header"],
    ["withoutHeaders", "not header"],
    ["queryParams", "query parameter"],
    ["cookies", "cookie"],
  ] as const;
  for (const [field, label] of named) {
    for (const [name, condition] of Object.entries(match[field] ?? {}))
      texts.push(`${label} ${name} ${describe(condition)}`);
  }
  if (match.sourceIp !== undefined) texts.push(`client address in ${list(match.sourceIp)}`);
  return texts;
}

function describe(m: StringMatch): string {
  if (m.exact !== undefined) return `is "${m.exact}"`;
  if (m.prefix !== undefined) return `begins with "${m.prefix}"`;
  if (m.suffix !== undefined) return `ends with "${m.suffix}"`;
  if (m.contains !== undefined) return `contains "${m.contains}"`;
  if (m.regex !== undefined) return `matches ${m.regex}`;
  return m.in === undefined ? "is present" : `is one of ${list(m.in)}`;
}

const list = (values: readonly string[]): string =>
  values.length <= 5 ? values.join(", ") : `${values.slice(0, 5).join(", ")} and ${values.length - 5} more`;
