// Envoy's resources from the mesh and its policies, encoded, each under a version made from its bytes.

import { createHash } from "node:crypto";
import { create, type DescMessage, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import { ClusterSchema } from "../build/envoy-api/envoy/config/cluster/v3/cluster_pb.ts";
import { TypedExtensionConfigSchema } from "../build/envoy-api/envoy/config/core/v3/extension_pb.ts";
import { ClusterLoadAssignmentSchema } from "../build/envoy-api/envoy/config/endpoint/v3/endpoint_pb.ts";
import { ListenerSchema } from "../build/envoy-api/envoy/config/listener/v3/listener_pb.ts";
import {
  FilterConfigSchema,
  type Route,
} from "../build/envoy-api/envoy/config/route/v3/route_components_pb.ts";
import {
  type RouteConfiguration,
  RouteConfigurationSchema,
} from "../build/envoy-api/envoy/config/route/v3/route_pb.ts";
import { listenerMessage, routeConfiguration, throttleFilter } from "./istio/listeners.ts";
import type { MeshListener } from "./istio/mesh.ts";
import type { MeshRoute } from "./istio/routes.ts";
import type { MeshVirtualHost } from "./istio/virtual-hosts.ts";
import { pack } from "./istio/wire.ts";
import { type Snapshot, type TypeUrl, typeUrls, type XdsResource } from "./model.ts";
import type { DerivedRoute } from "./policy/destinations.ts";
import type { PolicyKind } from "./policy/kinds.ts";
import { pluginConfig, slotOf } from "./policy/plugin.ts";
import type { Mesh, SnapshotOptions } from "./snapshot.ts";

/** By type, name and version. What is in `before` is taken from there, object and bytes. */
export interface ResourcePool {
  before: ReadonlyMap<string, XdsResource>;
  now: Map<string, XdsResource>;
}

interface Input {
  mesh: Mesh;
  plugins: readonly { kind: PolicyKind; configuration: string }[];
  options: SnapshotOptions;
  envoyVersion: string;
  pool: ResourcePool;
}

export function encodeSnapshot(input: Input): Snapshot {
  const { mesh, plugins, options, pool } = input;
  const all: XdsResource[] = [];
  const put = <Desc extends DescMessage>(
    schema: Desc,
    name: string,
    message: MessageShape<Desc>,
    clusters: readonly string[] = [],
  ): void => {
    all.push(encode(schema, name, message, clusters, pool));
  };
  for (const cluster of mesh.clusters.values()) {
    put(ClusterSchema, cluster.name, cluster.message);
    if (cluster.endpoints !== undefined) put(ClusterLoadAssignmentSchema, cluster.name, cluster.endpoints);
  }
  const slots = plugins.map(({ kind }) => slotOf(kind));
  for (const listener of mesh.listeners) {
    const routes = routeTable(mesh, listener, plugins);
    put(ListenerSchema, listener.name, listenerMessage(listener, slots));
    put(RouteConfigurationSchema, listener.routeConfig, routes, destinationsOf(routes));
  }
  for (const { kind, configuration } of plugins) {
    const module = options.modules[kind.module];
    if (module === undefined) continue;
    const policies = mesh.policies.flatMap((p) => (p.kind === kind && p.inForce ? [p.inForce] : []));
    const { delivery } = options;
    const { envoyVersion } = input;
    const plugin = pluginConfig({ kind, module, configuration, policies, delivery, envoyVersion });
    put(TypedExtensionConfigSchema, kind.slot, plugin);
  }
  return snapshotOf(all);
}

/** The route table of a listener with what policies add: derived routes, first, and filters switched on. */
export function routeTable(
  mesh: Mesh,
  listener: MeshListener,
  plugins: readonly { kind: PolicyKind }[],
): RouteConfiguration {
  const served = new Set(plugins.map(({ kind }) => kind));
  return routeConfiguration(listener, (virtualHost) => virtualHostRoutes(mesh, virtualHost, served));
}

function virtualHostRoutes(
  mesh: Mesh,
  virtualHost: MeshVirtualHost,
  served: ReadonlySet<PolicyKind>,
): Route[] {
  return routesInOrder(mesh, virtualHost).map(({ message, route }) => ({
    ...message,
    typedPerFilterConfig: switchedOn(mesh, route, served),
  }));
}

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

/** A filter is off in the listener; an entry without settings on a route switches it on there. */
function switchedOn(mesh: Mesh, route: MeshRoute, served: ReadonlySet<PolicyKind>) {
  const attached = (mesh.byRoute.get(route) ?? []).map((a) => a.kind);
  const kinds = new Set(attached.filter((k) => served.has(k) && k.always !== true));
  const names = [...kinds].map((kind) => kind.slot);
  const throttles = (mesh.byRoute.get(route) ?? []).some(
    ({ kind, policy }) => kinds.has(kind) && kind.throttles?.(policy) === true,
  );
  if (throttles) names.push(throttleFilter);
  return Object.fromEntries(names.sort().map((name) => [name, on]));
}

function destinationsOf(routes: RouteConfiguration): string[] {
  const clusters = new Set<string>();
  for (const { action } of routes.virtualHosts.flatMap((v) => v.routes)) {
    if (action.case !== "route") continue;
    const { clusterSpecifier } = action.value;
    if (clusterSpecifier.case === "cluster") clusters.add(clusterSpecifier.value);
    if (clusterSpecifier.case === "weightedClusters") {
      for (const { name } of clusterSpecifier.value.clusters) clusters.add(name);
    }
  }
  return [...clusters].sort();
}

function encode<Desc extends DescMessage>(
  schema: Desc,
  name: string,
  message: MessageShape<Desc>,
  clusters: readonly string[],
  pool: ResourcePool,
): XdsResource {
  const typeUrl = `type.googleapis.com/${schema.typeName}` as TypeUrl;
  const value = toBinary(schema, message);
  const version = createHash("sha256").update(value).digest("hex").slice(0, 16);
  const key = `${typeUrl}\n${name}\n${version}`;
  const known = pool.now.get(key) ?? pool.before.get(key);
  const resource = known ?? { name, typeUrl, version, value, clusters };
  pool.now.set(key, resource);
  return resource;
}

function snapshotOf(all: readonly XdsResource[]): Snapshot {
  const byType = Object.values(typeUrls).map((typeUrl): [TypeUrl, Map<string, XdsResource>] => {
    const ofType = all.filter((r) => r.typeUrl === typeUrl);
    return [typeUrl, new Map(ofType.map((r) => [r.name, r]))];
  });
  const hash = createHash("sha256");
  for (const line of all.map((r) => `${r.typeUrl}\n${r.name}\n${r.version}\n`).sort()) hash.update(line);
  return { version: hash.digest("hex").slice(0, 16), resources: new Map(byType) };
}
