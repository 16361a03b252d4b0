// From resources to the mesh: listeners with their virtual hosts and routes, and clusters. What policies are
// attached to, explanations are read from, and Envoy's resources are written from.

import type { Diagnostic } from "../../schema/diagnostic.ts";
import type { GatewaySpec } from "../../schema/generated/types.ts";
import { readGatewayApi } from "../gateway-api/virtual-hosts.ts";
import type { Resource } from "../model.ts";
import { buildClusters, goesToClientsAddress, type MeshCluster } from "./clusters.ts";
import type { DownstreamTls } from "./downstream-tls.ts";
import { gatewayListeners } from "./gateway-listeners.ts";
import type { GatewayServer } from "./gateways.ts";
import { checkMeshConnections, connectionListeners } from "./mesh-connections.ts";
import { isIstio, type Registry, readRegistry, type View } from "./registry.ts";
import { Report } from "./report.ts";
import type { Known } from "./routes.ts";
import { credentialsOf, type SecretUse } from "./secrets.ts";
import type { TcpRoute } from "./tcp-routes.ts";
import { sidecarOf } from "./sidecars.ts";
import { UnknownHosts } from "./unknown-hosts.ts";
import { type MeshVirtualHost, meshVirtualHosts } from "./virtual-hosts.ts";

/** What arrives at a port, or, of a port with TLS, what arrives for some names: a chain of Envoy's listener. */
export interface MeshListener {
  /** Of Envoy's listener: chains of one port have the same. */
  name: string;
  host: string;
  port: number;
  /** Name of its RouteConfiguration; empty where connections are forwarded. */
  routeConfig: string;
  virtualHosts: readonly MeshVirtualHost[];
  /** Empty for the mesh's own listener. */
  servers: readonly GatewayServer[];
  /** Names by which clients ask for it in TLS; none: any. */
  serverNames: readonly string[];
  /** Ranges of addresses that clients connect to; none: any. */
  subnets: readonly string[];
  /** Of connections that were redirected to it, the address that the client wanted is looked up. */
  restoresAddress?: boolean;
  /** Clients speak TLS, whoever ends it. */
  isTls?: true;
  /** TLS ends here. */
  tls: DownstreamTls | undefined;
  /** Of a proxy beside a workload: by which its calls go out, or calls of it come in. */
  ofSidecar?: "outbound" | "inbound";
  /** Connections are forwarded, not requests. */
  tcp: TcpRoute | undefined;
}

export interface MeshModel {
  listeners: readonly MeshListener[];
  clusters: ReadonlyMap<string, MeshCluster>;
  registry: Registry;
  /** Certificates and keys that listeners and clusters need. */
  secrets: readonly SecretUse[];
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
  const credentials = credentialsOf(resources);
  const clusters = buildClusters(registry, view, report, credentials);
  const gateways = resources.filter((r) => isIstio<GatewaySpec>(r, "Gateway"));
  const allGateways = new Set(gateways.map((r) => `${r.namespace}/${r.name}`));
  const known: Known = { registry, clusters, report, allGateways, unknown, view };
  const sidecar = view.sidecar && sidecarOf(view.sidecar, known);
  for (const cluster of sidecar?.clusters ?? []) clusters.set(cluster.name, cluster);
  const listeners: MeshListener[] = sidecar?.listeners ?? [
    {
      name: meshListener,
      ...listen,
      routeConfig: meshListener,
      virtualHosts: meshVirtualHosts(known, view, listen.port),
      restoresAddress: listen.port !== 0 && [...clusters.values()].some(goesToClientsAddress),
      servers: [],
      serverNames: [],
      subnets: [],
      tls: undefined,
      tcp: undefined,
    },
    ...gatewayListeners(known, listen, credentials, readGatewayApi(resources, known)),
    ...connectionListeners(known, listen.host),
  ];
  checkMeshConnections(known, listen.host);
  unknown.report([...registry.services.keys()], report);
  const secrets = secretsOf(listeners, clusters);
  return { mesh: { listeners, clusters, registry, secrets }, diagnostics: report.diagnostics };
}

function secretsOf(
  listeners: readonly MeshListener[],
  clusters: ReadonlyMap<string, MeshCluster>,
): SecretUse[] {
  const ofListeners = listeners.flatMap(({ tls }) => tls?.secrets ?? []);
  const ofClusters = [...clusters.values()].flatMap(({ secrets, tls }) =>
    tls === undefined ? [] : secrets.map((secret): SecretUse => ({ secret, ...tls })),
  );
  const byName = new Map([...ofClusters, ...ofListeners].map((use) => [use.secret.name, use]));
  return [...byName.values()];
}
