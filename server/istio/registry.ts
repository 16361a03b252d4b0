// The services of a folder and the rules for them, as one proxy sees them.

import type {
  DestinationRuleSpec,
  GatewaySpec,
  ServiceEntrySpec,
  ServicePort,
  Subset,
  TrafficPolicy,
  VirtualServiceSpec,
  WorkloadEntry,
} from "../../schema/generated/types.ts";
import type { Resource } from "../model.ts";
import { type HealthCheckPolicy, readHealthChecks } from "./health-checks.ts";
import { checkDelegates, type Delegates, delegatesOf, isDelegate } from "./delegates.ts";
import { covers, fullName, isVisible, isWildcard, localName, patternFinder } from "./names.ts";
import { identity, place, type Report } from "./report.ts";
import type { SidecarPorts } from "./sidecars.ts";
import type { UnknownHosts } from "./unknown-hosts.ts";
import { instancesOf } from "./workloads.ts";

/** A host of a ServiceEntry. */
export interface Service {
  host: string;
  namespace: string;
  ports: readonly ServicePort[];
  /** Its instances; undefined where the host's own name is looked up. */
  endpoints: readonly WorkloadEntry[] | undefined;
  resource: Resource<ServiceEntrySpec>;
}

/** What applies to a service: a DestinationRule, or several of one namespace taken together. */
export interface HostRule {
  trafficPolicy: TrafficPolicy | undefined;
  subsets: ReadonlyMap<string, Subset>;
  resources: readonly Resource<DestinationRuleSpec>[];
}

export interface Registry {
  services: ReadonlyMap<string, Service>;
  /** Hosts by their bare name, such as `a` of `a.ns.svc.cluster.local`. */
  localNames: ReadonlyMap<string, readonly string[]>;
  /** By host; also for hosts that no service has, so that their subsets can be checked. */
  rules: ReadonlyMap<string, HostRule>;
  /** Those with hosts that are seen from here. */
  virtualServices: readonly Resource<RoutesOfHosts>[];
  delegates: Delegates;
  gateways: ReadonlyMap<string, Resource<GatewaySpec>>;
  /** By host. */
  healthChecks: ReadonlyMap<string, readonly HealthCheckPolicy[]>;
}

export type RoutesOfHosts = VirtualServiceSpec & { hosts: string[] };

/** Who looks: a proxy of a namespace with labels; undefined sees all. */
export interface View {
  namespace: string | undefined;
  labels: Readonly<Record<string, string>> | undefined;
  /** `region/zone/subzone`; undefined where nothing depends on it, or the proxy does not say. */
  locality?: string | undefined;
  /** Of a proxy beside a workload. */
  sidecar?: SidecarPorts | undefined;
}

export const networkingGroup = "networking.istio.io";

export function isIstio<Spec>(r: Resource, kind: string): r is Resource<Spec> {
  return r.group === networkingGroup && r.kind === kind;
}

const byName = (a: Resource, b: Resource): number =>
  a.namespace === b.namespace ? compare(a.name, b.name) : compare(a.namespace, b.namespace);

export const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

export function readRegistry(
  resources: readonly Resource[],
  view: View,
  report: Report,
  unknown: UnknownHosts,
): Registry {
  const sorted = [...resources].sort(byName);
  const services = readServices(sorted, view, report);
  const virtualServices = sorted.filter((r) => isIstio<VirtualServiceSpec>(r, "VirtualService"));
  const delegates = delegatesOf(virtualServices);
  checkDelegates(virtualServices, delegates, report);
  const rules = readRules(sorted, services, view, report, unknown);
  return {
    services,
    localNames: localNamesOf(services.keys()),
    rules,
    healthChecks: readHealthChecks(sorted, services, rules, report, unknown),
    virtualServices: virtualServices
      .filter((r): r is Resource<RoutesOfHosts> => !isDelegate(r))
      .filter((r) => isVisible(r.spec.exportTo, r.namespace, view.namespace)),
    delegates,
    gateways: new Map(
      sorted
        .filter((r) => isIstio<GatewaySpec>(r, "Gateway"))
        .filter((r) => selects(r.spec.selector, view.labels))
        .map((r) => [`${r.namespace}/${r.name}`, r]),
    ),
  };
}

function localNamesOf(hosts: Iterable<string>): Map<string, string[]> {
  const names = new Map<string, string[]>();
  for (const host of hosts) {
    const local = localName(host);
    if (local !== undefined) names.set(local.name, [...(names.get(local.name) ?? []), host]);
  }
  return names;
}

function selects(selector: Record<string, string> | undefined, labels: View["labels"]): boolean {
  if (selector === undefined || labels === undefined) return true;
  return Object.entries(selector).every(([key, value]) => labels[key] === value);
}

