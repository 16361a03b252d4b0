// The server's own metrics as Prometheus reads them.

import type { ProxyState } from "../model.ts";
import { typeNames } from "./proxies.ts";
import type { ServerView } from "./view.ts";

type Labels = Readonly<Record<string, string>>;
type Sample = readonly [labels: Labels, value: number];

export function renderMetrics(view: ServerView): string {
  const state = view.configuration();
  const proxies = view.proxies();
  const count = (severity: string): number => state.diagnostics.filter((d) => d.severity === severity).length;
  const stale = proxies.filter((proxy) => view.wantedVersion(proxy.node) !== proxy.version);
  return [
    gauge("sluice_build_info", "The server's version.", [[{ version: view.version }, 1]]),
    gauge("sluice_snapshot_info", "Version of the snapshot served to a gateway.", [
      [{ version: state.version }, 1],
    ]),
    counter("sluice_configuration_attempts_total", "Times that the folder was read.", [[{}, state.attempts]]),
    counter("sluice_configuration_failures_total", "Of these, those held back by errors.", [
      [{}, state.failures],
    ]),
    gauge("sluice_serving_last_good", "1 while the folder is in error and older content is served.", [
      [{}, state.isLastGood ? 1 : 0],
    ]),
    gauge("sluice_serving_pinned", "1 while a version of the history is served in place of the folder.", [
      [{}, state.pinned === undefined ? 0 : 1],
    ]),
    gauge("sluice_source_errors", "Errors in the folder.", [[{}, count("error")]]),
    gauge("sluice_source_warnings", "Warnings in the folder.", [[{}, count("warning")]]),
    gauge("sluice_xds_connected_proxies", "Proxies connected.", byVariant(proxies)),
    gauge("sluice_xds_proxies_behind", "Proxies that do not have the newest snapshot yet.", [
      [{}, stale.length],
    ]),
    gauge("sluice_xds_proxies_refusing", "Proxies that refuse something.", [
      [{}, proxies.filter(isRefusing).length],
    ]),
    counter("sluice_xds_streams_total", "Streams opened by proxies.", [[{}, view.xds.streamsOpened]]),
    ...xdsCounters(view),
    gauge("process_resident_memory_bytes", "Resident memory.", [[{}, process.memoryUsage.rss()]]),
    counter("process_cpu_seconds_total", "Processor time.", [[{}, cpuSeconds()]]),
    gauge("process_start_time_seconds", "Start, in Unix time.", [[{}, Date.now() / 1000 - process.uptime()]]),
  ].join("");
}

function xdsCounters(view: ServerView): string[] {
  const kinds = [
    ["responses", "Responses sent."],
    ["resources", "Resources sent."],
    ["removals", "Removals sent."],
    ["acks", "Responses acknowledged (ACK)."],
    ["nacks", "Responses refused (NACK)."],
  ] as const;
  const counts = [...view.xds.counts()];
  return kinds.map(([kind, help]) =>
    counter(
      `sluice_xds_${kind}_total`,
      help,
      counts.map(([typeUrl, of]) => [{ type: typeNames[typeUrl] }, of[kind]]),
    ),
  );
}

function byVariant(proxies: readonly ProxyState[]): Sample[] {
  return (["delta", "sotw"] as const).map((variant) => [
    { variant },
    proxies.filter((proxy) => proxy.variant === variant).length,
  ]);
}

function isRefusing(proxy: ProxyState): boolean {
  return Object.values(proxy.types).some((type) => type.state === "nacked");
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

function gauge(name: string, help: string, samples: readonly Sample[]): string {
  return family(name, "gauge", help, samples);
}

function counter(name: string, help: string, samples: readonly Sample[]): string {
  return family(name, "counter", help, samples);
}

function family(name: string, type: string, help: string, samples: readonly Sample[]): string {
  const lines = samples.map(([labels, value]) => `${name}${renderLabels(labels)} ${value}\n`);
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join("")}`;
}

function renderLabels(labels: Labels): string {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}="${escapeLabel(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escapeLabel(value: string): string {
  return value.replace(/\\/g, "\\\\").replace(/"/g, '\\"').replace(/\n/g, "\\n");
}
