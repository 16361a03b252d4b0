// From resources to the mesh: listeners with their virtual hosts and routes, and clusters. What policies are
// attached to, explanations are read from, and Envoy's resources are written from.

import type { Diagnostic } from "../../schema/diagnostic.ts";
import type { GatewaySpec } from "../../schema/generated/types.ts";
import type { Resource } from "../model.ts";
import { buildClusters, type MeshCluster } from "./clusters.ts";
import { buildGatewayPorts, type GatewayServer } from "./gateways.ts";
import { isIstio, type Registry, readRegistry, type View } from "./registry.ts";
import { Report } from "./report.ts";
import type { Known } from "./routes.ts";
import { UnknownHosts } from "./unknown-hosts.ts";
import { type MeshVirtualHost, meshVirtualHosts } from "./virtual-hosts.ts";

export interface MeshListener {
  name: string;
  host: string;
  port: number;
  /** Name of its RouteConfiguration. */
  routeConfig: string;
  virtualHosts: readonly MeshVirtualHost[];
  /** Empty for the mesh's own listener. */
  servers: readonly GatewayServer[];
}

export interface MeshModel {
  listeners: readonly MeshListener[];
  clusters: ReadonlyMap<string, MeshCluster>;
  registry: Registry;
}

/** The listener that serves the whole mesh by Host header. */
export const meshListener = "mesh";

export function compileMesh(
  resources: readonly Resource[],
  listen: { host: string; port: number },
  view: View,
): { mesh: MeshModel; diagnostics: Diagnostic[] } {
  const report = new Report();
  const unknown = new UnknownHosts();
  const registry = readRegistry(resources, view, report, unknown);
  const clusters = buildClusters(registry, view, report);
  const gateways = resources.filter((r) => isIstio<GatewaySpec>(r, "Gateway"));
  const allGateways = new Set(gateways.map((r) => `${r.namespace}/${r.name}`));
  const known: Known = { registry, clusters, report, allGateways, unknown, view };
  const listeners: MeshListener[] = [
    {
      name: meshListener,
      ...listen,
      routeConfig: meshListener,
      virtualHosts: meshVirtualHosts(known, view, listen.port),
      servers: [],
    },
  ];
  for (const { port, servers, virtualHosts } of buildGatewayPorts(known)) {
    reportPortTaken(servers, listen.port, report);
    listeners.push({
      name: `${listen.host}_${port}`,
      host: listen.host,
      port,
      routeConfig: `http.${port}`,
      virtualHosts,
      servers,
    });
  }
  unknown.report([...registry.services.keys()], report);
  return { mesh: { listeners, clusters, registry }, diagnostics: report.diagnostics };
}

function reportPortTaken(servers: readonly GatewayServer[], listenPort: number, report: Report): void {
  for (const { gateway, index, port } of servers) {
    if (port !== listenPort) continue;
    report.error(
      gateway,
      ["spec", "servers", index, "port", "number"],
      `Port ${port} is that of the mesh's own listener. Use another here, or give another as --listen.`,
    );
  }
}