function readServices(resources: readonly Resource[], view: View, report: Report): Map<string, Service> {
  const services = new Map<string, Service>();
  const workloads = resources.filter((r) => isIstio<WorkloadEntry>(r, "WorkloadEntry"));
  for (const resource of resources) {
    if (!isIstio<ServiceEntrySpec>(resource, "ServiceEntry")) continue;
    if (!isVisible(resource.spec.exportTo, resource.namespace, view.namespace)) continue;
    resource.spec.hosts.forEach((written, i) => {
      const host = written.toLowerCase();
      const first = services.get(host);
      if (first !== undefined) {
        const other = `${identity(first.resource)} (${place(first.resource)})`;
        report.error(
          resource,
          ["spec", "hosts", i],
          `The host "${host}" is defined by ${other} already. Put all its endpoints into one ServiceEntry.`,
        );
        return;
      }
      const endpoints = instancesOf(resource, workloads, report);
      const { ports } = resource.spec;
      services.set(host, { host, namespace: resource.namespace, ports, endpoints, resource });
    });
  }
  return services;
}

type RuleResource = Resource<DestinationRuleSpec>;

function readRules(
  resources: readonly Resource[],
  services: ReadonlyMap<string, Service>,
  view: View,
  report: Report,
  unknown: UnknownHosts,
): Map<string, HostRule> {
  const byHost = new Map<string, RuleResource[]>();
  for (const resource of resources) {
    if (!isIstio<DestinationRuleSpec>(resource, "DestinationRule")) continue;
    if (!isVisible(resource.spec.exportTo, resource.namespace, view.namespace)) continue;
    const host = serviceHost(resource.spec.host, resource.namespace, services);
    checkHost(resource, host, services, report, unknown);
    if (!isForProxy(resource, view)) continue;
    byHost.set(host, [...(byHost.get(host) ?? []), resource]);
  }
  const patternFor = patternFinder(byHost.keys());
  const rules = new Map<string, HostRule>();
  const missing = [...byHost.keys()].filter((p) => !isWildcard(p) && !services.has(p));
  for (const host of [...services.keys(), ...missing]) {
    const pattern = patternFor(host);
    const candidates = pattern === undefined ? [] : (byHost.get(pattern) ?? []);
    const rule = mergeRules(host, services.get(host)?.namespace, candidates, view, report);
    if (rule !== undefined) rules.set(host, rule);
  }
  return rules;
}

/** The full name; a name without a dot may also be a ServiceEntry's host as it stands. */
export function serviceHost(host: string, namespace: string, services: ReadonlyMap<string, Service>): string {
  const full = fullName(host, namespace);
  return !services.has(full) && services.has(host.toLowerCase()) ? host.toLowerCase() : full;
}

function checkHost(
  resource: RuleResource,
  host: string,
  services: ReadonlyMap<string, Service>,
  report: Report,
  unknown: UnknownHosts,
): void {
  if (isWildcard(host) ? [...services.keys()].some((service) => covers(host, service)) : services.has(host))
    return;
  if (!isWildcard(host)) unknown.add(host, resource, ["spec", "host"]);
  else report.warning(resource, ["spec", "host"], `No ServiceEntry has a host that "${host}" covers.`);
}

/** A rule with a selector is for the proxies of its own namespace that have its labels. */
function isForProxy({ spec, namespace }: RuleResource, view: View): boolean {
  if (spec.workloadSelector === undefined) return true;
  const labels = Object.entries(spec.workloadSelector.matchLabels ?? {});
  return namespace === view.namespace && labels.every(([key, value]) => view.labels?.[key] === value);
}

/**
 * A rule for just these proxies stands before one for all. Then the proxy's namespace comes first, then the
 * service's own, then the others by name, as in Istio.
 */
function mergeRules(
  host: string,
  ownNamespace: string | undefined,
  candidates: readonly RuleResource[],
  view: View,
  report: Report,
): HostRule | undefined {
  const rank = (r: Resource): number =>
    r.namespace === view.namespace ? 0 : r.namespace === ownNamespace ? 1 : 2;
  const selecting = candidates.filter((r) => r.spec.workloadSelector !== undefined);
  const ordered = [...(selecting.length > 0 ? selecting : candidates)].sort(
    (a, b) => rank(a) - rank(b) || byName(a, b),
  );
  const [first] = ordered;
  if (first === undefined) return undefined;
  const subsets = new Map<string, Subset>();
  const used: RuleResource[] = [];
  let trafficPolicy: TrafficPolicy | undefined;
  for (const rule of ordered) {
    if (rule !== first) warnSecondRule(rule, first, host, report);
    if (rule.namespace !== first.namespace) continue;
    used.push(rule);
    trafficPolicy ??= rule.spec.trafficPolicy;
    for (const subset of rule.spec.subsets ?? []) {
      if (!subsets.has(subset.name)) subsets.set(subset.name, subset);
    }
  }
  return { trafficPolicy, subsets, resources: used };
}

function warnSecondRule(rule: RuleResource, first: RuleResource, host: string, report: Report): void {
  const other = `${identity(first)} (${place(first)})`;
  const effect =
    rule.namespace === first.namespace
      ? "only the subsets that the other lacks are taken from here, and the traffic policy where it has none"
      : "this one is not used";
  report.warning(rule, ["spec", "host"], `${other} is for the host "${host}" too: ${effect}.`);
}
