// Which service or version is the cause, from Envoy's clusters as deploy/prometheus relabels them.

import { rate, type Row } from "./panel.ts";

const cluster = 'envoy_cluster_name=~"outbound.*"';
const byCluster = "sum by (envoy_cluster_name, domain)";
const clusterLegend = "{{envoy_cluster_name}} {{domain}}";

export const services: Row = {
  title: "Services and versions",
  panels: [
    {
      title: "Answers by version",
      description:
        "What services answered, retries among them; without what filters answered in their place.",
      kind: "timeseries",
      unit: "reqps",
      width: 8,
      stacked: true,
      queries: [
        { expr: `${byCluster} (${rate(`envoy_cluster_upstream_rq_xx{${cluster}}`)})`, legend: clusterLegend },
      ],
    },
    {
      title: "Answers that are no 2xx, by version",
      description: "",
      kind: "timeseries",
      unit: "percentunit",
      width: 8,
      queries: [
        {
          expr:
            `1 - ${byCluster} (${rate(`envoy_cluster_upstream_rq_xx{${cluster},envoy_response_code_class="2"}`)})` +
            ` / ${byCluster} (${rate(`envoy_cluster_upstream_rq_xx{${cluster}}`)})`,
          legend: clusterLegend,
        },
      ],
    },
    {
      title: "p99 by version",
      description: "Without delays that a policy injected.",
      kind: "timeseries",
      unit: "ms",
      width: 8,
      queries: [
        {
          expr: `histogram_quantile(0.99, sum by (le, envoy_cluster_name, domain) (${rate(`envoy_cluster_upstream_rq_time_bucket{${cluster}}`)}))`,
          legend: clusterLegend,
        },
      ],
    },
    {
      title: "Healthy endpoints",
      description: "Share of the endpoints that health checks and outlier detection leave in.",
      kind: "timeseries",
      unit: "percentunit",
      width: 8,
      queries: [
        {
          expr: `min by (envoy_cluster_name, domain) (envoy_cluster_membership_healthy{${cluster}} / envoy_cluster_membership_total{${cluster}})`,
          legend: clusterLegend,
        },
      ],
    },
    {
      title: "Failed connections and overflow",
      description: "Connections refused or timed out, and requests that a circuit breaker turned away.",
      kind: "timeseries",
      unit: "ops",
      width: 8,
      queries: [
        {
          expr: `${byCluster} (${rate(`envoy_cluster_upstream_cx_connect_fail{${cluster}}`)})`,
          legend: `connect ${clusterLegend}`,
        },
        {
          expr: `${byCluster} (${rate(`envoy_cluster_upstream_rq_pending_overflow{${cluster}}`)})`,
          legend: `overflow ${clusterLegend}`,
        },
      ],
    },
    {
      title: "Retries and timeouts",
      description: "",
      kind: "timeseries",
      unit: "ops",
      width: 8,
      queries: [
        {
          expr: `${byCluster} (${rate(`envoy_cluster_upstream_rq_retry{${cluster}}`)})`,
          legend: `retry ${clusterLegend}`,
        },
        {
          expr: `${byCluster} (${rate(`envoy_cluster_upstream_rq_timeout{${cluster}}`)})`,
          legend: `timeout ${clusterLegend}`,
        },
      ],
    },
  ],
};
