// A listener's route table with what policies add: derived routes, first in their virtual host, and filters
// switched on where they have something to do, and each route's identity.
//
// A table of 10,000 routes is put together from the bytes of its routes, so that an edit encodes only the
// routes that it touches: a message's fields may come in any order, and those of a part are merged.

import { create } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import {
  FilterConfigSchema,
  type Route,
  RouteSchema,
  type VirtualHost,
  VirtualHostSchema,
} from "../build/envoy-api/envoy/config/route/v3/route_components_pb.ts";
import { RouteConfigurationSchema } from "../build/envoy-api/envoy/config/route/v3/route_pb.ts";
import { encodeOnce } from "./encoded.ts";
import { routeConfiguration, throttleFilter } from "./istio/listeners.ts";
import { Memo } from "./istio/memo.ts";
import type { MeshListener } from "./istio/mesh.ts";
import type { MeshRoute } from "./istio/routes.ts";
import type { MeshVirtualHost } from "./istio/virtual-hosts.ts";
import { pack } from "./istio/wire.ts";
import type { DerivedRoute } from "./policy/destinations.ts";
import type { PolicyKind } from "./policy/kinds.ts";
import { routeIdField } from "./route-id.ts";
import type { Mesh } from "./snapshot.ts";

export interface RouteTable {
  /** A RouteConfiguration. */
  value: Uint8Array;
  /** Clusters that its routes send to. */
  clusters: string[];
}

export function encodeRouteTable(
  mesh: Mesh,
  listener: MeshListener,
  served: ReadonlySet<PolicyKind>,
): RouteTable {
  const frame = routeConfiguration(listener);
  const table = new BinaryWriter().raw(encodeOnce(RouteConfigurationSchema, { ...frame, virtualHosts: [] }));
  const virtualHosts = listener.virtualHosts.filter((v) => v.domains.length > 0);
  const clusters = new Set<string>();
  for (const [i, virtualHost] of virtualHosts.entries()) {
    const routes = routesInOrder(mesh, virtualHost);
    const writer = new BinaryWriter().raw(
      encodeOnce(VirtualHostSchema, frame.virtualHosts[i] as VirtualHost),
    );
    for (const { message, route } of routes) {
      const own = encodeOnce(RouteSchema, message);
      const filters = switchedOn(switchesOf(mesh, route, served));
      const id = identityOf(route, virtualHost);
      writer
        .uint32(routesField)
        .uint32(own.length + filters.length + id.length)
        .raw(own)
        .raw(filters)
        .raw(id);
      addDestinations(message, clusters);
    }
    table.uint32(virtualHostsField).bytes(writer.finish());
  }
  return { value: table.finish(), clusters: [...clusters].sort() };
}

const tagOf = (field: number): number => (field << 3) | WireType.LengthDelimited;
const virtualHostsField = tagOf(RouteConfigurationSchema.field.virtualHosts.number);
const routesField = tagOf(VirtualHostSchema.field.routes.number);

export interface PlacedRoute {
  message: Route;
  route: MeshRoute;
  /** Set where `message` is derived from the route. */
  derived: DerivedRoute | undefined;
}

/** A virtual host's routes as Envoy tries them: derived ones first. */
export function routesInOrder(mesh: Mesh, virtualHost: MeshVirtualHost): PlacedRoute[] {
  const derivedRoutes: PlacedRoute[] = [];
  const seen = new Set<string>();
  for (const route of virtualHost.routes) {
    for (const derived of mesh.derived.get(route) ?? []) {
      // One route with several conditions gives the same derived route for each condition on one path.
      const { pathSpecifier, caseSensitive } = derived.message.match ?? {};
      const key = JSON.stringify([derived.value, pathSpecifier, caseSensitive]);
      if (seen.has(key)) continue;
      seen.add(key);
      derivedRoutes.push({ message: derived.message, route, derived });
    }
  }
  const own = virtualHost.routes.map((route) => ({ message: route.message, route, derived: undefined }));
  return [...derivedRoutes, ...own];
}

const on = pack(FilterConfigSchema, create(FilterConfigSchema, { config: create(AnySchema) }));

/** The filters that a route switches on: they are off in the listener. */
function switchesOf(mesh: Mesh, route: MeshRoute, served: ReadonlySet<PolicyKind>): string[] {
  const attached = (mesh.byRoute.get(route) ?? []).filter(({ kind }) => served.has(kind) && !kind.always);
  const names = new Set(attached.map(({ kind }) => kind.slot));
  if (attached.some(({ kind, policy }) => kind.throttles?.(policy) === true)) names.add(throttleFilter);
  return [...names].sort();
}

const identities = new Memo<Route, Uint8Array>();

const identityOf = ({ message, name }: MeshRoute, virtualHost: MeshVirtualHost): Uint8Array =>
  identities.get(message, virtualHost.name, () => routeIdField(virtualHost.name, name));

const switches = new Map<string, Uint8Array>();

/** A route with nothing but an entry without settings for each filter, which is what switches it on. */
function switchedOn(names: readonly string[]): Uint8Array {
  const key = names.join("\n");
  const known = switches.get(key);
  if (known !== undefined) return known;
  const typedPerFilterConfig = Object.fromEntries(names.map((name) => [name, on]));
  const bytes = encodeOnce(RouteSchema, create(RouteSchema, { typedPerFilterConfig }));
  switches.set(key, bytes);
  return bytes;
}

function addDestinations({ action }: Route, clusters: Set<string>): void {
  if (action.case !== "route") return;
  const { clusterSpecifier, requestMirrorPolicies } = action.value;
  for (const { cluster } of requestMirrorPolicies) clusters.add(cluster);
  if (clusterSpecifier.case === "cluster") clusters.add(clusterSpecifier.value);
  if (clusterSpecifier.case === "weightedClusters") {
    for (const { name } of clusterSpecifier.value.clusters) clusters.add(name);
  }
}
