// Where connections go that are not looked into: a VirtualService's tcp and tls routes, for one server of a
// Gateway or one port of a service as a sidecar reaches it. Which of several takes a connection is istiod's order:
// VirtualServices by name, routes as written.

import type { RouteDestination, TcpSettings, VirtualServiceSpec } from "../../schema/generated/types.ts";
import type { Resource } from "../model.ts";
import type { MeshDestination } from "./actions.ts";
import { type Caller, failingConnection, type PlaceConditions } from "./callers.ts";
import { gatewayName } from "./delegates.ts";
import type { GatewayServer } from "./gateways.ts";
import { clusterName, covers } from "./names.ts";
import { type RoutesOfHosts, type Service, serviceHost } from "./registry.ts";
import { identity, place } from "./report.ts";
import { reportWeights, resolveDestination } from "./destinations.ts";
import type { Known } from "./routes.ts";
import { servedHosts } from "./served-hosts.ts";
import { policyFor } from "./traffic-policy.ts";

type VirtualService = Resource<RoutesOfHosts>;

/** One filter chain. */
export interface TcpRoute {
  kind: "tcp" | "tls";
  /** Names that the client asks for; none: any, or no TLS. */
  sniHosts: readonly string[];
  /** Addresses connected to; none: any. */
  subnets: readonly string[];
  destinations: readonly MeshDestination[];
  /** Limits of its connections' lives, by the DestinationRule of the first destination. */
  settings: TcpSettings | undefined;
  /** What Envoy counts its connections as. */
  statPrefix: string;
  /** Undefined: what a service gets without a VirtualService. */
  origin: { resource: Resource<VirtualServiceSpec>; kind: "tcp" | "tls"; index: number } | undefined;
}

/** Of a server for TCP, also where it ends TLS: the first route that fits takes every connection. */
export function gatewayTcpRoute(server: GatewayServer, known: Known): TcpRoute | undefined {
  let found: TcpRoute | undefined;
  for (const { resource, caller } of boundTo(server, known)) {
    for (const [index, { match = [], route }] of (resource.spec.tcp ?? []).entries()) {
      warnSubnets(resource, "tcp", index, match, known);
      const fits = match.some((m) => failingConnection(m, resource.namespace, caller) === undefined);
      if (!fits && match.length > 0) continue;
      const own = chain(resource, "tcp", index, route, caller.port, known);
      if (found === undefined) found = own;
      else reportUnreached(resource, index, found, server, known);
    }
  }
  return found;
}

/** Of a server that passes TLS through: a chain for each condition, told apart by the name asked for. */
export function gatewayTlsRoutes(server: GatewayServer, known: Known): TcpRoute[] {
  const byName = new Map<string, VirtualService>();
  const chains: TcpRoute[] = [];
  for (const { resource, caller } of boundTo(server, known)) {
    for (const [index, { match, route }] of (resource.spec.tls ?? []).entries()) {
      warnSubnets(resource, "tls", index, match, known);
      for (const [i, m] of match.entries()) {
        if (failingConnection(m, resource.namespace, caller) !== undefined) continue;
        const names = m.sniHosts.map((name) => name.toLowerCase());
        const twice = names.find((name) => byName.has(name));
        const other = twice === undefined ? undefined : byName.get(twice);
        if (twice !== undefined && other !== undefined) {
          const path = ["spec", "tls", index, "match", i, "sniHosts"];
          const message = `"${twice}" is routed on this port by ${identity(other)} (${place(other)}) already, so that none of these names is routed here.`;
          known.report.warning(resource, path, message);
          continue;
        }
        for (const name of names) byName.set(name, resource);
        chains.push({ ...chain(resource, "tls", index, route, caller.port, known), sniHosts: named(names) });
      }
    }
  }
  return chains;
}

/** Of a service's port, for a sidecar: chains for ranges of addresses first, the last without, if any. */
export function outboundTcpRoutes(service: Service, port: number, known: Known): TcpRoute[] {
  const protocol = service.ports.find((p) => p.number === port)?.protocol as string | undefined;
  const caller = { port, gateways: ["mesh"], view: known.view };
  const routes = known.registry.virtualServices.filter((r) => isForHost(r, service.host, known));
  const isTls = protocol === "TLS" || protocol === "HTTPS";
  return isTls ? outboundTls(routes, service, caller, known) : outboundTcp(routes, service, caller, known);
}

function outboundTls(
  routes: readonly VirtualService[],
  service: Service,
  caller: Caller,
  known: Known,
): TcpRoute[] {
  const chains = new Map<string, TcpRoute>();
  for (const resource of routes) {
    for (const [index, { match, route }] of (resource.spec.tls ?? []).entries()) {
      for (const m of match) {
        if (failingConnection(m, resource.namespace, caller) !== undefined) continue;
        const [sniHosts, subnets] = [
          named(m.sniHosts.map((n) => n.toLowerCase())),
          m.destinationSubnets ?? [],
        ];
        const own = { ...chain(resource, "tls", index, route, caller.port, known), sniHosts, subnets };
        const key = JSON.stringify([sniHosts, subnets]);
        if (!chains.has(key)) chains.set(key, own);
      }
    }
  }
  return chains.size > 0 ? [...chains.values()] : [ownChain(service, "tls", caller.port, known)];
}

