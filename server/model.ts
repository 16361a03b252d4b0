// The records that pass between the server's rooms: resources read from files, the snapshot built from
// them, and what is known of each connected proxy.

import type { Diagnostic, Position } from "../schema/diagnostic.ts";
import type { SidecarPorts } from "./istio/sidecars.ts";

/** One YAML document that has passed its schema. `spec` has the type generated for its kind. */
export interface Resource<Spec = unknown> {
  group: string;
  version: string;
  kind: string;
  namespace: string;
  name: string;
  labels: Readonly<Record<string, string>>;
  annotations: Readonly<Record<string, string>>;
  spec: Spec;
  /** `metadata.creationTimestamp`, where an API server has written one. */
  createdAt?: string;
  /** Of a resource in another's shape: where a field of it stands in what was written. */
  written?(path: readonly (string | number)[]): readonly (string | number)[];
  /** Where a field stands, such as `["spec", "http", 1]`; the nearest ancestor when it is absent. */
  position(path?: readonly (string | number)[]): Position;
}

/** A folder as read at one moment. With any error, nothing of it may be served. */
export interface Sources {
  resources: readonly Resource[];
  diagnostics: readonly Diagnostic[];
}

export const typeUrls = {
  cluster: "type.googleapis.com/envoy.config.cluster.v3.Cluster",
  endpoints: "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
  listener: "type.googleapis.com/envoy.config.listener.v3.Listener",
  routes: "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
  extension: "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig",
  secret: "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret",
} as const;

export type TypeUrl = (typeof typeUrls)[keyof typeof typeUrls];

/** One encoded resource. Unchanged resources keep this very object from snapshot to snapshot. */
export interface XdsResource {
  name: string;
  typeUrl: TypeUrl;
  /** Hash of `value`. */
  version: string;
  /** The encoded message, as it goes into an Any. */
  value: Uint8Array;
  /** Clusters that it sends to (routes, listeners), which must be there before it and go after it. */
  clusters: readonly string[];
}

/** Everything one kind of proxy gets, under one version. */
export interface Snapshot {
  /** Hash of all the resources' versions: equal content gives an equal version, also after a restart. */
  version: string;
  resources: ReadonlyMap<TypeUrl, ReadonlyMap<string, XdsResource>>;
}

/** Who is asking, from `node` of the first request on a stream. */
export interface NodeIdentity {
  id: string;
  cluster: string;
  role: "gateway" | "sidecar";
  namespace: string;
  labels: Readonly<Record<string, string>>;
  /** `region/zone/subzone`; absent when the node does not say. */
  locality?: string;
  /** Where a proxy beside a workload listens. */
  sidecar?: SidecarPorts;
  /** Envoy's version as `1.40.0`; empty when the node does not say. */
  envoyVersion: string;
}

/** Where the xDS server takes snapshots from. */
export interface SnapshotSource {
  /** Undefined until the first valid configuration. */
  current(node: NodeIdentity): Snapshot | undefined;
  /** Calls back after each new snapshot; the returned function ends that. */
  subscribe(onChange: () => void): () => void;
}

export type TypeSync = {
  /** Version last acknowledged, empty before the first ACK. */
  acknowledged: string;
  /** Version of the response under way, or refused. */
  sent: string;
  state: "synced" | "pending" | "nacked";
  /** Envoy's reason, when nacked. */
  error: string;
};

export interface ProxyState {
  node: NodeIdentity;
  peer: string;
  connectedAt: string;
  variant: "delta" | "sotw";
  /** The snapshot that the proxy has acknowledged in all its types. */
  version: string;
  types: Partial<Record<TypeUrl, TypeSync>>;
}
