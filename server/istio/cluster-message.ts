// One cluster with its endpoints, in Envoy's messages, from all that is said of it.

import { create } from "@bufbuild/protobuf";
import {
  type Cluster,
  type Cluster_CommonLbConfigSchema,
  Cluster_DiscoveryType as Discovery,
  Cluster_DnsLookupFamily,
  Cluster_LbPolicy,
  ClusterSchema,
} from "../../build/envoy-api/envoy/config/cluster/v3/cluster_pb.ts";
import type { ClusterLoadAssignment } from "../../build/envoy-api/envoy/config/endpoint/v3/endpoint_pb.ts";
import type { RouteAction_HashPolicy } from "../../build/envoy-api/envoy/config/route/v3/route_components_pb.ts";
import { HttpProtocolOptionsSchema } from "../../build/envoy-api/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.ts";
import type { HealthCheckSpec, ServicePort, Subset } from "../../schema/generated/types.ts";
import { balancing, hashPolicy, percentValue } from "./balancing.ts";
import type { ClientCertificates } from "./client-certificates.ts";
import { dynamicDiscovery } from "./dynamic-hosts.ts";
import { entriesOf, loadAssignment } from "./endpoints.ts";
import { healthCheckMessage } from "./health-checks.ts";
import { groupByLocality, placeGroups, type Viewpoint, weighsLocalities } from "./locality.ts";
import { clusterName, isWildcard } from "./names.ts";
import { errorMatcher, outlierMessage } from "./outlier.ts";
import { http1, keepalive, protocolOptions, speaksHttp2, thresholds } from "./pool.ts";
import { isHttp } from "./protocols.ts";
import type { Service } from "./registry.ts";
import type { MeshSecret } from "./secrets.ts";
import type { PortPolicy } from "./traffic-policy.ts";
import { type UpstreamTls, upstreamTls, withProxyProtocol } from "./upstream-tls.ts";
import { duration, type Fields, overAds, pack, seconds } from "./wire.ts";

export interface ClusterParts {
  message: Cluster;
  /** Delivered over EDS; undefined where the names are looked up in DNS. */
  endpoints: ClusterLoadAssignment | undefined;
  /** What of a request chooses the endpoint, for the routes to it. */
  hash: RouteAction_HashPolicy | undefined;
  /** What it needs over SDS. */
  secrets: readonly MeshSecret[];
}

/** Envoy's advice for the edge: a slow client must not make the proxy buffer much. */
export const bufferLimitBytes = 32_768;

/** What a cluster is made from. */
export interface ClusterOrigin {
  service: Service;
  port: ServicePort;
  subset: Subset | undefined;
  policy: PortPolicy;
  certificates: ClientCertificates;
  check: HealthCheckSpec | undefined;
  viewpoint: Viewpoint;
}

export function buildCluster(origin: ClusterOrigin): ClusterParts {
  const { service, port, subset, policy, certificates, check, viewpoint } = origin;
  const name = clusterName(port.number, subset?.name, service.host);
  const isH2 = speaksHttp2(port, policy.connectionPool);
  const tls = upstreamTls(policy.tls, certificates, service.resource.spec.subjectAltNames ?? [], isH2);
  const locality = policy.loadBalancer?.localityLbSetting;
  const detectsFailure = policy.outlierDetection !== undefined || check !== undefined;
  const groups = placeGroups(
    groupByLocality(entriesOf(service, subset)),
    locality,
    detectsFailure,
    viewpoint,
  );
  const assignment = loadAssignment(name, groups, port);
  const found = discovery(service, policy, tls, assignment);
  const message = create(ClusterSchema, {
    name,
    connectTimeout: connectTimeout(policy),
    perConnectionBufferLimitBytes: bufferLimitBytes,
    circuitBreakers: { thresholds: [thresholds(policy.connectionPool, policy.retryBudget)] },
    typedExtensionProtocolOptions: extensionOptions(port, policy, tls),
    commonLbConfig: commonLbConfig(policy, check, weighsLocalities(locality, detectsFailure)),
    ...balancing(policy.loadBalancer),
    ...found.fields,
    ...upstreamConnectionOptions(policy),
    ...transportSocket(policy, tls),
    ...(policy.outlierDetection === undefined
      ? {}
      : { outlierDetection: outlierMessage(policy.outlierDetection) }),
    ...(check === undefined
      ? {}
      : {
          healthChecks: [healthCheckMessage(check, service.host, isH2)],
          // Else an endpoint that is taken out of the files gets requests as long as it is well.
          ignoreHealthOnHostRemoval: true,
        }),
  });
  return {
    message,
    endpoints: found.isEds ? assignment : undefined,
    hash: hashPolicy(policy.loadBalancer),
    secrets: tls?.secrets ?? [],
  };
}

