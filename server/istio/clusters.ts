// Services and their subsets to Envoy's clusters and endpoints, under Istio's names.

import { Cluster_DiscoveryType as Discovery } from "../../build/envoy-api/envoy/config/cluster/v3/cluster_pb.ts";
import type {
  HealthCheckSpec,
  ServiceEntrySpec,
  Subset,
  TrafficPolicy,
} from "../../schema/generated/types.ts";
import { clientCertificates } from "./client-certificates.ts";
import { buildCluster, type ClusterOrigin, type ClusterParts } from "./cluster-message.ts";
import { entriesOf } from "./endpoints.ts";
import { healthCheckFor } from "./health-checks.ts";
import { parseLocality } from "./locality.ts";
import { Memo, variantOf } from "./memo.ts";
import { clusterName } from "./names.ts";
import type { HostRule, Registry, Service, View } from "./registry.ts";
import type { Report } from "./report.ts";
import type { Credentials } from "./secrets.ts";
import { placeOfSetting, type PortPolicy, policyFor, type SettingPlace } from "./traffic-policy.ts";

export interface MeshCluster extends ClusterParts {
  name: string;
  service: Service;
  port: number;
  subset: string | undefined;
  /** Where its `tls` is written; undefined: it has none. */
  tls: SettingPlace | undefined;
}

/** PASSTHROUGH: not to endpoints of the service, but where the client wanted to go. */
export const goesToClientsAddress = ({ message: { clusterDiscoveryType } }: MeshCluster): boolean =>
  clusterDiscoveryType.case === "type" && clusterDiscoveryType.value === Discovery.ORIGINAL_DST;

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

/** By the service's port, then by the subset, policy and health check that it is made from. */
const made = new Memo<ServiceEntrySpec, Memo<object, Memo<object, ClusterParts>>>(4_096);
const none = {};

function remembered(origin: ClusterOrigin, hostPolicy: TrafficPolicy | undefined): ClusterParts {
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
    .get(subset ?? none, "", () => new Memo(256)) // as many kinds of proxies as there are places
    .get(hostPolicy ?? none, variant, () => buildCluster(origin));
}

const dependsOnPlace = (policy: PortPolicy, check: HealthCheckSpec | undefined): boolean =>
  policy.loadBalancer?.localityLbSetting !== undefined ||
  policy.outlierDetection !== undefined ||
  check !== undefined;

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
