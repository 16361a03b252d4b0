// The picture of the traffic at one moment, as plain data: what the API answers and the page draws.

import type { NodeIdentity } from "../model.ts";
import { answersKey, decisionKey, downstreamKey, type Window, windowMs } from "./proxy.ts";
import { addBuckets, type Buckets, type Decision, quantile } from "./samples.ts";
import type { Known, Presence, Traffic } from "./traffic.ts";

export interface Rates {
  /** Answers a second. */
  requests: number;
  /** Of these, those of class 5xx and 4xx. */
  errors: number;
  clientErrors: number;
  /** Milliseconds; null without any request in the window. */
  p50: number | null;
  p99: number | null;
  /** Answers since the proxies started, and those of class 5xx. */
  total: number;
  totalErrors: number;
}

export interface Edge {
  /** Name of the source that sends. */
  source: string;
  cluster: string;
  rates: Rates;
}

export interface ClusterTraffic {
  cluster: string;
  host: string;
  port: number;
  /** Empty for the service as a whole. */
  subset: string;
  endpoints: number;
  healthy: number;
  rates: Rates;
}

/** A service over all its versions and ports. */
export interface ServiceTraffic {
  host: string;
  rates: Rates;
}

/** Proxies that are one thing to the reader: the sidecars of an application, or a gateway. */
export interface Source {
  name: string;
  role: NodeIdentity["role"];
  /** Empty when the proxies do not say. */
  namespace: string;
  proxies: number;
  /** What came in from clients. */
  rates: Rates;
}

export interface DecisionRate extends Omit<Decision, "value"> {
  rate: number;
  total: number;
}

export interface ProxyPresence {
  id: string;
  source: string;
  presence: Presence;
  /** Null when it has opened a stream and pushed nothing yet. */
  lastSeenAt: number | null;
  series: number;
  leftOut: number;
}

export interface Point {
  at: number;
  requests: number;
  errors: number;
  clientErrors: number;
  p50: number | null;
  p99: number | null;
}

export interface TrafficReport {
  /** Unix time in milliseconds. */
  at: number;
  windowSeconds: number;
  /** What clients sent, over all sources. */
  total: Rates;
  sources: Source[];
  edges: Edge[];
  services: ServiceTraffic[];
  clusters: ClusterTraffic[];
  decisions: DecisionRate[];
  proxies: ProxyPresence[];
}

const classes = ["1", "2", "3", "4", "5"];

interface Sum {
  byClass: Record<string, number>;
  totals: Record<string, number>;
  latency: Buckets;
}

