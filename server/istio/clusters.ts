// Services and their subsets to Envoy's clusters and endpoints, under Istio's names.

import { create } from "@bufbuild/protobuf";
import {
  type Cluster,
  Cluster_DiscoveryType,
  Cluster_DnsLookupFamily,
  Cluster_LbPolicy,
  ClusterSchema,
} from "../../build/envoy-api/envoy/config/cluster/v3/cluster_pb.ts";
import {
  type LbEndpoint,
  LbEndpointSchema,
} from "../../build/envoy-api/envoy/config/endpoint/v3/endpoint_components_pb.ts";
import {
  type ClusterLoadAssignment,
  ClusterLoadAssignmentSchema,
} from "../../build/envoy-api/envoy/config/endpoint/v3/endpoint_pb.ts";
import { HttpProtocolOptionsSchema } from "../../build/envoy-api/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.ts";
import type {
  ConnectionPoolSettings,
  ServiceEntrySpec,
  ServicePort,
  Subset,
  TrafficPolicy,
  WorkloadEntry,
} from "../../schema/generated/types.ts";
import { Memo } from "./memo.ts";
import { clusterName } from "./names.ts";
import type { Registry, Service } from "./registry.ts";
import type { Report } from "./report.ts";
import { duration, overAds, pack, seconds, socketAddress } from "./wire.ts";

export interface MeshCluster {
  name: string;
  service: Service;
  port: number;
  subset: string | undefined;
  message: Cluster;
  /** Delivered over EDS; undefined where the names are looked up in DNS. */
  endpoints: ClusterLoadAssignment | undefined;
}

/** Istio's default: no limit but what a DestinationRule sets. */
const unlimited = 0xffff_ffff;

/** Envoy's advice for the edge: a slow client must not make the proxy buffer much. */
export const bufferLimitBytes = 32_768;

/** Every service as a whole and by subset, for each of its ports: any of them can be a destination. */
export function buildClusters(registry: Registry, report: Report): Map<string, MeshCluster> {
  const clusters = new Map<string, MeshCluster>();
  for (const service of registry.services.values()) {
    const rule = registry.rules.get(service.host);
    for (const subset of [undefined, ...(rule?.subsets.values() ?? [])]) {
      if (subset !== undefined) warnEmptySubset(service, subset, registry, report);
      for (const port of service.ports) {
        const name = clusterName(port.number, subset?.name, service.host);
        const messages = remembered(service, port, subset, rule?.trafficPolicy);
        clusters.set(name, { name, service, port: port.number, subset: subset?.name, ...messages });
      }
    }
  }
  return clusters;
}

/** A subset's settings stand in place of the host's, one by one. */
const policyOf = (host: TrafficPolicy | undefined, subset: Subset | undefined): TrafficPolicy => ({
  ...host,
  ...subset?.trafficPolicy,
});

type Messages = Pick<MeshCluster, "message" | "endpoints">;

/** By what a cluster is made from: the service's port, then the subset and policy of its DestinationRules. */
const made = new Memo<ServiceEntrySpec, Memo<object, Memo<object, Messages>>>(4_096);
const none = {};

function remembered(
  service: Service,
  port: ServicePort,
  subset: Subset | undefined,
  policy: TrafficPolicy | undefined,
): Messages {
  return made
    .get(service.resource.spec, `${service.host} ${port.number}`, () => new Memo())
    .get(subset ?? none, "", () => new Memo())
    .get(policy ?? none, "", () => buildCluster(service, port, subset, policyOf(policy, subset)));
}

function buildCluster(
  service: Service,
  port: ServicePort,
  subset: Subset | undefined,
  policy: TrafficPolicy,
): Messages {
  const name = clusterName(port.number, subset?.name, service.host);
  const assignment = create(ClusterLoadAssignmentSchema, {
    clusterName: name,
    endpoints: [endpointsOf(service, port, subset)],
  });
  const dns = service.resource.spec.resolution === "DNS";
  const message = create(ClusterSchema, {
    name,
    connectTimeout:
      policy.connectionPool?.tcp?.connectTimeout === undefined
        ? seconds(10)
        : duration(policy.connectionPool.tcp.connectTimeout),
    perConnectionBufferLimitBytes: bufferLimitBytes,
    lbPolicy: lbPolicy(policy),
    circuitBreakers: { thresholds: [thresholds(policy.connectionPool)] },
    typedExtensionProtocolOptions: protocolOptions(port, policy.connectionPool),
    ...(dns
      ? {
          clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.STRICT_DNS },
          loadAssignment: assignment,
          dnsLookupFamily: Cluster_DnsLookupFamily.V4_PREFERRED,
        }
      : {
          clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.EDS },
          edsClusterConfig: { edsConfig: overAds },
        }),
  });
  return { message, endpoints: dns ? undefined : assignment };
}

