// Writes the Grafana dashboard from its panels, or with --check says whether the written one is current. Its rows
// are in the order in which a person on call asks. To load it: Dashboards, New, Import, and choose the Prometheus that scrapes as deploy/prometheus does.

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { clients } from "./clients.ts";
import { controlPlane } from "./control-plane.ts";
import type { Panel, Row } from "./panel.ts";
import { policies } from "./policies.ts";
import { services } from "./services.ts";

export const rows: readonly Row[] = [clients, policies, services, controlPlane];

export const dashboardPath = join(import.meta.dirname, "generated", "sluice.json");

const datasource = { type: "prometheus", uid: "$datasource" };
const rowHeight = 8;
const statHeight = 4;
const columns = 24;

type Json = Record<string, unknown>;

export function dashboard(): Json {
  return {
    title: "Sluice",
    uid: "sluice",
    description: "Traffic, policies, services and configuration of a mesh that Sluice serves.",
    tags: ["sluice", "envoy"],
    schemaVersion: 39,
    editable: true,
    graphTooltip: 1,
    time: { from: "now-1h", to: "now" },
    refresh: "30s",
    templating: { list: [source(), variable("virtual_host", ""), variable("route", "virtual_host")] },
    panels: place(rows),
  };
}

const source = (): Json => ({
  name: "datasource",
  label: "Prometheus",
  type: "datasource",
  query: "prometheus",
});

/** A list of a label's values, of which any number may be chosen. */
const variable = (label: string, within: string): Json => ({
  name: label,
  label: label.replace("_", " "),
  type: "query",
  datasource,
  query: {
    query: `label_values(sluice_requests_total${within === "" ? "" : `{${within}=~"$${within}"}`}, ${label})`,
    refId: label,
  },
  refresh: 2,
  sort: 1,
  multi: true,
  includeAll: true,
  allValue: ".*",
  current: { text: "All", value: "$__all" },
});

/** From left to right, in lines of 24 columns, each row under its title. */
function place(all: readonly Row[]): Json[] {
  const placed: Json[] = [];
  let y = 0;
  const add = (panel: Json): void => {
    placed.push({ id: placed.length + 1, ...panel });
  };
  for (const { title, panels } of all) {
    add({ type: "row", title, collapsed: false, gridPos: { x: 0, y, w: columns, h: 1 }, panels: [] });
    y += 1;
    let x = 0;
    let height = 0;
    for (const panel of panels) {
      const h = panel.kind === "stat" ? statHeight : rowHeight;
      if (x + panel.width > columns) {
        y += height;
        x = 0;
        height = 0;
      }
      add({ ...panelOf(panel), gridPos: { x, y, w: panel.width, h } });
      x += panel.width;
      height = Math.max(height, h);
    }
    y += height;
  }
  return placed;
}

function panelOf(panel: Panel): Json {
  const { kind, title, description, unit, queries } = panel;
  return {
    type: kind,
    title,
    description,
    datasource,
    targets: queries.map(({ expr, legend }, index) => ({
      refId: String.fromCharCode(65 + index),
      datasource,
      expr,
      legendFormat: legend,
      ...(kind === "timeseries" ? { range: true } : { instant: true, range: false }),
      ...(kind === "table" && { format: "table" }),
    })),
    fieldConfig: { defaults: { unit, min: 0, ...looks(panel) }, overrides: [] },
    options:
      kind === "timeseries"
        ? {
            legend: { displayMode: "list", placement: "bottom", showLegend: true },
            tooltip: { mode: "multi", sort: "desc" },
          }
        : kind === "stat"
          ? { reduceOptions: { calcs: ["lastNotNull"] }, colorMode: "value", graphMode: "none" }
          : { showHeader: true },
  };
}

function looks({ kind, stacked, redFrom }: Panel): Json {
  if (kind === "timeseries") {
    const stacking = { mode: stacked === true ? "normal" : "none" };
    return { custom: { stacking, fillOpacity: stacked === true ? 30 : 0, showPoints: "never" } };
  }
  const steps = [{ color: "text", value: null }, ...(redFrom ? [{ color: "red", value: redFrom }] : [])];
  return { thresholds: { mode: "absolute", steps } };
}

export const dashboardText = (): string => `${JSON.stringify(dashboard(), null, 2)}\n`;

async function main(): Promise<void> {
  const current = (await readFile(dashboardPath, "utf8").catch(() => "")) === dashboardText();
  if (current) return;
  if (process.argv.includes("--check")) {
    console.log("not current: deploy/grafana/generated/sluice.json");
    console.log("Run `node --import tsx deploy/grafana/dashboard.ts` and commit what it writes.");
    process.exitCode = 1;
    return;
  }
  await mkdir(dirname(dashboardPath), { recursive: true });
  await writeFile(dashboardPath, dashboardText());
  console.log("written: deploy/grafana/generated/sluice.json");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
