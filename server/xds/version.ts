// A version is a hash of content: equal content has an equal version on every stream and after a restart.

import { createHash } from "node:crypto";
import type { XdsResource } from "../model.ts";

/** Hash of names and versions, whatever their order. */
export function contentVersion(resources: Iterable<XdsResource>): string {
  const lines: string[] = [];
  for (const { name, version } of resources) lines.push(`${name}\n${version}\n`);
  return createHash("sha256").update(lines.sort().join("")).digest("hex").slice(0, 16);
}

const known = new WeakMap<ReadonlyMap<string, XdsResource>, string>();

/** The same for a whole type of a snapshot, which many streams share. */
export function mapVersion(resources: ReadonlyMap<string, XdsResource>): string {
  const cached = known.get(resources);
  if (cached !== undefined) return cached;
  const version = contentVersion(resources.values());
  known.set(resources, version);
  return version;
}
