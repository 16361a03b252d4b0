// The servers of Gateways, and the hosts of VirtualServices behind each.

import type { GatewaySpec } from "../../schema/generated/types.ts";
import type { Resource } from "../model.ts";
import { virtualHostName } from "./names.ts";
import { type RoutesOfHosts, serviceHost } from "./registry.ts";
import { hint } from "./report.ts";
import type { Known } from "./routes.ts";
import { servedHosts } from "./served-hosts.ts";
import { Claims, claimRoutes, type MeshVirtualHost } from "./virtual-hosts.ts";

type VirtualService = Resource<RoutesOfHosts>;

/** One server of a Gateway. */
export interface GatewayServer {
  gateway: Resource<GatewaySpec>;
  index: number;
  /** Its own name, else its port's: what a policy's sectionName refers to. */
  name: string;
  port: number;
}

export function gatewayServers(known: Known): GatewayServer[] {
  return [...known.registry.gateways.values()].flatMap((gateway) =>
    gateway.spec.servers.map((server, index) => ({
      gateway,
      index,
      name: serverName(server),
      port: server.port.number,
    })),
  );
}

export const serverName = (server: GatewaySpec["servers"][number]): string => server.name ?? server.port.name;

export interface Binding {
  resource: VirtualService;
  gateway: string;
}

/** Which VirtualServices name which Gateways; unknown names are reported. */
export function bindVirtualServices(known: Known): Binding[] {
  const { gateways, virtualServices } = known.registry;
  const bindings: Binding[] = [];
  for (const resource of virtualServices) {
    for (const [i, written] of (resource.spec.gateways ?? []).entries()) {
      if (written === "mesh") continue;
      const gateway = written.includes("/") ? written : `${resource.namespace}/${written}`;
      if (gateways.has(gateway)) bindings.push({ resource, gateway });
      else if (!known.allGateways.has(gateway)) {
        const words = [...known.allGateways].map((name) => shorten(name, resource.namespace));
        known.report.error(
          resource,
          ["spec", "gateways", i],
          `There is no Gateway "${gateway}".${hint(written, [...words, "mesh"], "Gateway")}`,
        );
      }
    }
  }
  return bindings;
}

const shorten = (name: string, namespace: string): string =>
  name.startsWith(`${namespace}/`) ? name.slice(namespace.length + 1) : name;

/** Hosts of the VirtualServices behind these servers of a port; those that only redirect to https without any too. */
export function virtualHostsOf(
  port: number,
  servers: readonly GatewayServer[],
  bindings: readonly Binding[],
  known: Known,
): MeshVirtualHost[] {
  const claims = new Claims();
  for (const { resource, gateway } of bindings.filter((b) => b.resource.spec.http !== undefined)) {
    const own = servers.filter((s) => `${s.gateway.namespace}/${s.gateway.name}` === gateway);
    for (const [hostIndex, written] of resource.spec.hosts.entries()) {
      const host = serviceHost(written, resource.namespace, known.registry.services);
      for (const server of own) {
        for (const served of servedHosts(server, resource, host)) {
          const claim = claims.at(served, port);
          claims.add(claim, resource, hostIndex);
          if (!claim.servers.includes(server)) claim.servers.push(server);
        }
      }
    }
  }
  for (const server of servers.filter(redirectsToHttps)) {
    for (const host of hostsOf(server)) {
      const claim = claims.at(host, port);
      if (!claim.servers.includes(server)) claim.servers.push(server);
    }
  }
  const made = claims.sorted().map((claim) => ({
    name: virtualHostName(claim.host, claim.port),
    host: claim.host,
    port: claim.port,
    domains: [claim.host],
    ...claimRoutes(claim, gatewayName(claim.servers), known),
    servers: claim.servers,
    requiresTls: claim.servers.some(redirectsToHttps),
  }));
  return made.filter(({ routes, requiresTls }) => routes.length > 0 || requiresTls);
}

const redirectsToHttps = ({ gateway, index }: GatewayServer): boolean =>
  gateway.spec.servers[index]?.tls?.httpsRedirect === true;

const hostsOf = ({ gateway, index }: GatewayServer): string[] =>
  (gateway.spec.servers[index]?.hosts ?? []).map((host) => host.slice(host.indexOf("/") + 1).toLowerCase());

const gatewayName = (servers: readonly GatewayServer[]): string => {
  const gateway = servers[0]?.gateway;
  return gateway === undefined ? "mesh" : `${gateway.namespace}/${gateway.name}`;
};
