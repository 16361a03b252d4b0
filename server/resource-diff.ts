// What changed between two sets of resources: which came, went or changed, and in which fields. Entries of a list
// that have names are compared by name, so that one put in front of the others is one change.

import type { Resource } from "./model.ts";

export interface ResourceChange {
  action: "added" | "removed" | "changed";
  /** `Kind namespace/name`. */
  resource: string;
}

export interface FieldChange {
  /** Such as `spec.http[search].timeout`. */
  path: string;
  /** Undefined: the field was not there. */
  before: unknown;
  /** Undefined: the field is gone. */
  after: unknown;
}

export interface ResourceDifference extends ResourceChange {
  /** Of a changed resource. */
  fields: FieldChange[];
}

type Plain = Pick<Resource, "group" | "kind" | "namespace" | "name" | "labels" | "annotations" | "spec">;

/** By kind, namespace and name, in the order of the names. */
export function changedResources(before: readonly Plain[], after: readonly Plain[]): ResourceChange[] {
  return compareResources(before, after).map(({ action, resource }) => ({ action, resource }));
}

export function compareResources(before: readonly Plain[], after: readonly Plain[]): ResourceDifference[] {
  const [old, now] = [byIdentity(before), byIdentity(after)];
  const differences: ResourceDifference[] = [];
  for (const identity of [...new Set([...old.keys(), ...now.keys()])].sort()) {
    const [a, b] = [old.get(identity), now.get(identity)];
    if (a === undefined) differences.push({ action: "added", resource: identity, fields: [] });
    else if (b === undefined) differences.push({ action: "removed", resource: identity, fields: [] });
    else {
      const fields = changesOf(a, b);
      if (fields.length > 0) differences.push({ action: "changed", resource: identity, fields });
    }
  }
  return differences;
}

const byIdentity = (resources: readonly Plain[]): Map<string, Plain> =>
  new Map(resources.map((r) => [`${r.kind} ${r.namespace}/${r.name}`, r]));

function changesOf(a: Plain, b: Plain): FieldChange[] {
  if (a.spec === b.spec && a.labels === b.labels && a.annotations === b.annotations) return [];
  const changes: FieldChange[] = [];
  compare(a.labels, b.labels, "metadata.labels", changes);
  compare(a.annotations, b.annotations, "metadata.annotations", changes);
  compare(a.spec, b.spec, "spec", changes);
  return b.kind === "Secret" ? changes.map(({ path }) => ({ path, before: hidden, after: hidden })) : changes;
}

/** In place of what a Secret holds. */
const hidden = "(not shown)";

type Fields = Record<string, unknown>;

function compare(before: unknown, after: unknown, path: string, changes: FieldChange[]): void {
  if (before === after) return;
  const [a, b] = [entriesOf(before), entriesOf(after)];
  if (a === undefined || b === undefined || a.kind !== b.kind) {
    changes.push({ path, before, after });
    return;
  }
  const order = changes.length;
  for (const key of new Set([...a.entries.keys(), ...b.entries.keys()])) {
    compare(a.entries.get(key), b.entries.get(key), `${path}${b.step(key)}`, changes);
  }
  // The order of rules and routes counts.
  const isSame = changes.length === order && Array.isArray(before) && a.kind === "named";
  if (isSame && [...a.entries.keys()].join("\n") !== [...b.entries.keys()].join("\n")) {
    changes.push({ path: `${path}, order`, before: [...a.entries.keys()], after: [...b.entries.keys()] });
  }
}

interface Entries {
  kind: "map" | "list" | "named";
  entries: Map<string, unknown>;
  step(key: string): string;
}

function entriesOf(value: unknown): Entries | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  if (!Array.isArray(value)) {
    const step = (key: string): string => (/^[\w-]+$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`);
    return { kind: "map", entries: new Map(Object.entries(value)), step };
  }
  const names = value.map((entry) => (entry as Fields | null)?.name);
  const hasNames = value.length > 0 && names.every((name) => typeof name === "string" && name !== "");
  const isNamed = hasNames && new Set(names).size === value.length;
  return {
    kind: isNamed ? "named" : "list",
    entries: new Map(value.map((entry, i) => [isNamed ? String(names[i]) : String(i), entry])),
    step: (key) => `[${key}]`,
  };
}