type ClusterFields = Fields<typeof ClusterSchema>;

const connectTimeout = ({ connectionPool }: PortPolicy) =>
  connectionPool?.tcp?.connectTimeout === undefined
    ? seconds(10)
    : duration(connectionPool.tcp.connectTimeout);

function upstreamConnectionOptions({ connectionPool }: PortPolicy): ClusterFields {
  const options = keepalive(connectionPool?.tcp?.tcpKeepalive);
  return options === undefined ? {} : { upstreamConnectionOptions: options };
}

function transportSocket(policy: PortPolicy, tls: UpstreamTls | undefined): ClusterFields {
  if (policy.proxyProtocol !== undefined) {
    return { transportSocket: withProxyProtocol(policy.proxyProtocol, tls?.socket) };
  }
  return tls === undefined ? {} : { transportSocket: tls.socket };
}

/** How Envoy learns of the endpoints. */
function discovery(
  service: Service,
  policy: PortPolicy,
  tls: UpstreamTls | undefined,
  assignment: ClusterLoadAssignment,
): { fields: ClusterFields; isEds: boolean } {
  if (isWildcard(service.host)) {
    const checksNames = tls?.autoSni === true && tls.autoSanValidation;
    return { fields: dynamicDiscovery(checksNames), isEds: false };
  }
  if (policy.loadBalancer?.simple === "PASSTHROUGH") {
    const fields: ClusterFields = {
      clusterDiscoveryType: { case: "type", value: Discovery.ORIGINAL_DST },
      lbPolicy: Cluster_LbPolicy.CLUSTER_PROVIDED,
    };
    return { fields, isEds: false };
  }
  const { resolution } = service.resource.spec;
  if (resolution === "STATIC") {
    const fields: ClusterFields = {
      clusterDiscoveryType: { case: "type", value: Discovery.EDS },
      edsClusterConfig: { edsConfig: overAds },
    };
    return { fields, isEds: true };
  }
  const type = resolution === "DNS_ROUND_ROBIN" ? Discovery.LOGICAL_DNS : Discovery.STRICT_DNS;
  const fields: ClusterFields = {
    clusterDiscoveryType: { case: "type", value: type },
    loadAssignment: assignment,
    dnsLookupFamily: Cluster_DnsLookupFamily.V4_PREFERRED,
  };
  return { fields, isEds: false };
}

/** With outlier detection Envoy's panic is off unless asked for, as in Istio; else it begins below 50 %. */
function commonLbConfig(
  policy: PortPolicy,
  check: HealthCheckSpec | undefined,
  weighsByLocality: boolean,
): Fields<typeof Cluster_CommonLbConfigSchema> {
  const outlier = policy.outlierDetection;
  const written = check?.panicThreshold ?? (outlier && (outlier.minHealthPercent ?? 0));
  return {
    ...(written === undefined ? {} : { healthyPanicThreshold: { value: percentValue(written) } }),
    ...(weighsByLocality ? { localityConfigSpecifier: { case: "localityWeightedLbConfig", value: {} } } : {}),
  };
}

function extensionOptions(port: ServicePort, policy: PortPolicy, tls: UpstreamTls | undefined) {
  const fromPool = protocolOptions(port, policy.connectionPool);
  const matcher = errorMatcher(policy.outlierDetection);
  // The name is the request's, which connections without requests do not have.
  const followsRequest = tls !== undefined && isHttp(port.protocol) && (tls.autoSni || tls.autoSanValidation);
  if (fromPool === undefined && matcher === undefined && !followsRequest) return {};
  const options = create(HttpProtocolOptionsSchema, {
    ...(fromPool ?? http1),
    ...(matcher === undefined ? {} : { outlierDetection: { errorMatcher: matcher } }),
    ...(followsRequest
      ? {
          upstreamHttpProtocolOptions: {
            autoSni: tls.autoSni,
            autoSanValidation: tls.autoSanValidation,
          },
        }
      : {}),
  });
  return {
    "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": pack(HttpProtocolOptionsSchema, options),
  };
}
