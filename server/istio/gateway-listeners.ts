// The listeners of Gateways. A port is one listener of Envoy's, whichever Gateways its servers are of: plain HTTP
// with all its hosts in one route table; TLS with a chain for each server, chosen by the name that the client asks
// for; or connections.

import type { GatewaySpec } from "../../schema/generated/types.ts";
import { downstreamTls } from "./downstream-tls.ts";
import {
  bindVirtualServices,
  type Binding,
  gatewayServers,
  type GatewayServer,
  virtualHostsOf,
} from "./gateways.ts";
import type { GatewayApi } from "../gateway-api/virtual-hosts.ts";
import type { MeshListener } from "./mesh.ts";
import { identity, place } from "./report.ts";
import type { Known } from "./routes.ts";
import type { Credentials } from "./secrets.ts";
import type { MeshVirtualHost } from "./virtual-hosts.ts";
import { gatewayTcpRoute, gatewayTlsRoutes, type TcpRoute } from "./tcp-routes.ts";

/** What a server does with what arrives. */
type Way = "http" | "https" | "terminated" | "passthrough" | "tcp";

interface Building {
  known: Known;
  credentials: Credentials;
  api: GatewayApi;
  bindings: readonly Binding[];
  host: string;
  port: number;
}

export function gatewayListeners(
  known: Known,
  listen: { host: string; port: number },
  credentials: Credentials,
  api: GatewayApi,
): MeshListener[] {
  const bindings = bindVirtualServices(known);
  const ports = new Map<string, GatewayServer[]>();
  for (const server of [...gatewayServers(known), ...api.servers]) {
    const key = JSON.stringify([specOf(server).bind ?? listen.host, server.port]);
    ports.set(key, [...(ports.get(key) ?? []), server]);
  }
  const sorted = [...ports].sort(([, [a]], [, [b]]) => (a?.port ?? 0) - (b?.port ?? 0));
  return sorted.flatMap(([key, servers]) => {
    const [host, port] = JSON.parse(key) as [string, number];
    if (port === listen.port && host === listen.host) reportTaken(servers, port, known);
    return portListeners(servers, { known, credentials, api, bindings, host, port });
  });
}

const specOf = ({ gateway, index }: GatewayServer): GatewaySpec["servers"][number] => {
  const spec = gateway.spec.servers[index];
  if (spec === undefined) throw new Error(`${identity(gateway)} has no servers[${index}]`);
  return spec;
};

function wayOf(server: GatewayServer): Way {
  const { port, tls } = specOf(server);
  const { protocol } = port;
  if (protocol === "HTTPS" || protocol === "TLS") {
    if ((tls?.mode ?? "PASSTHROUGH") === "PASSTHROUGH") return "passthrough";
    return protocol === "HTTPS" ? "https" : "terminated";
  }
  return ["HTTP", "HTTP2", "GRPC", "GRPC-WEB"].includes(protocol) ? "http" : "tcp";
}

const familyOf = (way: Way): "HTTP" | "TLS" | "TCP" =>
  way === "http" ? "HTTP" : way === "tcp" ? "TCP" : "TLS";

function portListeners(servers: readonly GatewayServer[], building: Building): MeshListener[] {
  const [first] = servers;
  if (first === undefined) return [];
  const family = familyOf(wayOf(first));
  const own = servers.filter((server) => {
    if (familyOf(wayOf(server)) === family) return true;
    const other = `${identity(first.gateway)} (${place(first.gateway)})`;
    const message = `Port ${building.port} speaks ${family} in ${other}, and cannot speak ${specOf(server).port.protocol} too. Use another port.`;
    building.known.report.error(server.gateway, portPath(server), message);
    return false;
  });
  if (family === "HTTP") return [plainHttp(own, building)];
  if (family === "TCP") return plainTcp(own, building);
  return chains(own, building);
}

const portPath = ({ index }: GatewayServer) => ["spec", "servers", index, "port"];

const frame = ({ host, port }: Building) =>
  ({
    name: `${host}_${port}`,
    host,
    port,
    serverNames: [],
    subnets: [],
    tls: undefined,
    tcp: undefined,
  }) as const;

function plainHttp(servers: readonly GatewayServer[], building: Building): MeshListener {
  const bind = servers.map((server) => specOf(server).bind).find((address) => address !== undefined);
  return {
    ...frame(building),
    routeConfig: `http.${building.port}${bind === undefined ? "" : `.${bind}`}`,
    virtualHosts: virtualHosts(servers, false, building),
    servers,
  };
}

