// Whether a policy is the cause: what the filters decide, and what they could not do.

import { rate, type Row } from "./panel.ts";

export const policies: Row = {
  title: "Policies",
  panels: [
    {
      title: "Rate limits: decisions",
      description: "shadow_limited: would have been refused if the limit were enforced.",
      kind: "timeseries",
      unit: "reqps",
      width: 12,
      queries: [
        {
          expr: `sum by (policy, limit, decision) (${rate("sluice_rate_limit_decisions_total")})`,
          legend: "{{policy}}/{{limit}} {{decision}}",
        },
      ],
    },
    {
      title: "Rate limits: what is left",
      description:
        "Of limits without a key: units in the bucket when it was last charged, the least of all proxies.",
      kind: "timeseries",
      unit: "short",
      width: 6,
      queries: [
        { expr: "min by (policy, limit) (sluice_rate_limit_remaining)", legend: "{{policy}}/{{limit}}" },
      ],
    },
    {
      title: "Rate limits: keys forgotten",
      description: "Keys that had to leave before their bucket was full again: maxKeys is too small.",
      kind: "timeseries",
      unit: "ops",
      width: 6,
      queries: [
        {
          expr: `sum by (policy, limit) (${rate("sluice_rate_limit_evicted_total")})`,
          legend: "{{policy}}/{{limit}}",
        },
      ],
    },
    {
      title: "Faults",
      description: "overflow: let pass because of maxActive or a full table.",
      kind: "timeseries",
      unit: "reqps",
      width: 8,
      queries: [
        {
          expr: `sum by (policy, fault, type) (${rate("sluice_faults_total")})`,
          legend: "{{policy}}/{{fault}} {{type}}",
        },
      ],
    },
    {
      title: "Header routing: destinations chosen",
      description: "",
      kind: "timeseries",
      unit: "reqps",
      width: 8,
      stacked: true,
      queries: [
        {
          expr: `sum by (policy, rule, destination) (${rate("sluice_route_choices_total")})`,
          legend: "{{policy}}/{{rule}} → {{destination}}",
        },
      ],
    },
    {
      title: "What filters could not do",
      description:
        "By reason; the README of each filter lists them. Label values beyond their bounds are counted here.",
      kind: "timeseries",
      unit: "ops",
      width: 8,
      queries: [{ expr: `sum by (reason) (${rate("sluice_filter_errors_total")})`, legend: "{{reason}}" }],
    },
  ],
};