function outboundTcp(
  routes: readonly VirtualService[],
  service: Service,
  caller: Caller,
  known: Known,
): TcpRoute[] {
  const chains: TcpRoute[] = [];
  for (const resource of routes) {
    for (const [index, { match = [], route }] of (resource.spec.tcp ?? []).entries()) {
      const fitting = match.filter((m) => failingConnection(m, resource.namespace, caller) === undefined);
      if (match.length > 0 && fitting.length === 0) continue;
      const own = chain(resource, "tcp", index, route, caller.port, known);
      const subnets = fitting.map((m) => m.destinationSubnets ?? []);
      if (subnets.every((ranges) => ranges.length > 0) && subnets.length > 0) {
        chains.push({ ...own, subnets: subnets.flat() });
      } else return [...chains, own];
    }
  }
  return [...chains, ownChain(service, "tcp", caller.port, known)];
}

/** `*` among the names stands for all. */
const named = (names: readonly string[]): readonly string[] => (names.includes("*") ? [] : names);

interface Bound {
  resource: VirtualService;
  caller: Caller;
}

/** VirtualServices that name the server's Gateway with a host that it serves. */
function boundTo(server: GatewayServer, known: Known): Bound[] {
  const gateway = `${server.gateway.namespace}/${server.gateway.name}`;
  const caller = { port: server.port, gateways: [gateway], view: known.view };
  return known.registry.virtualServices
    .filter((r) => (r.spec.gateways ?? []).some((name) => gatewayName(name, r.namespace) === gateway))
    .filter((r) =>
      r.spec.hosts.some(
        (h) => servedHosts(server, r, serviceHost(h, r.namespace, known.registry.services)).length > 0,
      ),
    )
    .map((resource) => ({ resource, caller }));
}

function isForHost(resource: VirtualService, host: string, known: Known): boolean {
  const { gateways = [], hosts } = resource.spec;
  if (gateways.length > 0 && !gateways.includes("mesh")) return false;
  return hosts.some((h) => covers(serviceHost(h, resource.namespace, known.registry.services), host));
}

function chain(
  resource: VirtualService,
  kind: "tcp" | "tls",
  index: number,
  route: readonly RouteDestination[],
  port: number,
  known: Known,
): TcpRoute {
  const path = ["spec", kind, index, "route"];
  const destinations = route.flatMap(({ destination, weight }, i): MeshDestination[] => {
    const found = resolveDestination(resource, destination, [...path, i, "destination"], port, known);
    const share = weight ?? (route.length === 1 ? 1 : 0);
    return found === undefined ? [] : [{ ...found, weight: share, headers: undefined }];
  });
  reportWeights(resource, route, path, known.report);
  const [only] = destinations;
  const isOne = destinations.length === 1 && only !== undefined;
  const statPrefix = isOne ? only.cluster : `${resource.name}.${resource.namespace}`;
  const settings = settingsOf(only, known);
  const origin = { resource, kind, index };
  return { kind, sniHosts: [], subnets: [], destinations, settings, statPrefix, origin };
}

function ownChain({ host }: Service, kind: "tcp" | "tls", port: number, known: Known): TcpRoute {
  const cluster = clusterName(port, undefined, host);
  const hash = known.clusters.get(cluster)?.hash;
  const to = { host, subset: undefined, port, cluster, weight: 1, headers: undefined, hash };
  const own = { destinations: [to], settings: settingsOf(to, known), statPrefix: cluster };
  return { kind, sniHosts: [], subnets: [], ...own, origin: undefined };
}

function settingsOf(to: MeshDestination | undefined, { registry }: Known): TcpSettings | undefined {
  if (to === undefined) return undefined;
  const rule = registry.rules.get(to.host);
  const subset = to.subset === undefined ? undefined : rule?.subsets.get(to.subset);
  return policyFor(rule?.trafficPolicy, subset, to.port).connectionPool?.tcp;
}

function warnSubnets(
  resource: VirtualService,
  kind: "tcp" | "tls",
  index: number,
  match: readonly (PlaceConditions & { destinationSubnets?: string[] })[],
  known: Known,
): void {
  for (const [i, { destinationSubnets = [] }] of match.entries()) {
    if (destinationSubnets.length === 0) continue;
    const path = ["spec", kind, index, "match", i, "destinationSubnets"];
    known.report.warning(resource, path, "On a Gateway they have no effect, as in Istio: remove them.");
  }
}

function reportUnreached(
  resource: VirtualService,
  index: number,
  { origin }: TcpRoute,
  server: GatewayServer,
  known: Known,
): void {
  if (origin === undefined) return;
  const first = `tcp[${origin.index}] of ${identity(origin.resource)} (${place(origin.resource)})`;
  const message = `No connection on port ${server.port} reaches it: ${first} takes them all.`;
  known.report.warning(resource, ["spec", "tcp", index], message);
}
