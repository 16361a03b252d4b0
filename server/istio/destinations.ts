// Where a VirtualService's routes send: each destination with its cluster, or what is wrong with it.

import type { ServiceDestination } from "../../schema/generated/types.ts";
import type { FieldPath } from "../../schema/path.ts";
import type { Resource } from "../model.ts";
import type { MeshDestination } from "./actions.ts";
import { type WrittenRoute, writtenAt } from "./delegates.ts";
import { checkHeaderValues } from "./header-values.ts";
import { clusterName, isVisible } from "./names.ts";
import { type Registry, type Service, serviceHost } from "./registry.ts";
import { hint, identity, place, type Report } from "./report.ts";
import type { Known } from "./routes.ts";

export function resolveDestinations(written: WrittenRoute, port: number, known: Known): MeshDestination[] {
  const { resource, index, http } = written;
  const destinations: MeshDestination[] = [];
  for (const [i, entry] of (http.route ?? []).entries()) {
    const path = ["spec", "http", index, "route", i];
    const found = resolveDestination(resource, entry.destination, [...path, "destination"], port, known);
    checkHeaderValues(resource, entry.headers, [...path, "headers"], known.report);
    if (found === undefined) continue;
    const weight = entry.weight ?? (http.route?.length === 1 ? 1 : 0);
    destinations.push({ ...found, weight, headers: entry.headers });
  }
  const at = writtenAt(written, "headers");
  checkHeaderValues(at.resource, http.headers, ["spec", "http", at.index, "headers"], known.report);
  reportWeights(resource, http.route, ["spec", "http", index, "route"], known.report);
  return destinations;
}

export function reportWeights(
  resource: Resource,
  entries: readonly { weight?: number }[] = [],
  path: FieldPath,
  report: Report,
): void {
  if (entries.length < 2 || entries.some((entry) => (entry.weight ?? 0) > 0)) return;
  report.error(
    resource,
    path,
    `The route has ${entries.length} destinations and none with a weight above 0. Give each its share as \`weight\`.`,
  );
}

/** Host, subset and port of a destination, or undefined after reporting why there is no such thing. */
export function resolveDestination(
  resource: Resource,
  destination: ServiceDestination,
  path: FieldPath,
  listenPort: number,
  known: Known,
): Pick<MeshDestination, "host" | "subset" | "port" | "cluster" | "hash"> | undefined {
  const { registry, clusters, report } = known;
  const host = serviceHost(destination.host, resource.namespace, registry.services);
  const service = registry.services.get(host);
  const isSeen = service && isVisible(service.resource.spec.exportTo, service.namespace, resource.namespace);
  if (service === undefined) known.unknown.add(host, resource, [...path, "host"]);
  else if (!isSeen) report.error(resource, [...path, "host"], notExported(host, service));
  const { subset } = destination;
  const rule = registry.rules.get(host);
  const isDefined = subset === undefined || rule?.subsets.has(subset) === true;
  // Where neither ServiceEntry nor DestinationRule is there, the missing host says it all.
  if (!isDefined && (service !== undefined || rule !== undefined)) {
    report.error(resource, [...path, "subset"], unknownSubset(host, subset, registry));
  }
  if (service === undefined || !isSeen || !isDefined) return undefined;
  const numbers = service.ports.map((p) => p.number);
  const port = destination.port?.number ?? (numbers.length === 1 ? (numbers[0] ?? 0) : listenPort);
  const cluster = clusterName(port, subset, host);
  const made = clusters.get(cluster);
  if (made !== undefined) return { host, subset, port, cluster, hash: made.hash };
  const message =
    destination.port === undefined
      ? `"${host}" has several ports (${numbers.join(", ")}) and none is ${port}: say which in \`port.number\`.`
      : `"${host}" has no port ${port}. Its ports: ${numbers.join(", ")}.`;
  report.error(
    resource,
    destination.port === undefined ? [...path, "host"] : [...path, "port", "number"],
    message,
  );
  return undefined;
}

function notExported(host: string, { resource }: Service): string {
  const scope = JSON.stringify(resource.spec.exportTo);
  return `"${host}" is not exported to this namespace: ${identity(resource)} (${place(resource)}) has exportTo ${scope}.`;
}

function unknownSubset(host: string, subset: string, registry: Registry): string {
  const rule = registry.rules.get(host);
  if (rule === undefined) {
    return `The subset "${subset}" of the host "${host}" is not defined: no DestinationRule is for this host. Add one with this subset.`;
  }
  const from = rule.resources.map((r) => `${identity(r)} (${place(r)})`).join(" and ");
  return `The subset "${subset}" of the host "${host}" is not defined: ${from} has none of this name.${hint(subset, [...rule.subsets.keys()], "subset")}`;
}
