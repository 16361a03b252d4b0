// Region, zone and sub-zone: which endpoints come first for a proxy, and which share they get. The rules are
// istiod's (its loadbalancer package), on plain records.

import type { LocalityLbSetting, WorkloadEntry } from "../../schema/generated/types.ts";

export interface Locality {
  region: string;
  zone: string;
  subZone: string;
}

/** Where a proxy is and what it is: what priorities depend on. */
export interface Viewpoint {
  locality: Locality;
  labels: Readonly<Record<string, string>>;
}

/** Endpoints of one locality. */
export interface LocalityGroup {
  locality: Locality;
  entries: readonly WorkloadEntry[];
  weight: number;
  /** 0 is used first. */
  priority: number;
}

export function parseLocality(text: string | undefined): Locality {
  const [region = "", zone = "", subZone = ""] = (text ?? "").split("/");
  return { region, zone, subZone };
}

const weightOf = (entries: readonly WorkloadEntry[]): number =>
  entries.reduce((sum, { weight }) => sum + (weight || 1), 0);

/** In the order of the localities' names, so that the order of the endpoints makes no difference. */
export function groupByLocality(entries: readonly WorkloadEntry[]): LocalityGroup[] {
  const groups = new Map<string, WorkloadEntry[]>();
  for (const entry of entries) {
    const name = entry.locality ?? "";
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [entry]);
    else group.push(entry);
  }
  return [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, of]) => ({ locality: parseLocality(name), entries: of, weight: weightOf(of), priority: 0 }));
}

/** `detectsFailure`: something tells healthy endpoints from others; else nothing would ever fail over. */
export function placeGroups(
  groups: readonly LocalityGroup[],
  setting: LocalityLbSetting | undefined,
  detectsFailure: boolean,
  viewpoint: Viewpoint,
): readonly LocalityGroup[] {
  if (setting?.enabled === false) return groups;
  const { distribute = [], failover = [], failoverPriority = [] } = setting ?? {};
  if (distribute.length > 0) return distributed(groups, distribute, viewpoint.locality);
  if (!detectsFailure) return groups;
  if (failoverPriority.length === 0) return failedOver(groups, failover, viewpoint.locality);
  const byLabels = byFailoverPriority(groups, failoverPriority, viewpoint);
  return failover.length === 0 ? byLabels : failedOver(byLabels, failover, viewpoint.locality);
}

/** Whether shares of localities count more than the number of their endpoints. */
export function weighsLocalities(setting: LocalityLbSetting | undefined, detectsFailure: boolean): boolean {
  if (setting === undefined || setting.enabled === false) return false;
  if ((setting.distribute ?? []).length > 0) return true;
  return detectsFailure && (setting.failover ?? setting.failoverPriority ?? []).length > 0;
}

function distributed(
  groups: readonly LocalityGroup[],
  distribute: NonNullable<LocalityLbSetting["distribute"]>,
  from: Locality,
): readonly LocalityGroup[] {
  const rule = distribute.find((d) => isWithin(from, d.from));
  if (rule === undefined) return groups;
  const left = new Set(groups);
  return Object.entries(rule.to).flatMap(([pattern, share]) => {
    const taken = [...left].filter((group) => isWithin(group.locality, pattern));
    for (const group of taken) left.delete(group);
    const total = taken.reduce((sum, { weight }) => sum + weight, 0);
    return taken.map((group) => ({ ...group, weight: Math.ceil((group.weight * share) / total) }));
  });
}

/** Whether a locality is `region/zone/subzone` or below it; `*` stands for any. */
function isWithin(locality: Locality, pattern: string): boolean {
  const [region = "", zone = "", subZone = ""] = pattern.split("/");
  const fits = (wanted: string, is: string) => wanted === "*" || wanted === is;
  return (
    fits(region, locality.region) &&
    (zone === "" || fits(zone, locality.zone)) &&
    (subZone === "" || fits(subZone, locality.subZone))
  );
}

/** The same sub-zone, zone and region come first, then the region that `failover` names, then the others. */
function failedOver(
  groups: readonly LocalityGroup[],
  failover: NonNullable<LocalityLbSetting["failover"]>,
  from: Locality,
): LocalityGroup[] {
  const next = failover.find((f) => f.from === from.region)?.to;
  const ranks = 5;
  const ranked = groups.map((group) => {
    const distance = distanceOf(from, group.locality);
    const isOther = distance === 3 && next !== undefined && group.locality.region !== next;
    return { ...group, priority: group.priority * ranks + (isOther ? 4 : distance) };
  });
  return withoutGaps(ranked);
}

function distanceOf(a: Locality, b: Locality): number {
  if (a.region !== b.region) return 3;
  if (a.zone !== b.zone) return 2;
  return a.subZone === b.subZone ? 0 : 1;
}

/** Envoy wants priorities from 0 without a gap. */
function withoutGaps(groups: readonly LocalityGroup[]): LocalityGroup[] {
  const used = [...new Set(groups.map((g) => g.priority))].sort((a, b) => a - b);
  return groups.map((group) => ({ ...group, priority: used.indexOf(group.priority) }));
}

const networkLabel = "topology.istio.io/network";

/** Endpoints whose first n labels have the proxy's values come before those with fewer. */
function byFailoverPriority(
  groups: readonly LocalityGroup[],
  labels: readonly string[],
  viewpoint: Viewpoint,
): LocalityGroup[] {
  const own = withPlace(viewpoint.labels, viewpoint.locality, undefined);
  if (Object.keys(own).length === 0) return [...groups];
  const wanted = labels.map((label): [string, string | undefined] => {
    const [name = "", value] = label.split("=");
    return [name, value ?? own[name]];
  });
  const priorityOf = (entry: WorkloadEntry): number => {
    const has = withPlace(entry.labels ?? {}, parseLocality(entry.locality), entry.network);
    // Another network puts an endpoint behind all of the own network, in the same order among themselves.
    const ownNetworkFirst = wanted[0]?.[0] === networkLabel;
    const isElsewhere = ownNetworkFirst && wanted[0]?.[1] !== has[networkLabel];
    const first = wanted.findIndex(
      ([name, value], i) => !(i === 0 && ownNetworkFirst) && value !== has[name],
    );
    return (first < 0 ? 0 : wanted.length - first) + (isElsewhere ? wanted.length : 0);
  };
  const split = groups.flatMap((group) => {
    const priorities = [...new Set(group.entries.map(priorityOf))].sort((a, b) => a - b);
    return priorities.map((priority) => {
      const entries = group.entries.filter((entry) => priorityOf(entry) === priority);
      return { ...group, entries, weight: weightOf(entries), priority };
    });
  });
  return withoutGaps(split);
}

/** Labels with those that Istio makes from locality and network. */
function withPlace(
  labels: Readonly<Record<string, string>>,
  { region, zone, subZone }: Locality,
  network: string | undefined,
): Record<string, string> {
  return {
    ...labels,
    ...(region === "" ? {} : { "topology.kubernetes.io/region": region }),
    ...(zone === "" ? {} : { "topology.kubernetes.io/zone": zone }),
    ...(subZone === "" ? {} : { "topology.istio.io/subzone": subZone }),
    ...(network === undefined ? {} : { [networkLabel]: network }),
  };
}
