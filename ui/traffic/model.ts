// What is drawn: clients, gateways, services and their versions, and what flows between them. Pure: a report
// and a choice in, nodes and edges out.

import type { ClusterTraffic, Rates, TrafficReport } from "../../server/metrics-service/report.ts";
import { serviceName } from "../format.ts";

export type NodeKind = "clients" | "source" | "service" | "version";

export interface GraphNode {
  id: string;
  kind: NodeKind;
  title: string;
  /** Namespace, role or port. */
  note: string;
  rates: Rates;
  /** Of a service or version: who can answer. */
  endpoints?: { total: number; healthy: number };
  /** Of a version: its part of what the service gets, 0 to 1. */
  share?: number;
  host?: string;
}

export interface GraphEdge {
  from: string;
  to: string;
  requests: number;
  errors: number;
}

export interface Graph {
  nodes: GraphNode[];
  edges: GraphEdge[];
  /** Services beyond the limit. */
  hidden: number;
  /** Services that the search leaves and that had no request lately. */
  idle: number;
}

export interface Choice {
  /** Part of a service's name. */
  search: string;
  showIdle: boolean;
  /** Services drawn at most. */
  limit: number;
  /** Hosts drawn before: they make way only to what has clearly more. */
  drawn?: ReadonlySet<string>;
}

/** So long something without traffic stays drawn. */
export const lingerMs = 60_000;

const headStart = 1.5;

export function buildGraph(
  report: TrafficReport,
  active: ReadonlyMap<string, number>,
  { search, showIdle, limit, drawn: before }: Choice,
): Graph {
  const isActive = (key: string): boolean => (active.get(key) ?? -Infinity) > report.at - lingerMs;
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const found = report.services.filter(({ host }) =>
    words.every((word) => host.toLowerCase().includes(word)),
  );
  const busy = found.filter(({ host }) => isActive(host));
  // With no traffic at all the mesh itself is shown: an empty picture tells nothing.
  const wanted = showIdle || busy.length === 0 ? found : busy;
  // Picked by their whole traffic, which changes little, and drawn by name: nothing jumps from second to second.
  const weight = ({ host, rates }: (typeof wanted)[number]): number =>
    rates.total * (before?.has(host) ? headStart : 1);
  const drawn = [...wanted]
    .sort((a, b) => weight(b) - weight(a) || compare(a.host, b.host))
    .slice(0, limit)
    .sort((a, b) => compare(a.host, b.host));
  const hosts = new Set(drawn.map(({ host }) => host));
  const nodeOf = sourceNodes(report, hosts);
  const clusters = groupByHost(report.clusters);
  const graph: Graph = {
    nodes: [],
    edges: [],
    hidden: wanted.length - drawn.length,
    idle: found.length - busy.length,
  };
  addSources(graph, report, nodeOf);
  for (const { host, rates } of drawn) addService(graph, host, rates, clusters.get(host) ?? [], isActive);
  addFlows(graph, report, hosts, nodeOf);
  return graph;
}

/** Which node a source is: the sidecars of an application that is a service itself are that service. */
function sourceNodes({ sources }: TrafficReport, hosts: ReadonlySet<string>): Map<string, string> {
  const services = [...hosts].map((host) => ({ host, ...serviceName(host) }));
  return new Map(
    sources.map((source) => {
      const own = services.find(
        ({ name, place }) =>
          source.role === "sidecar" &&
          name === source.name &&
          (source.namespace === "" || source.namespace === place),
      );
      return [source.name, own === undefined ? sourceId(source.name) : serviceId(own.host)];
    }),
  );
}

/** Clients reach the mesh through gateways; what a sidecar sends comes from its own application. */
function addSources(
  graph: Graph,
  { sources, total }: TrafficReport,
  nodeOf: ReadonlyMap<string, string>,
): void {
  const own = sources.filter(({ name }) => nodeOf.get(name) === sourceId(name));
  if (own.some(({ role }) => role === "gateway")) {
    graph.nodes.push({ id: "clients", kind: "clients", title: "Clients", note: "", rates: total });
  }
  for (const { name, role, proxies, rates } of [...own].sort((a, b) => compare(a.name, b.name))) {
    const note = proxies > 1 ? `${role} · ${proxies} proxies` : role;
    graph.nodes.push({ id: sourceId(name), kind: "source", title: name, note, rates });
    if (role === "sidecar") continue;
    graph.edges.push({
      from: "clients",
      to: sourceId(name),
      requests: rates.requests,
      errors: rates.errors,
    });
  }
}

