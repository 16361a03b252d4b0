// Services and their subsets to Envoy's clusters and endpoints, under Istio's names.

import { create } from "@bufbuild/protobuf";
import {
  type Cluster,
  Cluster_DiscoveryType as Discovery,
  Cluster_DnsLookupFamily,
  Cluster_LbPolicy,
  type Cluster_CommonLbConfigSchema,
  ClusterSchema,
} from "../../build/envoy-api/envoy/config/cluster/v3/cluster_pb.ts";
import type { ClusterLoadAssignment } from "../../build/envoy-api/envoy/config/endpoint/v3/endpoint_pb.ts";
import type { RouteAction_HashPolicy } from "../../build/envoy-api/envoy/config/route/v3/route_components_pb.ts";
import { HttpProtocolOptionsSchema } from "../../build/envoy-api/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.ts";
import type {
  HealthCheckSpec,
  ServiceEntrySpec,
  ServicePort,
  Subset,
  TrafficPolicy,
} from "../../schema/generated/types.ts";
import { balancing, hashPolicy, percentValue } from "./balancing.ts";
import { dynamicDiscovery } from "./dynamic-hosts.ts";
import { type ClientCertificates, clientCertificates } from "./client-certificates.ts";
import { entriesOf, loadAssignment } from "./endpoints.ts";
import { healthCheckFor, healthCheckMessage } from "./health-checks.ts";
import { groupByLocality, parseLocality, placeGroups, type Viewpoint, weighsLocalities } from "./locality.ts";
import { Memo, variantOf } from "./memo.ts";
import { clusterName, isWildcard } from "./names.ts";
import { errorMatcher, outlierMessage } from "./outlier.ts";
import { http1, keepalive, protocolOptions, speaksHttp2, thresholds } from "./pool.ts";
import { isHttp } from "./protocols.ts";
import type { HostRule, Registry, Service, View } from "./registry.ts";
import type { Report } from "./report.ts";
import type { Credentials, MeshSecret } from "./secrets.ts";
import { placeOfSetting, type PortPolicy, policyFor, type SettingPlace } from "./traffic-policy.ts";
import { type UpstreamTls, upstreamTls, withProxyProtocol } from "./upstream-tls.ts";
import { duration, type Fields, overAds, pack, seconds } from "./wire.ts";

export interface MeshCluster extends ClusterParts {
  name: string;
  service: Service;
  port: number;
  subset: string | undefined;
  /** Where its `tls` is written; undefined: it has none. */
  tls: SettingPlace | undefined;
}

interface ClusterParts {
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

/** Every service as a whole and by subset, for each of its ports: any of them can be a destination. */
export function buildClusters(
  registry: Registry,
  view: View,
  report: Report,
  credentials: Credentials = new Map(),
): Map<string, MeshCluster> {
  const clusters = new Map<string, MeshCluster>();
  const viewpoint = { locality: parseLocality(view.locality), labels: view.labels ?? {} };
  for (const service of registry.services.values()) {
    const rule = registry.rules.get(service.host);
    const checks = registry.healthChecks.get(service.host) ?? [];
    for (const subset of [undefined, ...(rule?.subsets.values() ?? [])]) {
      if (subset !== undefined) warnEmptySubset(service, subset, registry, report);
      for (const port of service.ports) {
        const name = clusterName(port.number, subset?.name, service.host);
        const check = healthCheckFor(checks, port.number, subset);
        const policy = policyFor(rule?.trafficPolicy, subset, port.number);
        const tls = rule && policy.tls && placeOfSetting(rule, subset, "tls", policy.tls);
        if (rule !== undefined) warnNoFailover(rule, subset, policy, check, report);
        const certificates =
          tls && policy.tls ? clientCertificates(policy.tls, tls, credentials, report) : {};
        const origin = { service, port, subset, policy, certificates, check, viewpoint };
        const parts = remembered(origin, rule?.trafficPolicy);
        clusters.set(name, { name, service, port: port.number, subset: subset?.name, tls, ...parts });
      }
    }
  }
  return clusters;
}

/** What a cluster is made from. */
interface Origin {
  service: Service;
  port: ServicePort;
  subset: Subset | undefined;
  policy: PortPolicy;
  certificates: ClientCertificates;
  check: HealthCheckSpec | undefined;
  viewpoint: Viewpoint;
}

/** By the service's port, then by the subset, policy and health check that it is made from. */
const made = new Memo<ServiceEntrySpec, Memo<object, Memo<object, ClusterParts>>>(4_096);
const none = {};

function remembered(origin: Origin, hostPolicy: TrafficPolicy | undefined): ClusterParts {
  const { service, port, subset, policy, certificates, check, viewpoint } = origin;
  const workloads = service.resource.spec.workloadSelector === undefined ? [] : (service.endpoints ?? []);
  const variant = [
    dependsOnPlace(policy, check) ? JSON.stringify(viewpoint) : "",
    policy.tls === undefined ? "" : JSON.stringify(certificates),
    variantOf(check),
    ...workloads.map(variantOf),
  ].join("\n");
  return made
    .get(service.resource.spec, `${service.host} ${port.number}`, () => new Memo())
    .get(subset ?? none, "", () => new Memo())
    .get(hostPolicy ?? none, variant, () => buildCluster(origin));
}

const dependsOnPlace = (policy: PortPolicy, check: HealthCheckSpec | undefined): boolean =>
  policy.loadBalancer?.localityLbSetting !== undefined ||
  policy.outlierDetection !== undefined ||
  check !== undefined;

function buildCluster(origin: Origin): ClusterParts {
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

/** PASSTHROUGH: not to endpoints of the service, but where the client wanted to go. */
export const goesToClientsAddress = ({ message: { clusterDiscoveryType } }: MeshCluster): boolean =>
  clusterDiscoveryType.case === "type" && clusterDiscoveryType.value === Discovery.ORIGINAL_DST;

/** How Envoy learns of the endpoints. */
function discovery(
  service: Service,
  policy: PortPolicy,
  tls: UpstreamTls | undefined,
  assignment: ClusterLoadAssignment,
): { fields: ClusterFields; isEds: boolean } {
  if (isWildcard(service.host)) return { fields: dynamicDiscovery(tls === undefined), isEds: false };
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

/** Envoy goes to another locality only when something tells it that the nearer ones are not well. */
function warnNoFailover(
  rule: HostRule,
  subset: Subset | undefined,
  { loadBalancer, outlierDetection }: PortPolicy,
  check: HealthCheckSpec | undefined,
  report: Report,
): void {
  const { enabled, failover, failoverPriority } = loadBalancer?.localityLbSetting ?? {};
  if (loadBalancer === undefined || enabled === false || outlierDetection !== undefined) return;
  const field = failover !== undefined ? "failover" : "failoverPriority";
  if ((failover ?? failoverPriority) === undefined || check !== undefined) return;
  const { resource, path } = placeOfSetting(rule, subset, "loadBalancer", loadBalancer);
  const message =
    "has no effect: nothing tells which endpoints are well. Add `outlierDetection`, or a HealthCheckPolicy.";
  report.warning(resource, [...path, "localityLbSetting", field], message);
}

function warnEmptySubset(service: Service, subset: Subset, registry: Registry, report: Report): void {
  if (service.endpoints === undefined || entriesOf(service, subset).length > 0) return;
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