export function reportTraffic(traffic: Traffic, now: number): TrafficReport {
  const known = traffic.known(now);
  const report: TrafficReport = {
    at: now,
    windowSeconds: windowMs / 1000,
    total: ratesOf(emptySum()),
    sources: [],
    edges: [],
    services: [],
    clusters: [],
    decisions: [],
    proxies: known.map(presenceOf),
  };
  const total = emptySum();
  const sources = new Map<string, { source: Omit<Source, "rates">; sum: Sum }>();
  const edges = new Map<string, { edge: Omit<Edge, "rates">; sum: Sum }>();
  const clusters = new Map<string, { endpoints: { total: number; healthy: number }; sum: Sum }>();
  const services = new Map<string, Sum>();
  const decisions = new Map<string, DecisionRate>();
  for (const { proxy } of known.filter((one) => one.presence !== "gone")) {
    const window = proxy.window(now);
    const name = sourceOf(proxy.node);
    const source = entry(sources, name, () => ({
      source: { name, role: proxy.node.role, namespace: proxy.node.namespace, proxies: 0 },
      sum: emptySum(),
    }));
    source.source.proxies++;
    for (const sum of [source.sum, total]) {
      addClasses(sum, (statusClass) => downstreamKey(statusClass), window, proxy);
      sum.latency = addBuckets(sum.latency, window.downstreamLatency());
    }
    for (const [cluster, endpoints] of proxy.endpoints) {
      const key = `${name} ${cluster}`;
      const edge = entry(edges, key, () => ({ edge: { source: name, cluster }, sum: emptySum() }));
      const whole = entry(clusters, cluster, () => ({ endpoints, sum: emptySum() }));
      const service = entry(services, parts(cluster).host, emptySum);
      const latency = window.latency(cluster);
      for (const sum of [edge.sum, whole.sum, service]) {
        addClasses(sum, (statusClass) => answersKey(cluster, statusClass), window, proxy);
        sum.latency = addBuckets(sum.latency, latency);
      }
    }
    for (const [key, decision] of proxy.decisions()) {
      const { kind, policy, name: of, outcome } = decision;
      const sum = entry(decisions, key, () => ({ kind, policy, name: of, outcome, rate: 0, total: 0 }));
      sum.rate = short(sum.rate + window.rate(key));
      sum.total += proxy.total(key);
    }
  }
  report.total = ratesOf(total);
  report.sources = [...sources.values()].map(({ source, sum }) => ({ ...source, rates: ratesOf(sum) }));
  report.edges = [...edges.values()]
    .map(({ edge, sum }) => ({ ...edge, rates: ratesOf(sum) }))
    .filter(({ rates }) => rates.total > 0);
  report.services = [...services].map(([host, sum]) => ({ host, rates: ratesOf(sum) }));
  report.clusters = [...clusters].map(([cluster, { endpoints, sum }]) => ({
    ...parts(cluster),
    endpoints: endpoints.total,
    healthy: endpoints.healthy,
    rates: ratesOf(sum),
  }));
  report.decisions = [...decisions.values()].sort((a, b) => (decisionKey(a) < decisionKey(b) ? -1 : 1));
  return report;
}

/** Sidecars of one application are one source; what says nothing of that is one by itself. */
export function sourceOf(node: NodeIdentity): string {
  return node.labels.app ?? node.labels["app.kubernetes.io/name"] ?? node.id;
}

/** `outbound|PORT|SUBSET|HOST`. */
function parts(cluster: string): Pick<ClusterTraffic, "cluster" | "host" | "port" | "subset"> {
  const [, port = "", subset = "", host = ""] = cluster.split("|");
  return { cluster, host, port: Number(port), subset };
}

function presenceOf({ id, proxy, presence }: Known): ProxyPresence {
  const { node, lastSeenAt, series, leftOut } = proxy;
  return {
    id,
    source: sourceOf(node),
    presence,
    lastSeenAt: lastSeenAt === 0 ? null : lastSeenAt,
    series,
    leftOut,
  };
}

const emptySum = (): Sum => ({ byClass: {}, totals: {}, latency: { bounds: [], counts: [] } });

function addClasses(
  sum: Sum,
  keyOf: (statusClass: string) => string,
  window: Window,
  proxy: Known["proxy"],
): void {
  for (const statusClass of classes) {
    const key = keyOf(statusClass);
    sum.byClass[statusClass] = (sum.byClass[statusClass] ?? 0) + window.rate(key);
    sum.totals[statusClass] = (sum.totals[statusClass] ?? 0) + proxy.total(key);
  }
}

function ratesOf({ byClass, totals, latency }: Sum): Rates {
  const add = (of: Record<string, number>): number => Object.values(of).reduce((a, b) => a + b, 0);
  return {
    requests: short(add(byClass)),
    errors: short(byClass["5"] ?? 0),
    clientErrors: short(byClass["4"] ?? 0),
    p50: shortOrNull(quantile(latency, 0.5)),
    p99: shortOrNull(quantile(latency, 0.99)),
    total: add(totals),
    totalErrors: totals["5"] ?? 0,
  };
}

/** Four digits: what follows is noise, and would be most of what goes to a page every second. */
const short = (value: number): number => Number(value.toPrecision(4));

const shortOrNull = (value: number | undefined): number | null => (value === undefined ? null : short(value));

function entry<Value>(map: Map<string, Value>, key: string, make: () => Value): Value {
  const found = map.get(key);
  if (found !== undefined) return found;
  const made = make();
  map.set(key, made);
  return made;
}
