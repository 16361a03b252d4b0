// The filters' configurations: each policy with the routes on which it applies, by Envoy's names.

import type { Attachment } from "../../schema/generated/types.ts";
import type { MeshModel } from "../istio/mesh.ts";
import type { MeshRoute } from "../istio/routes.ts";
import type { Resource } from "../model.ts";
import type { Attached, Attachments } from "./attach.ts";
import type { PolicyKind, PolicySpec } from "./kinds.ts";
import { type Place, Places } from "./places.ts";
import { type Tier, tiers } from "./targets.ts";

/** One entry of the filter's list. */
interface Entry {
  policy: Resource<PolicySpec>;
  tier: Tier;
  attach: Attachment[];
}

/** Which routes a filter is told of, and by which names. */
export interface Naming {
  covers(place: Place): boolean;
  /** `isUnique`: no other virtual host of the mesh has a route of this name. */
  attachments(place: Place, isUnique: boolean): readonly Attachment[];
  /** The policy acts on every request: no routes are written. */
  isEverywhere(policy: Resource<PolicySpec>, tier: Tier): boolean;
}

/** In a proxy that has these routes and no others a name that is unique costs the filter one call less. */
const shortest: Naming = {
  covers: () => true,
  attachments: ({ virtualHost, route }, isUnique) => [
    isUnique ? { route: route.name } : { virtualHost: virtualHost.name, route: route.name },
  ],
  isEverywhere: () => false,
};

/** Strict JSON; equal policies on equal routes give an equal text. Who knows the token of the hash is told of decisions. */
export function compileConfiguration(
  kind: PolicyKind,
  mesh: MeshModel,
  attachments: Attachments,
  resources: readonly Resource[],
  naming: Naming = shortest,
  explainTokenSha256?: string,
): string {
  const entries = [...collect(kind, mesh, attachments.byRoute, naming).values()].sort(byTier);
  const seen = new Set<string>();
  const policies = entries.map(({ policy, tier, attach }) => {
    const { targetRefs: _, inherit: __, ...rest } = policy.spec;
    const fullName = `${policy.namespace}/${policy.name}`;
    const isFirst = !seen.has(fullName);
    seen.add(fullName);
    const name = isFirst ? fullName : `${fullName}@${tier}`;
    const seed = kind.steers && !isFirst ? { seed: fullName } : {};
    const where = naming.isEverywhere(policy, tier) ? {} : { attach };
    return { name, ...where, ...seed, ...rest };
  });
  // Metrics decide nothing.
  const token = kind.always === true || explainTokenSha256 === undefined ? {} : { explainTokenSha256 };
  return JSON.stringify({ policies, ...token, ...kind.settings?.(resources) });
}

/**
 * The filter tries policies in the order of its list, on every route the same. A policy with targets of
 * different tiers therefore gets one entry for each, where order counts.
 */
function collect(
  kind: PolicyKind,
  mesh: MeshModel,
  byRoute: ReadonlyMap<MeshRoute, readonly Attached[]>,
  naming: Naming,
): Map<string, Entry> {
  const { all } = new Places(mesh);
  const names = virtualHostsOfNames(all);
  const entries = new Map<string, Entry>();
  const seen = new Set<string>();
  for (const place of all.filter(naming.covers)) {
    const { virtualHost, route } = place;
    for (const { policy, kind: own, tier } of byRoute.get(route) ?? []) {
      if (own !== kind) continue;
      const key = `${policy.namespace}/${policy.name}${kind.ordered ? `@${tier}` : ""}`;
      const entry = entries.get(key) ?? { policy, tier, attach: [] };
      entries.set(key, entry);
      const identity = `${key}\n${virtualHost.name}\n${route.name}`;
      if (seen.has(identity)) continue;
      seen.add(identity);
      // Metrics read the route's number for their labels, and find it by both names with no further call.
      const isUnique = kind.always !== true && names.get(route.name)?.size === 1;
      entry.attach.push(...naming.attachments(place, isUnique));
    }
  }
  return entries;
}

function virtualHostsOfNames(places: readonly Place[]): Map<string, Set<string>> {
  const names = new Map<string, Set<string>>();
  for (const { virtualHost, route } of places) {
    const hosts = names.get(route.name) ?? new Set();
    names.set(route.name, hosts.add(virtualHost.name));
  }
  return names;
}

const byTier = (a: Entry, b: Entry): number =>
  tiers.indexOf(a.tier) - tiers.indexOf(b.tier) ||
  (nameOf(a) < nameOf(b) ? -1 : nameOf(a) > nameOf(b) ? 1 : 0);

const nameOf = ({ policy }: Entry): string => `${policy.namespace}\n${policy.name}`;
