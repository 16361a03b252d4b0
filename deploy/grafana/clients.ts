// Whether clients suffer: requests, errors and durations as they see them.

import { rate, type Row, sumOrZero } from "./panel.ts";

const requests = (more = "") => `sluice_requests_total{virtual_host=~"$virtual_host",route=~"$route"${more}}`;
const errors = requests(',response_code=~"5.."');
const durations = `sluice_request_duration_milliseconds_bucket{virtual_host=~"$virtual_host",route=~"$route"}`;

const percentile = (p: number, by = "") => `histogram_quantile(${p}, sum by (le${by}) (${rate(durations)}))`;

export const clients: Row = {
  title: "Clients",
  panels: [
    {
      title: "Requests",
      description: "All requests that have ended, over the chosen virtual hosts and routes.",
      kind: "stat",
      unit: "reqps",
      width: 4,
      queries: [{ expr: `sum(${rate(requests())})`, legend: "" }],
    },
    {
      title: "Errors",
      description: "Share of 5xx, injected aborts among them.",
      kind: "stat",
      unit: "percentunit",
      width: 4,
      redFrom: 0.001,
      queries: [{ expr: `${sumOrZero(errors)} / sum(${rate(requests())})`, legend: "" }],
    },
    {
      title: "p99",
      description: "Of the whole request, an injected delay included.",
      kind: "stat",
      unit: "ms",
      width: 4,
      queries: [{ expr: percentile(0.99), legend: "" }],
    },
    {
      title: "Refused by limits",
      description: "Refusals of all RateLimitPolicies; shadow limits are not counted.",
      kind: "stat",
      unit: "reqps",
      width: 4,
      queries: [{ expr: sumOrZero('sluice_rate_limit_decisions_total{decision="limited"}'), legend: "" }],
    },
    {
      title: "Faults injected",
      description: "Delays, aborts and throttles.",
      kind: "stat",
      unit: "reqps",
      width: 4,
      queries: [{ expr: sumOrZero('sluice_faults_total{type!="overflow"}'), legend: "" }],
    },
    {
      title: "Proxies not in sync",
      description: "Behind the newest snapshot, or refusing it.",
      kind: "stat",
      unit: "short",
      width: 4,
      redFrom: 1,
      queries: [{ expr: "sum(sluice_xds_proxies_behind)", legend: "" }],
    },
    {
      title: "Requests by route",
      description: "",
      kind: "timeseries",
      unit: "reqps",
      width: 12,
      stacked: true,
      queries: [
        {
          expr: `sum by (virtual_host, route) (${rate(requests())})`,
          legend: "{{virtual_host}} {{route}}",
        },
      ],
    },
    {
      title: "Answers by status",
      description: "0: the client left before an answer.",
      kind: "timeseries",
      unit: "reqps",
      width: 12,
      stacked: true,
      queries: [{ expr: `sum by (response_code) (${rate(requests())})`, legend: "{{response_code}}" }],
    },
    {
      title: "Errors by route",
      description: "Share of 5xx of each route.",
      kind: "timeseries",
      unit: "percentunit",
      width: 12,
      queries: [
        {
          expr: `sum by (virtual_host, route) (${rate(errors)}) / sum by (virtual_host, route) (${rate(requests())})`,
          legend: "{{virtual_host}} {{route}}",
        },
      ],
    },
    {
      title: "Duration",
      description: "Percentiles over all chosen routes.",
      kind: "timeseries",
      unit: "ms",
      width: 12,
      queries: [
        { expr: percentile(0.5), legend: "p50" },
        { expr: percentile(0.9), legend: "p90" },
        { expr: percentile(0.99), legend: "p99" },
      ],
    },
    {
      title: "p99 by route",
      description: "",
      kind: "timeseries",
      unit: "ms",
      width: 12,
      queries: [{ expr: percentile(0.99, ", virtual_host, route"), legend: "{{virtual_host}} {{route}}" }],
    },
    {
      title: "Error budget burn",
      description:
        "Of an objective of 99.9 %: at 1 the month's budget lasts the month; above 14.4 somebody is paged. From the recording rules.",
      kind: "timeseries",
      unit: "short",
      width: 12,
      queries: [
        {
          expr: 'sluice:error_ratio:rate5m{virtual_host=~"$virtual_host"} / 0.001',
          legend: "{{virtual_host}} 5m",
        },
        {
          expr: 'sluice:error_ratio:rate1h{virtual_host=~"$virtual_host"} / 0.001',
          legend: "{{virtual_host}} 1h",
        },
      ],
    },
  ],
};
