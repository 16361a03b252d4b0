// Envoy's resources from the mesh and its policies, encoded, each under a version made from its bytes.

import { createHash } from "node:crypto";
import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { ClusterSchema } from "../build/envoy-api/envoy/config/cluster/v3/cluster_pb.ts";
import { TypedExtensionConfigSchema } from "../build/envoy-api/envoy/config/core/v3/extension_pb.ts";
import { ClusterLoadAssignmentSchema } from "../build/envoy-api/envoy/config/endpoint/v3/endpoint_pb.ts";
import { ListenerSchema } from "../build/envoy-api/envoy/config/listener/v3/listener_pb.ts";
import { RouteConfigurationSchema } from "../build/envoy-api/envoy/config/route/v3/route_pb.ts";
import { SecretSchema } from "../build/envoy-api/envoy/extensions/transport_sockets/tls/v3/secret_pb.ts";
import { contentVersion, encodeOnce } from "./encoded.ts";
import { withLookups } from "./istio/dynamic-hosts.ts";
import { destinationHeader, listenerMessage } from "./istio/listeners.ts";
import type { MeshListener } from "./istio/mesh.ts";
import { observability } from "./istio/observability.ts";
import { clustersOf } from "./istio/tcp-proxy.ts";
import { collector } from "./istio/tracing.ts";
import { type Snapshot, type TypeUrl, typeUrls, type XdsResource } from "./model.ts";
import type { PolicyKind } from "./policy/kinds.ts";
import { hasVmCapabilities, pluginConfig, slotOf } from "./policy/plugin.ts";
import { encodeRouteTable } from "./route-table.ts";
import type { SecretStore } from "./secret-store.ts";
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
  secrets: SecretStore;
}

export function encodeSnapshot(input: Input): Snapshot {
  const { mesh, plugins, options, pool } = input;
  const all: XdsResource[] = [];
  const put = <Desc extends DescMessage>(schema: Desc, name: string, message: MessageShape<Desc>): void => {
    all.push(pooled(schema, name, encodeOnce(schema, message), [], pool));
  };
  for (const cluster of mesh.clusters.values()) {
    put(ClusterSchema, cluster.name, cluster.message);
    if (cluster.endpoints !== undefined) put(ClusterLoadAssignmentSchema, cluster.name, cluster.endpoints);
  }
  const served = new Set(plugins.map(({ kind }) => kind));
  const slots = plugins.map(({ kind }) => slotOf(kind));
  const decisionTags = hasVmCapabilities(input.envoyVersion);
  const observed = withLookups(
    observability(options, destinationHeader, decisionTags),
    mesh.registry.services.values(),
  );
  if (options.tracing !== undefined) {
    const cluster = collector(options.tracing);
    put(ClusterSchema, cluster.name, cluster);
  }
  for (const chains of listenersByName(mesh)) {
    const message = encodeOnce(ListenerSchema, listenerMessage(chains, slots, observed));
    const clusters = chains.flatMap(({ tcp }) => (tcp === undefined ? [] : clustersOf(tcp)));
    all.push(pooled(ListenerSchema, chains[0].name, message, [...new Set(clusters)].sort(), pool));
  }
  for (const listener of mesh.listeners) {
    if (listener.tcp !== undefined) continue;
    const { value, clusters } = encodeRouteTable(mesh, listener, served);
    all.push(pooled(RouteConfigurationSchema, listener.routeConfig, value, clusters, pool));
  }
  for (const { secret } of mesh.secrets) {
    const message = input.secrets.message(secret);
    if (message !== undefined) put(SecretSchema, secret.name, message);
  }
  for (const { kind, configuration } of plugins) {
    const module = options.modules[kind.module];
    if (module === undefined) continue;
    const policies = mesh.policies.flatMap((p) => (p.kind === kind && p.inForce ? [p.inForce] : []));
    const { delivery } = options;
    const { envoyVersion } = input;
    const explains = options.explainTokenSha256 !== undefined;
    const plugin = pluginConfig({
      kind,
      module,
      configuration,
      policies,
      explains,
      delivery,
      envoyVersion,
    });
    put(TypedExtensionConfigSchema, kind.slot, plugin);
  }
  return snapshotOf(all);
}

function listenersByName({ listeners }: Mesh): [MeshListener, ...MeshListener[]][] {
  const byName = new Map<string, [MeshListener, ...MeshListener[]]>();
  for (const listener of listeners) {
    const chains = byName.get(listener.name);
    if (chains === undefined) byName.set(listener.name, [listener]);
    else chains.push(listener);
  }
  return [...byName.values()];
}

function pooled(
  schema: DescMessage,
  name: string,
  value: Uint8Array,
  clusters: readonly string[],
  pool: ResourcePool,
): XdsResource {
  const typeUrl = `type.googleapis.com/${schema.typeName}` as TypeUrl;
  const version = contentVersion(value);
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
