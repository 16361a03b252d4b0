// Which settings of a DestinationRule hold for one port of a host or of a subset, as istiod decides it.

import type { Subset, TrafficPolicy } from "../../schema/generated/types.ts";
import type { FieldPath } from "../../schema/path.ts";
import type { Resource } from "../model.ts";
import type { HostRule } from "./registry.ts";

/** What a port's own settings stand in place of: all four, also those that it leaves out. */
const portLevel = ["loadBalancer", "connectionPool", "outlierDetection", "tls"] as const;

export type PortPolicy = Omit<TrafficPolicy, "portLevelSettings">;

/** A subset's settings stand in place of the host's, one by one; a port's in place of those for all ports. */
export function policyFor(
  host: TrafficPolicy | undefined,
  subset: Subset | undefined,
  port: number,
): PortPolicy {
  const own = ofPort(host, port).policy;
  if (subset?.trafficPolicy === undefined) return own;
  const { policy, isPortLevel } = ofPort(subset.trafficPolicy, port);
  return isPortLevel ? { ...without(own), ...policy } : { ...own, ...policy };
}

function ofPort(
  policy: TrafficPolicy | undefined,
  port: number,
): { policy: PortPolicy; isPortLevel: boolean } {
  const { portLevelSettings, ...all } = policy ?? {};
  const settings = portLevelSettings?.find((s) => s.port.number === port);
  if (settings === undefined) return { policy: all, isPortLevel: false };
  const { port: _, ...own } = settings;
  return { policy: own, isPortLevel: true };
}

function without(policy: PortPolicy): PortPolicy {
  const rest = { ...policy };
  for (const field of portLevel) delete rest[field];
  return rest;
}

/** Where a setting is written. */
export interface SettingPlace {
  resource: Resource;
  path: FieldPath;
}

/** Of a setting that `policyFor` has found: in the subset or for the host, for a port or for all. */
export function placeOfSetting(
  rule: HostRule,
  subset: Subset | undefined,
  field: (typeof portLevel)[number],
  value: object,
): SettingPlace {
  for (const resource of rule.resources) {
    const index = subset === undefined ? -1 : (resource.spec.subsets ?? []).indexOf(subset);
    const policies: [TrafficPolicy | undefined, FieldPath][] = [
      [subset?.trafficPolicy, ["spec", "subsets", index, "trafficPolicy"]],
      [resource.spec.trafficPolicy, ["spec", "trafficPolicy"]],
    ];
    for (const [policy, path] of index < 0 ? policies.slice(1) : policies) {
      if (policy?.[field] === value) return { resource, path: [...path, field] };
      const port = (policy?.portLevelSettings ?? []).findIndex((p) => p[field] === value);
      if (port >= 0) return { resource, path: [...path, "portLevelSettings", port, field] };
    }
  }
  throw new Error(`the ${field} is of none of the rules`);
}
