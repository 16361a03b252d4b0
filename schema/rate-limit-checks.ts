// Fields of a RateLimitPolicy that must agree with each other, and limits that refuse for ever or not at all.

import type { Tell } from "./checks.ts";
import type { RateLimit, RateLimitSpec } from "./generated/types.ts";
import type { FieldPath } from "./path.ts";
import { isEmptyMatch } from "./shadowed.ts";

/** Problems of a RateLimitPolicy; paths begin at the spec. */
export function rateLimitPolicy(spec: RateLimitSpec, tell: Tell): void {
  for (const [i, limit] of spec.limits.entries()) {
    const path = ["limits", i];
    withoutKey(limit, path, tell);
    costs(limit, path, tell);
    overrides(limit, path, tell);
  }
}

function withoutKey(limit: RateLimit, path: FieldPath, tell: Tell): void {
  if (limit.key !== undefined && limit.key.length > 0) return;
  for (const field of ["whenKeyMissing", "maxKeys", "onFull"] as const) {
    if (limit[field] !== undefined)
      tell("warning", [...path, field], "without effect: the limit has no `key`");
  }
}

/** A request that costs more than the bucket holds is refused however long its sender waits. */
function costs({ cost, burst, requests }: RateLimit, path: FieldPath, tell: Tell): void {
  if (cost?.max === undefined || cost.max <= (burst ?? requests)) return;
  const held = burst === undefined ? `\`requests\`, ${requests}` : `\`burst\`, ${burst}`;
  const message = `a request that costs more than the bucket holds (${held}) is always refused; lower \`max\` or raise \`burst\``;
  tell("warning", [...path, "cost", "max"], message);
}

function overrides({ overrides: all = [], key }: RateLimit, path: FieldPath, tell: Tell): void {
  const takesAll = all.findIndex(({ match }) => match?.some(isEmptyMatch) === true);
  if (takesAll >= 0 && takesAll < all.length - 1) {
    const message = `never applies: \`overrides[${takesAll}]\` before it takes every request; move that one to the end`;
    tell("warning", [...path, "overrides", takesAll + 1], message);
  }
  const taken = new Map<string, number>();
  for (const [i, { values = [] }] of all.entries()) {
    if (values.length > 0 && key === undefined) {
      const message =
        "they are compared with the key's first part, and the limit has no `key`; write `match`";
      tell("error", [...path, "overrides", i, "values"], message);
    }
    for (const [j, value] of values.entries()) {
      const first = taken.get(value);
      if (first === undefined) taken.set(value, i);
      else if (first !== i) {
        const message = `"${value}" has the rate of \`overrides[${first}]\`, which comes first`;
        tell("warning", [...path, "overrides", i, "values", j], message);
      }
    }
  }
}
