// The hosts behind the Gateway API's listeners of one chain, each with the routes of all HTTPRoutes and GRPCRoutes
// for it, in the order of the specification.

import type { GatewayServer } from "../istio/gateways.ts";
import { bySpecificity, covers, isWildcard, virtualHostName } from "../istio/names.ts";
import type { Known } from "../istio/routes.ts";
import { identity, place } from "../istio/report.ts";
import type { MeshVirtualHost } from "../istio/virtual-hosts.ts";
import type { Resource } from "../model.ts";
import { type Attachment, attachRoutes } from "./attachments.ts";
import { apiServers, asGateway, checkCertificates } from "./gateways.ts";
import { byPrecedence } from "./precedence.ts";
import {
  type ApiGateway,
  type ApiRoute,
  Grants,
  isApiGateway,
  isGrpcRoute,
  isHttpRoute,
} from "./resources.ts";
import { type RankedRoute, routesOf } from "./rules.ts";

export interface GatewayApi {
  servers: readonly GatewayServer[];
  /** Of the servers that are the Gateway API's. */
  virtualHosts(port: number, servers: readonly GatewayServer[], isTls: boolean): MeshVirtualHost[];
}

export function readGatewayApi(resources: readonly Resource[], known: Known): GatewayApi {
  const gateways = resources.filter(isApiGateway);
  const grants = new Grants(resources);
  const servers = apiServers(gateways);
  checkCertificates(gateways, grants, known.report);
  checkTls(gateways, known);
  const routes = resources.filter((r): r is ApiRoute => isHttpRoute(r) || isGrpcRoute(r));
  const attached = attachRoutes(routes, gateways, servers, known.report);
  const own = new Set(gateways.map(asGateway));
  return {
    servers,
    virtualHosts: (port, all, isTls) =>
      virtualHosts(
        port,
        all.filter((s) => own.has(s.gateway)),
        isTls,
        { attached, known, grants },
      ),
  };
}

function checkTls(gateways: readonly ApiGateway[], { report }: Known): void {
  for (const gateway of gateways) {
    for (const [i, { protocol, tls }] of gateway.spec.listeners.entries()) {
      const path = ["spec", "listeners", i];
      if (protocol === "HTTPS" && (tls?.certificateRefs ?? []).length === 0) {
        report.error(
          gateway,
          [...path, "protocol"],
          "HTTPS needs `tls.certificateRefs`: a Secret with tls.crt and tls.key.",
        );
      }
      if (protocol === "HTTP" && tls !== undefined) {
        report.error(
          gateway,
          [...path, "tls"],
          "A listener of HTTP has no TLS. Write `protocol: HTTPS`, or remove it.",
        );
      }
    }
  }
}

interface From {
  attached: ReadonlyMap<GatewayServer, readonly Attachment[]>;
  known: Known;
  grants: Grants;
}

/** Listeners of one port that are for the same host are one. */
function virtualHosts(
  port: number,
  servers: readonly GatewayServer[],
  isTls: boolean,
  from: From,
): MeshVirtualHost[] {
  const byHostname = new Map<string, GatewayServer[]>();
  for (const server of servers) {
    const hostname = server.gateway.spec.servers[server.index]?.hosts[0]?.toLowerCase() ?? "*";
    byHostname.set(hostname, [...(byHostname.get(hostname) ?? []), server]);
  }
  const hostnames = [...byHostname.keys()].sort(bySpecificity);
  return hostnames.flatMap((hostname) => {
    const own = byHostname.get(hostname) ?? [];
    const isOwn = (host: string): boolean => hostnames.find((other) => covers(other, host)) === hostname;
    const made = hostsOf(port, own, isTls, from).filter(({ host }) => isOwn(host));
    // Its requests must not go to a listener for more hosts.
    const needsOwn = hostnames.length > 1 && !made.some(({ host }) => host === hostname);
    return needsOwn ? [...made, virtualHost(hostname, port, [], own)] : made;
  });
}

const virtualHost = (
  host: string,
  port: number,
  routes: MeshVirtualHost["routes"],
  servers: readonly GatewayServer[],
): MeshVirtualHost => ({
  name: virtualHostName(host, port),
  host,
  port,
  domains: [host],
  routes,
  leftOut: [],
  servers,
});

/** Routes for a wider host come after those of the host itself: they take what those leave. */
function hostsOf(
  port: number,
  servers: readonly GatewayServer[],
  isTls: boolean,
  { attached, known, grants }: From,
): MeshVirtualHost[] {
  const attachments = servers.flatMap((server) => attached.get(server) ?? []);
  const built = new Map<ApiRoute, RankedRoute[]>();
  for (const { route } of attachments) {
    if (!built.has(route)) built.set(route, routesOf(route, { resource: route, port, isTls, known, grants }));
  }
  const byHost = new Map<string, Set<ApiRoute>>();
  for (const { route, hosts } of attachments) {
    for (const host of hosts) byHost.set(host, (byHost.get(host) ?? new Set()).add(route));
  }
  const hosts = [...byHost.keys()].sort(bySpecificity);
  const wildcards = hosts.filter(isWildcard);
  return hosts.map((host) => {
    const wider = [host, ...wildcards.filter((other) => other !== host && covers(other, host))];
    const ranked = wider.flatMap((pattern) =>
      [...(byHost.get(pattern) ?? [])].flatMap((route) => built.get(route) ?? []).sort(byPrecedence),
    );
    const once = [...new Set(ranked)];
    reportSameNames(once, known);
    return virtualHost(
      host,
      port,
      once.map(({ route }) => route),
      servers,
    );
  });
}

/** Policies find a route by its name. */
function reportSameNames(routes: readonly RankedRoute[], { report }: Known): void {
  const byName = new Map<string, RankedRoute>();
  for (const ranked of routes) {
    const { resource, index, route } = ranked;
    const first = byName.get(route.name) ?? ranked;
    byName.set(route.name, first);
    if (first.resource === resource && first.index === index) continue;
    const where = `rules[${first.index}] of ${identity(first.resource)} (${place(first.resource)})`;
    const message = `The rule name "${route.name}" is that of ${where} too, on the same host, and a policy on one would apply to the other. Give it another name.`;
    report.error(resource, ["spec", "rules", index, "name"], message);
  }
}
