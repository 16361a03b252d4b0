// What of a proxy, beside its namespace, makes a difference to the endpoints and rules that it gets: proxies
// that are alike in this share one snapshot.

import type {
  DestinationRuleSpec,
  LoadBalancerSettings,
  ServiceEntrySpec,
  TrafficPolicy,
  WorkloadEntry,
} from "../../schema/generated/types.ts";
import type { Resource } from "../model.ts";
import { isIstio } from "./registry.ts";

export interface Dependence {
  /** Keys of the labels that make a difference. */
  labels: ReadonlySet<string>;
  locality: boolean;
}

export function dependenceOf(resources: readonly Resource[]): Dependence {
  const rules = resources.filter((r) => isIstio<DestinationRuleSpec>(r, "DestinationRule"));
  const priorities = rules.flatMap(({ spec }) => balancersOf(spec)).flatMap(priorityLabels);
  const selectors = rules.flatMap(({ spec }) => Object.keys(spec.workloadSelector?.matchLabels ?? {}));
  return {
    labels: new Set([...selectors, ...priorities]),
    locality: priorities.length > 0 || resources.some(hasLocality),
  };
}

function balancersOf(spec: DestinationRuleSpec): LoadBalancerSettings[] {
  const policies: (TrafficPolicy | undefined)[] = [
    spec.trafficPolicy,
    ...(spec.subsets ?? []).map((s) => s.trafficPolicy),
  ];
  return policies
    .flatMap((policy) => [policy, ...(policy?.portLevelSettings ?? [])])
    .flatMap((policy) => policy?.loadBalancer ?? []);
}

const priorityLabels = ({ localityLbSetting }: LoadBalancerSettings): string[] =>
  (localityLbSetting?.failoverPriority ?? []).map((label) => label.split("=")[0] ?? label);

function hasLocality(resource: Resource): boolean {
  if (isIstio<WorkloadEntry>(resource, "WorkloadEntry")) return resource.spec.locality !== undefined;
  if (!isIstio<ServiceEntrySpec>(resource, "ServiceEntry")) return false;
  return (resource.spec.endpoints ?? []).some((entry) => entry.locality !== undefined);
}
