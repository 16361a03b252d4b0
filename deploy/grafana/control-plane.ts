// Whether configuration reaches the proxies, and how they are.

import { rate, type Row } from "./panel.ts";

export const controlPlane: Row = {
  title: "Proxies and configuration",
  panels: [
    {
      title: "Proxies",
      description: "Connected to the config server; behind its newest snapshot; refusing it.",
      kind: "timeseries",
      unit: "short",
      width: 8,
      queries: [
        { expr: "sum(sluice_xds_connected_proxies)", legend: "connected" },
        { expr: "sum(sluice_xds_proxies_behind)", legend: "behind" },
        { expr: "sum(sluice_xds_proxies_refusing)", legend: "refusing" },
      ],
    },
    {
      title: "Pushes, ACKs and NACKs",
      description: "",
      kind: "timeseries",
      unit: "ops",
      width: 8,
      queries: [
        { expr: `sum(${rate("sluice_xds_responses_total")})`, legend: "responses" },
        { expr: `sum(${rate("sluice_xds_acks_total")})`, legend: "ACK" },
        { expr: `sum by (type) (${rate("sluice_xds_nacks_total")})`, legend: "NACK {{type}}" },
      ],
    },
    {
      title: "Folder",
      description: "Errors hold a new snapshot back: the last good one is served.",
      kind: "timeseries",
      unit: "short",
      width: 8,
      queries: [
        { expr: "sum(sluice_source_errors)", legend: "errors" },
        { expr: "sum(sluice_source_warnings)", legend: "warnings" },
        { expr: "max(sluice_serving_last_good)", legend: "last good served" },
        { expr: "max(sluice_serving_pinned)", legend: "older version pinned" },
      ],
    },
    {
      title: "VMs of filters started again",
      description: "Each is a trap: requests in between were answered 503.",
      kind: "timeseries",
      unit: "short",
      width: 8,
      queries: [
        {
          expr: "sum by (instance, filter) (increase(envoy_wasm_vm_reload[$__rate_interval]))",
          legend: "{{instance}} {{filter}}",
        },
      ],
    },
    {
      title: "Memory of the proxies",
      description: "",
      kind: "timeseries",
      unit: "bytes",
      width: 8,
      queries: [
        { expr: "envoy_server_memory_allocated", legend: "{{instance}} allocated" },
        { expr: "envoy_server_memory_physical_size", legend: "{{instance}} resident" },
      ],
    },
    {
      title: "Snapshot served",
      description: "Version of the content that the config server gives a gateway.",
      kind: "table",
      unit: "short",
      width: 8,
      queries: [{ expr: "sluice_snapshot_info", legend: "" }],
    },
  ],
};
