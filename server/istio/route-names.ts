// Names of routes: what policies, derived routes and metrics know them by.

import { createHash } from "node:crypto";
import type { HttpRoute, VirtualServiceSpec } from "../../schema/generated/types.ts";
import type { Resource } from "../model.ts";
import { Memo } from "./memo.ts";

/**
 * A route without a name gets one from its own condition, so that neither a route put before it nor another
 * folder's order changes it: policies and derived routes refer to routes by name.
 */
export const sectionNames = (resource: Resource<VirtualServiceSpec>): readonly string[] =>
  sectionsOf.get(resource.spec, `${resource.namespace}\n${resource.name}`, () => nameSections(resource));

const sectionsOf = new Memo<VirtualServiceSpec, string[]>();

function nameSections(resource: Resource<VirtualServiceSpec>): string[] {
  const taken = new Map<string, number>();
  return (resource.spec.http ?? []).map((http) => {
    if (http.name !== undefined && http.name !== "") return http.name;
    const name = `${resource.namespace}.${resource.name}~${hashOf(http)}`;
    const count = (taken.get(name) ?? 0) + 1;
    taken.set(name, count);
    return count === 1 ? name : `${name}~${count}`;
  });
}

/** Of a route by its condition. */
export const hashOf = ({ match }: HttpRoute): string =>
  createHash("sha256")
    .update(canonical(match ?? []))
    .digest("hex")
    .slice(0, 8);

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, v]) => `${JSON.stringify(key)}:${canonical(v)}`).join(",")}}`;
}