function plainTcp(servers: readonly GatewayServer[], building: Building): MeshListener[] {
  const found = servers.flatMap((server) => {
    const tcp = gatewayTcpRoute(server, building.known);
    return tcp === undefined || tcp.destinations.length === 0 ? [] : { server, tcp };
  });
  const [first, second] = found;
  if (second !== undefined) reportTwice(second.server, first?.server, "TCP", building);
  return first === undefined ? [] : [connections(first.server, first.tcp, building)];
}

/** Of VirtualServices, and of the Gateway API's routes. */
function virtualHosts(
  servers: readonly GatewayServer[],
  isTls: boolean,
  building: Building,
): MeshVirtualHost[] {
  const { known, api, bindings, port } = building;
  const own = virtualHostsOf(port, servers, bindings, known);
  const others = api.virtualHosts(port, servers, isTls).filter((other) => {
    const twice = own.some(({ name }) => name === other.name);
    const [server] = other.servers;
    if (twice && server !== undefined) {
      const message = `VirtualServices route the host "${other.host}" on port ${port} already. Use another host or port.`;
      known.report.error(server.gateway, ["spec", "servers", server.index, "hosts"], message);
    }
    return !twice;
  });
  return [...own, ...others];
}

const connections = (server: GatewayServer, tcp: TcpRoute, building: Building): MeshListener => ({
  ...frame(building),
  routeConfig: "",
  virtualHosts: [],
  servers: [server],
  subnets: tcp.subnets,
  serverNames: tcp.sniHosts,
  tcp,
});

/** Chains of one port must differ in the names that they are for. */
function chains(servers: readonly GatewayServer[], building: Building): MeshListener[] {
  const takenBy = new Map<string, GatewayServer>();
  return servers.flatMap((server) =>
    chainsOf(server, building).filter((chain) => {
      const names = chain.serverNames.length === 0 ? ["*"] : chain.serverNames;
      const keys = names.map((name) => `${name} ${chain.subnets.join()}`);
      const twice = names.find((_, i) => takenBy.has(keys[i] ?? ""));
      if (twice !== undefined) {
        reportTwice(server, takenBy.get(keys[names.indexOf(twice)] ?? ""), twice, building);
        return false;
      }
      for (const key of keys) takenBy.set(key, server);
      return true;
    }),
  );
}

function reportTwice(
  server: GatewayServer,
  other: GatewayServer | undefined,
  what: string,
  { known, port }: Building,
): void {
  const where = other === undefined ? "" : ` by ${identity(other.gateway)} (${place(other.gateway)})`;
  const message = `"${what}" is served on port ${port} already${where}: a connection could not be told from one of that. Use another host or port.`;
  known.report.error(server.gateway, ["spec", "servers", server.index, "hosts"], message);
}

function chainsOf(server: GatewayServer, building: Building): MeshListener[] {
  const { known, credentials, port } = building;
  const way = wayOf(server);
  const isTls = true;
  if (way === "passthrough") {
    return gatewayTlsRoutes(server, known)
      .filter(({ destinations }) => destinations.length > 0)
      .map((route) => ({ ...connections(server, route, building), isTls }));
  }
  const spec = specOf(server);
  const origin = {
    gateway: server.gateway,
    path: ["spec", "servers", server.index, "tls"],
    credentials,
    report: known.report,
  };
  const tls = downstreamTls(spec.tls ?? {}, way === "https" ? ["h2", "http/1.1"] : [], origin);
  const serverNames = namesOf(spec.hosts);
  if (way === "terminated") {
    const tcp = gatewayTcpRoute(server, known);
    if (tcp === undefined || tcp.destinations.length === 0) return [];
    return [{ ...connections(server, tcp, building), serverNames, tls, isTls }];
  }
  const { name, namespace } = server.gateway;
  return [
    {
      ...frame(building),
      isTls,
      routeConfig: `https.${port}.${spec.port.name}.${name}.${namespace}`,
      virtualHosts: virtualHosts([server], true, building),
      servers: [server],
      serverNames,
      tls,
    },
  ];
}

/** By which names clients ask for a server; none: by any. */
function namesOf(hosts: readonly string[]): string[] {
  const names = hosts.map((host) => host.slice(host.indexOf("/") + 1).toLowerCase());
  return names.includes("*") ? [] : [...new Set(names)];
}

function reportTaken(servers: readonly GatewayServer[], port: number, { report }: Known): void {
  for (const server of servers) {
    const message = `Port ${port} is that of the mesh's own listener. Use another here, or give another as --listen.`;
    report.error(server.gateway, [...portPath(server), "number"], message);
  }
}
