// HealthCheckPolicy to Envoy's active health checks.

import { RequestMethod } from "../../build/envoy-api/envoy/config/core/v3/base_pb.ts";
import type {
  HealthCheck_HttpHealthCheckSchema,
  HealthCheckSchema,
} from "../../build/envoy-api/envoy/config/core/v3/health_check_pb.ts";
import { CodecClientType } from "../../build/envoy-api/envoy/type/v3/http_pb.ts";
import type { HealthCheckSpec, HttpHealthCheck, Subset } from "../../schema/generated/types.ts";
import type { Resource } from "../model.ts";
import { type HostRule, type Service, serviceHost } from "./registry.ts";
import { hint, identity, place, type Report } from "./report.ts";
import type { UnknownHosts } from "./unknown-hosts.ts";
import { duration, type Fields } from "./wire.ts";

export type HealthCheckPolicy = Resource<HealthCheckSpec>;

/** By host; what cannot be checked, or is checked twice, is reported. */
export function readHealthChecks(
  resources: readonly Resource[],
  services: ReadonlyMap<string, Service>,
  rules: ReadonlyMap<string, HostRule>,
  report: Report,
  unknown: UnknownHosts,
): Map<string, HealthCheckPolicy[]> {
  const byHost = new Map<string, HealthCheckPolicy[]>();
  for (const resource of resources) {
    if (!isHealthCheck(resource)) continue;
    const host = serviceHost(resource.spec.host, resource.namespace, services);
    const service = services.get(host);
    if (service === undefined) {
      unknown.add(host, resource, ["spec", "host"]);
      continue;
    }
    reportUnknownParts(resource, service, rules.get(host), report);
    const others = byHost.get(host) ?? [];
    const twin = others.find(({ spec }) => concernSame(spec, resource.spec));
    if (twin === undefined) byHost.set(host, [...others, resource]);
    else {
      const message = `${identity(twin)} (${place(twin)}) checks the same endpoints. Keep one of both.`;
      report.error(resource, ["spec", "host"], message);
    }
  }
  return byHost;
}

const isHealthCheck = (r: Resource): r is HealthCheckPolicy =>
  r.group === "sluice.traffic" && r.kind === "HealthCheckPolicy";

function concernSame(a: HealthCheckSpec, b: HealthCheckSpec): boolean {
  if (a.port !== undefined && b.port !== undefined && a.port !== b.port) return false;
  if (a.subsets === undefined || b.subsets === undefined) return a.subsets === b.subsets;
  return a.subsets.some((name) => b.subsets?.includes(name));
}

function reportUnknownParts(
  resource: HealthCheckPolicy,
  service: Service,
  rule: HostRule | undefined,
  report: Report,
): void {
  const { port, subsets = [] } = resource.spec;
  const ports = service.ports.map((p) => p.number);
  if (port !== undefined && !ports.includes(port)) {
    report.error(
      resource,
      ["spec", "port"],
      `"${service.host}" has no port ${port}. Its ports: ${ports.join(", ")}.`,
    );
  }
  const known = [...(rule?.subsets.keys() ?? [])];
  for (const [i, name] of subsets.entries()) {
    if (known.includes(name)) continue;
    const message = `No DestinationRule defines the subset "${name}" of "${service.host}".`;
    report.error(resource, ["spec", "subsets", i], message + hint(name, known, "subset"));
  }
}

/** The first that is for the port and subset: those with subsets come before those for all. */
export function healthCheckFor(
  policies: readonly HealthCheckPolicy[],
  port: number,
  subset: Subset | undefined,
): HealthCheckSpec | undefined {
  const specs = policies.map((p) => p.spec).filter((spec) => spec.port === undefined || spec.port === port);
  const own = specs.find((spec) => subset !== undefined && spec.subsets?.includes(subset.name));
  return own ?? specs.find((spec) => spec.subsets === undefined);
}

type Message = Fields<typeof HealthCheckSchema>;

export function healthCheckMessage(spec: HealthCheckSpec, host: string, speaksHttp2: boolean): Message {
  const { interval = "10s", timeout = "1s", unhealthyInterval, checkPort } = spec;
  return {
    interval: duration(interval),
    timeout: duration(timeout),
    unhealthyThreshold: spec.unhealthyThreshold ?? 3,
    healthyThreshold: spec.healthyThreshold ?? 2,
    // Envoy's default is to ask once a minute as long as no request was sent.
    noTrafficInterval: duration(interval),
    ...(unhealthyInterval === undefined ? {} : { unhealthyInterval: duration(unhealthyInterval) }),
    ...(checkPort === undefined ? {} : { altPort: checkPort }),
    ...checker(spec, host, speaksHttp2),
  };
}

function checker({ http, grpc }: HealthCheckSpec, host: string, speaksHttp2: boolean): Message {
  if (http !== undefined) {
    return { healthChecker: { case: "httpHealthCheck", value: httpCheck(http, host, speaksHttp2) } };
  }
  if (grpc !== undefined) {
    const { service = "", authority = host } = grpc;
    return { healthChecker: { case: "grpcHealthCheck", value: { serviceName: service, authority } } };
  }
  return { healthChecker: { case: "tcpHealthCheck", value: {} } };
}

const anyStatus = { start: 100n, end: 600n };

function httpCheck(
  http: HttpHealthCheck,
  host: string,
  speaksHttp2: boolean,
): Fields<typeof HealthCheck_HttpHealthCheckSchema> {
  return {
    host: http.host ?? host,
    path: http.path,
    method: RequestMethod[http.method ?? "GET"],
    requestHeadersToAdd: Object.entries(http.headers ?? {}).map(([key, value]) => ({
      header: { key, value },
    })),
    expectedStatuses: (http.expectedStatuses ?? ["200"]).map(statusRange),
    // Without these one unexpected status takes an endpoint out, whatever the threshold.
    retriableStatuses: [anyStatus],
    codecClientType: speaksHttp2 ? CodecClientType.HTTP2 : CodecClientType.HTTP1,
  };
}

function statusRange(text: string): { start: bigint; end: bigint } {
  const [from = "", to = from] = text.split("-");
  return { start: BigInt(from), end: BigInt(to) + 1n };
}
