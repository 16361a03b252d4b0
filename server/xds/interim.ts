// A route table for the moment in which filters change. The header-routing filter steers by a header that
// only derived routes match, so until every worker runs the new filter both the old derived routes and
// the new ones must be there; a choice without its route would silently fall back to the base route.

import { createHash } from "node:crypto";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  type Route,
  RouteMatchSchema,
  type VirtualHost,
} from "../../build/envoy-api/envoy/config/route/v3/route_components_pb.ts";
import { RouteConfigurationSchema } from "../../build/envoy-api/envoy/config/route/v3/route_pb.ts";
import type { XdsResource } from "../model.ts";

const steeringHeader = "x-sluice-destination";

/** The new table with the old derived routes that it lacks; undefined when it lacks none. */
export function interimRoutes(old: XdsResource, next: XdsResource): XdsResource | undefined {
  const before = fromBinary(RouteConfigurationSchema, old.value);
  const after = fromBinary(RouteConfigurationSchema, next.value);
  const oldHosts = new Map(before.virtualHosts.map((host) => [host.name, host]));
  let isNeeded = false;
  for (const host of after.virtualHosts) {
    const kept = missingRoutes(oldHosts.get(host.name), host);
    if (kept.length === 0) continue;
    host.routes.unshift(...kept);
    isNeeded = true;
  }
  if (!isNeeded) return undefined;
  const value = toBinary(RouteConfigurationSchema, after);
  const version = createHash("sha256").update(value).digest("hex").slice(0, 16);
  const clusters = [...new Set([...old.clusters, ...next.clusters])];
  return { name: next.name, typeUrl: next.typeUrl, version, value, clusters };
}

function missingRoutes(old: VirtualHost | undefined, next: VirtualHost): Route[] {
  const oldDerived = old?.routes.filter(isDerived) ?? [];
  if (oldDerived.length === 0) return [];
  const there = new Set(next.routes.filter(isDerived).map(matchKey));
  return oldDerived.filter((route) => !there.has(matchKey(route)));
}

function isDerived(route: Route): boolean {
  return route.match?.headers.some((header) => header.name === steeringHeader) ?? false;
}

function matchKey(route: Route): string {
  return route.match ? Buffer.from(toBinary(RouteMatchSchema, route.match)).toString("base64") : "";
}
