// From Envoy's metric families to what the picture of the traffic is made of: answers and latencies by cluster
// and by proxy, endpoints, and the decisions of our filters.
//
// Envoy's own rule takes only what stands before the first dot for the cluster's name: the rest of the host is
// left in the family, `cluster.ficool.svc.cluster.local.upstream_rq_xx` with the label
// `outbound|80|v1|go-search-service`. A bootstrap with better rules has the whole name in the label.

import {
  type Metric,
  type MetricFamily,
  MetricType,
} from "../../build/envoy-api/io/prometheus/client/metrics_pb.ts";

/** How many observations fell up to each bound and above the one before it. */
export interface Buckets {
  bounds: readonly number[];
  counts: readonly number[];
}

/** `answers`, `downstream` and `decisions` only grow; latencies are those since the last flush. */
export interface Samples {
  /** By cluster, then by class of the status: `2` is 2xx. */
  answers: Map<string, Map<string, number>>;
  latencies: Map<string, Buckets>;
  endpoints: Map<string, { total: number; healthy: number }>;
  /** By class, over all the proxy's listeners. */
  downstream: Map<string, number>;
  downstreamLatency: Buckets;
  decisions: Decision[];
}

export interface Decision {
  kind: "rateLimit" | "refusedKey" | "fault" | "routing" | "error";
  /** `namespace/name`; empty for errors. */
  policy: string;
  /** The limit, fault or rule; of an error the reason. */
  name: string;
  /** `limited`, `abort`, the destination; the key that was refused. */
  outcome: string;
  value: number;
}

const clusterFamily =
  /^cluster\.(?:(.+)\.)?(upstream_rq_xx|upstream_rq_time|membership_total|membership_healthy)$/;
/** The name of a listener may hold dots too, as `127.0.0.1_8443`. */
const downstreamFamily = /^http\.(?:.+\.)?downstream_rq_(?:xx|time)$/;
const meshCluster = /^outbound\|\d+\|[^|]*\|/;

/** Listeners that are not the mesh's. */
const otherListeners = new Set(["admin", "async-client"]);

const decisionFamilies: Record<string, Omit<Decision, "value">> = {
  "wasmcustom.sluice_rate_limit_decisions_total": {
    kind: "rateLimit",
    policy: "policy",
    name: "limit",
    outcome: "decision",
  },
  "wasmcustom.sluice_rate_limit_refused_keys_total": {
    kind: "refusedKey",
    policy: "policy",
    name: "limit",
    outcome: "key",
  },
  "wasmcustom.sluice_faults_total": { kind: "fault", policy: "policy", name: "fault", outcome: "type" },
  "wasmcustom.sluice_route_choices_total": {
    kind: "routing",
    policy: "policy",
    name: "rule",
    outcome: "destination",
  },
  "wasmcustom.sluice_filter_errors_total": { kind: "error", policy: "", name: "reason", outcome: "" },
};

export function isWanted(family: string): boolean {
  return (
    downstreamFamily.test(family) || Object.hasOwn(decisionFamilies, family) || clusterFamily.test(family)
  );
}

export function readSamples(families: readonly MetricFamily[]): Samples {
  const samples: Samples = {
    answers: new Map(),
    latencies: new Map(),
    endpoints: new Map(),
    downstream: new Map(),
    downstreamLatency: { bounds: [], counts: [] },
    decisions: [],
  };
  for (const family of families) {
    for (const metric of family.metric) addMetric(samples, family, metric);
  }
  dropVariants(samples);
  return samples;
}

function addMetric(samples: Samples, family: MetricFamily, metric: Metric): void {
  const [, rest = "", stat] = clusterFamily.exec(family.name) ?? [];
  if (stat !== undefined) addClusterMetric(samples, stat, rest, metric);
  else if (family.name.startsWith("http.")) addDownstream(samples, family, metric);
  else addDecision(samples, family.name, metric);
}