function lbPolicy(policy: TrafficPolicy): Cluster_LbPolicy {
  switch (policy.loadBalancer?.simple) {
    case "ROUND_ROBIN":
      return Cluster_LbPolicy.ROUND_ROBIN;
    case "RANDOM":
      return Cluster_LbPolicy.RANDOM;
    default:
      return Cluster_LbPolicy.LEAST_REQUEST;
  }
}

/** 0 stands for no limit, as in Istio. */
function thresholds(pool: ConnectionPoolSettings | undefined) {
  return {
    maxConnections: pool?.tcp?.maxConnections || unlimited,
    maxPendingRequests: pool?.http?.http1MaxPendingRequests || unlimited,
    maxRequests: pool?.http?.http2MaxRequests || unlimited,
    maxRetries: pool?.http?.maxRetries || unlimited,
    trackRemaining: true,
  };
}

function protocolOptions(port: ServicePort, pool: ConnectionPoolSettings | undefined) {
  const http2 = port.protocol === "HTTP2" || port.protocol === "GRPC";
  const idleTimeout = pool?.http?.idleTimeout;
  const maxRequests = pool?.http?.maxRequestsPerConnection ?? 0;
  if (!http2 && idleTimeout === undefined && maxRequests === 0) return {};
  const options = create(HttpProtocolOptionsSchema, {
    commonHttpProtocolOptions: {
      ...(idleTimeout === undefined ? {} : { idleTimeout: duration(idleTimeout) }),
      ...(maxRequests === 0 ? {} : { maxRequestsPerConnection: maxRequests }),
    },
    upstreamProtocolOptions: {
      case: "explicitHttpConfig",
      value: {
        protocolConfig: http2
          ? { case: "http2ProtocolOptions", value: {} }
          : { case: "httpProtocolOptions", value: {} },
      },
    },
  });
  return {
    "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": pack(HttpProtocolOptionsSchema, options),
  };
}

function endpointsOf(service: Service, port: ServicePort, subset: Subset | undefined) {
  return { lbEndpoints: endpoints(service, subset).map((entry) => lbEndpoint(entry, port)) };
}

/** With DNS and no endpoints the hosts themselves are looked up. */
function endpoints(service: Service, subset: Subset | undefined): WorkloadEntry[] {
  const { resolution, endpoints: written } = service.resource.spec;
  const all = written ?? (resolution === "DNS" ? [{ address: service.host }] : []);
  const wanted = Object.entries(subset?.labels ?? {});
  return all.filter((entry) => wanted.every(([key, value]) => entry.labels?.[key] === value));
}

function lbEndpoint(entry: WorkloadEntry, port: ServicePort): LbEndpoint {
  const number = entry.ports?.[port.name] ?? port.targetPort ?? port.number;
  return create(LbEndpointSchema, {
    hostIdentifier: { case: "endpoint", value: { address: socketAddress(entry.address, number) } },
    loadBalancingWeight: entry.weight || 1,
  });
}

function warnEmptySubset(service: Service, subset: Subset, registry: Registry, report: Report): void {
  if (service.resource.spec.resolution === "DNS" && service.resource.spec.endpoints === undefined) return;
  if (endpoints(service, subset).length > 0) return;
  const rule = registry.rules.get(service.host)?.resources.find((r) => r.spec.subsets?.includes(subset));
  if (rule === undefined) return;
  const labels = Object.entries(subset.labels ?? {}).map(([key, value]) => `${key}: ${value}`);
  report.warning(
    rule,
    ["spec", "subsets", rule.spec.subsets?.indexOf(subset) ?? 0, "labels"],
    `No endpoint of "${service.host}" has the labels {${labels.join(", ")}}: requests to the subset ` +
      `"${subset.name}" are answered 503.`,
  );
}