function addService(
  graph: Graph,
  host: string,
  rates: Rates,
  clusters: readonly ClusterTraffic[],
  isActive: (key: string) => boolean,
): void {
  const { name, place } = serviceName(host);
  const whole = clusters.find(({ subset }) => subset === "");
  const hasSubsets = clusters.some(({ subset }) => subset !== "");
  graph.nodes.push({
    id: serviceId(host),
    kind: "service",
    title: name,
    note: place,
    rates,
    host,
    ...(whole !== undefined && { endpoints: { total: whole.endpoints, healthy: whole.healthy } }),
  });
  if (!hasSubsets) return;
  const ports = new Set(clusters.map(({ port }) => port));
  const shown = clusters.filter(
    (c) => isActive(c.cluster) || (c.subset !== "" && c.port === clusters[0]?.port),
  );
  for (const { cluster, subset, port, endpoints, healthy, rates: own } of shown.sort(bySubset)) {
    graph.nodes.push({
      id: versionId(cluster),
      kind: "version",
      title: subset === "" ? "any version" : subset,
      note: ports.size > 1 ? `port ${port}` : "",
      rates: own,
      endpoints: { total: endpoints, healthy },
      share: rates.requests > 0 ? own.requests / rates.requests : 0,
      host,
    });
    graph.edges.push({
      from: serviceId(host),
      to: versionId(cluster),
      requests: own.requests,
      errors: own.errors,
    });
  }
}

/** From each source to each service; a service that nobody has sent to hangs on the first source. */
function addFlows(
  graph: Graph,
  report: TrafficReport,
  hosts: ReadonlySet<string>,
  nodeOf: ReadonlyMap<string, string>,
): void {
  const flows = new Map<string, GraphEdge>();
  for (const { source, cluster, rates } of report.edges) {
    const host = hostOf(cluster);
    if (!hosts.has(host) || nodeOf.get(source) === serviceId(host)) continue;
    const key = `${source} ${host}`;
    const from = nodeOf.get(source) ?? sourceId(source);
    const flow = flows.get(key) ?? { from, to: serviceId(host), requests: 0, errors: 0 };
    flow.requests += rates.requests;
    flow.errors += rates.errors;
    flows.set(key, flow);
  }
  const reached = new Set([...flows.values()].map(({ to }) => to));
  const gateway = graph.edges.find(({ from }) => from === "clients")?.to;
  const first = gateway ?? graph.nodes.find(({ kind }) => kind === "source")?.id;
  for (const host of hosts) {
    if (first === undefined || reached.has(serviceId(host))) continue;
    flows.set(host, { from: first, to: serviceId(host), requests: 0, errors: 0 });
  }
  graph.edges.push(...flows.values());
}

export const sourceId = (name: string): string => `source ${name}`;
export const serviceId = (host: string): string => `service ${host}`;
export const versionId = (cluster: string): string => `version ${cluster}`;

const hostOf = (cluster: string): string => cluster.split("|")[3] ?? "";

function groupByHost(clusters: readonly ClusterTraffic[]): Map<string, ClusterTraffic[]> {
  const byHost = new Map<string, ClusterTraffic[]>();
  for (const cluster of clusters) byHost.set(cluster.host, [...(byHost.get(cluster.host) ?? []), cluster]);
  return byHost;
}

const bySubset = (a: ClusterTraffic, b: ClusterTraffic): number =>
  compare(a.subset, b.subset) || a.port - b.port;

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

export type Health = "idle" | "good" | "warn" | "bad";

/** Any error is worth a look, one in twenty is trouble. */
export function healthOf({ requests, errors }: { requests: number; errors: number }): Health {
  if (requests === 0) return "idle";
  if (errors === 0) return "good";
  return errors / requests >= 0.05 ? "bad" : "warn";
}