function addClusterMetric(samples: Samples, stat: string, rest: string, metric: Metric): void {
  const first = labelOf(metric, "envoy.cluster_name");
  if (!meshCluster.test(first)) return;
  const cluster = rest === "" ? first : `${first}.${rest}`;
  if (stat === "upstream_rq_xx") {
    const classes = samples.answers.get(cluster) ?? new Map<string, number>();
    classes.set(labelOf(metric, "envoy.response_code_class"), metric.counter?.value ?? 0);
    samples.answers.set(cluster, classes);
  } else if (stat === "upstream_rq_time") {
    samples.latencies.set(cluster, bucketsOf(metric));
  } else {
    const endpoints = samples.endpoints.get(cluster) ?? { total: 0, healthy: 0 };
    endpoints[stat === "membership_total" ? "total" : "healthy"] = metric.gauge?.value ?? 0;
    samples.endpoints.set(cluster, endpoints);
  }
}

/**
 * Envoy counts answers once more as internal or external and for canaries, under names that a host could have
 * too: `HOST.internal`. Only a cluster has members.
 */
function dropVariants(samples: Samples): void {
  for (const byCluster of [samples.answers, samples.latencies]) {
    for (const cluster of byCluster.keys()) if (!samples.endpoints.has(cluster)) byCluster.delete(cluster);
  }
}

function addDownstream(samples: Samples, family: MetricFamily, metric: Metric): void {
  if (otherListeners.has(labelOf(metric, "envoy.http_conn_manager_prefix"))) return;
  if (family.type === MetricType.HISTOGRAM) {
    samples.downstreamLatency = addBuckets(samples.downstreamLatency, bucketsOf(metric));
    return;
  }
  const statusClass = labelOf(metric, "envoy.response_code_class");
  const before = samples.downstream.get(statusClass) ?? 0;
  samples.downstream.set(statusClass, before + (metric.counter?.value ?? 0));
}

function addDecision(samples: Samples, family: string, metric: Metric): void {
  const labels = decisionFamilies[family];
  if (labels === undefined) return;
  samples.decisions.push({
    kind: labels.kind,
    policy: labelOf(metric, labels.policy),
    name: labelOf(metric, labels.name),
    outcome: labelOf(metric, labels.outcome),
    value: metric.counter?.value ?? 0,
  });
}

function labelOf(metric: Metric, name: string): string {
  return name === "" ? "" : (metric.label.find((label) => label.name === name)?.value ?? "");
}

function bucketsOf({ histogram }: Metric): Buckets {
  const buckets = histogram?.bucket ?? [];
  const total = Number(histogram?.sampleCount ?? 0n);
  const upTo = buckets.map((bucket) => Number(bucket.cumulativeCount));
  const counts = upTo.map((count, i) => count - (upTo[i - 1] ?? 0));
  // What is above the last bound counts as there.
  const last = counts.length - 1;
  if (last >= 0) counts[last] = (counts[last] ?? 0) + Math.max(0, total - (upTo[last] ?? 0));
  return { bounds: buckets.map((bucket) => bucket.upperBound), counts };
}

/** Buckets with other bounds, as of a proxy with settings of its own, are put at their upper bound's place. */
export function addBuckets(a: Buckets, b: Buckets): Buckets {
  if (a.counts.length === 0) return b;
  if (b.counts.length === 0) return a;
  const counts = [...a.counts];
  const isSame = a.bounds === b.bounds || a.bounds.every((bound, i) => bound === b.bounds[i]);
  for (const [i, count] of b.counts.entries()) {
    if (count === 0) continue;
    const at = isSame ? i : placeOf(a.bounds, b.bounds[i] ?? 0);
    counts[at] = (counts[at] ?? 0) + count;
  }
  return { bounds: a.bounds, counts };
}

function placeOf(bounds: readonly number[], value: number): number {
  const at = bounds.findIndex((bound) => value <= bound);
  return at < 0 ? bounds.length - 1 : at;
}

/** By linear interpolation within the bucket; undefined without any observation. */
export function quantile({ bounds, counts }: Buckets, share: number): number | undefined {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return undefined;
  const rank = share * total;
  let before = 0;
  for (const [i, count] of counts.entries()) {
    if (count > 0 && before + count >= rank) {
      const lower = bounds[i - 1] ?? 0;
      return lower + ((bounds[i] ?? lower) - lower) * ((rank - before) / count);
    }
    before += count;
  }
  return bounds.at(-1);
}
