// Which settings of a DestinationRule hold for one port of a host or of a subset, as istiod decides it.

import type { Subset, TrafficPolicy } from "../../schema/generated/types.ts";

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
