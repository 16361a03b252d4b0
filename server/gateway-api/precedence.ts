// Which of several routes takes a request: the order that the Gateway API's specification demands. Hosts come
// before all of this: what is compared here is for the same host.
//
// Regular expressions of paths have no place in the specification's order; as in Istio they come last.

import { compare } from "../istio/registry.ts";
import type { Resource } from "../model.ts";

export interface Ranked {
  resource: Resource;
  /** Of the rule within its route. */
  index: number;
  /** What is compared, most important first; larger goes first. */
  rank: readonly number[];
}

/** A negative number: `a` goes first. Matches of one rule stay in the order in which they are written. */
export function byPrecedence(a: Ranked, b: Ranked): number {
  for (const [i, value] of a.rank.entries()) {
    const other = b.rank[i] ?? 0;
    if (value !== other) return other - value;
  }
  return byAge(a.resource, b.resource) || a.index - b.index;
}

/** The oldest first, one without a time of creation last; then by namespace and name. */
export const byAge = (a: Resource, b: Resource): number =>
  compare(a.createdAt ?? "~", b.createdAt ?? "~") ||
  compare(`${a.namespace}/${a.name}`, `${b.namespace}/${b.name}`);

export interface HttpRank {
  path: "exact" | "prefix" | "regex";
  /** In characters. */
  pathLength: number;
  hasMethod: boolean;
  headerCount: number;
  queryCount: number;
}

export const httpRank = (match: HttpRank): number[] => [
  { exact: 3, prefix: 2, regex: 1 }[match.path],
  match.pathLength,
  match.hasMethod ? 1 : 0,
  match.headerCount,
  match.queryCount,
];

export const grpcRank = (service: string, method: string, headerCount: number): number[] => [
  service.length,
  method.length,
  headerCount,
];
