// Which hosts a listener serves and with which routes: VirtualServices first, then what each service gets
// without one. Several VirtualServices for one host are merged where the order between them cannot matter.

import { create } from "@bufbuild/protobuf";
import { RouteSchema } from "../../build/envoy-api/envoy/config/route/v3/route_components_pb.ts";
import type { ServiceEntrySpec, VirtualServiceSpec } from "../../schema/generated/types.ts";
import type { Resource } from "../model.ts";
import { forward, type MeshDestination } from "./actions.ts";
import { routeMatch } from "./conditions.ts";
import type { GatewayServer } from "./gateways.ts";
import { Memo } from "./memo.ts";
import { canMerge, reportSameNames } from "./merging.ts";
import {
  clusterName,
  covers,
  isWildcard,
  localName,
  patternFinder,
  shorterForms,
  virtualHostName,
} from "./names.ts";
import { isHttp } from "./protocols.ts";
import { type Service, serviceHost, type View } from "./registry.ts";
import { hostHint } from "./report.ts";
import { buildRoutes, hashText, type Known, type LeftOut, type MeshRoute, type RouteBody } from "./routes.ts";

export interface MeshVirtualHost {
  /** `HOST:PORT`. */
  name: string;
  host: string;
  port: number;
  domains: readonly string[];
  routes: readonly MeshRoute[];
  /** What of its VirtualServices is not for this listener, port or proxy. */
  leftOut: readonly LeftOut[];
  /** The servers of Gateways through which it is reached; none on the mesh's own listener. */
  servers: readonly GatewayServer[];
  /** Requests in plain text are redirected to https. */
  requiresTls?: boolean;
}

type VirtualService = Resource<VirtualServiceSpec>;

/** A host on a port before its routes are built. */
export interface Claim {
  host: string;
  port: number;
  service: Service | undefined;
  virtualServices: { resource: VirtualService; hostIndex: number }[];
  servers: GatewayServer[];
}

export class Claims {
  readonly #byName = new Map<string, Claim>();

  at(host: string, port: number): Claim {
    const name = virtualHostName(host, port);
    let claim = this.#byName.get(name);
    if (claim === undefined) {
      claim = { host, port, service: undefined, virtualServices: [], servers: [] };
      this.#byName.set(name, claim);
    }
    return claim;
  }

  add(claim: Claim, resource: VirtualService, hostIndex: number): void {
    if (!claim.virtualServices.some((v) => v.resource === resource)) {
      claim.virtualServices.push({ resource, hostIndex });
    }
  }

  sorted(): Claim[] {
    return [...this.#byName.values()].sort((a, b) =>
      virtualHostName(a.host, a.port) < virtualHostName(b.host, b.port) ? -1 : 1,
    );
  }
}

/** The virtual hosts of the mesh's own listener, which serves every port of every host by the Host header. */
export function meshVirtualHosts(known: Known, view: View, listenPort: number): MeshVirtualHost[] {
  const claims = claimHosts(known);
  const { services } = known.registry;
  for (const service of services.values()) {
    for (const port of httpPorts(service)) claims.at(service.host, port.number).service = service;
  }
  const taken = new Set<string>();
  return claims.sorted().map((claim) => ({
    name: virtualHostName(claim.host, claim.port),
    host: claim.host,
    port: claim.port,
    domains: domains(claim, known, view, listenPort).filter((d) => !taken.has(d) && taken.add(d)),
    ...claimRoutes(claim, "mesh", known),
    servers: [],
  }));
}

function claimHosts(known: Known): Claims {
  const { services, virtualServices } = known.registry;
  const claims = new Claims();
  const bound = virtualServices
    .filter((r) => r.spec.http !== undefined && isOfMesh(r.spec.gateways))
    .flatMap((resource) =>
      resource.spec.hosts.map((written, hostIndex) => ({
        resource,
        hostIndex,
        host: serviceHost(written, resource.namespace, services),
      })),
    );
  const mostSpecific = patternFinder(bound.map((b) => b.host));
  for (const { resource, hostIndex, host } of bound) {
    const covered = servicesUnder(host, services);
    for (const service of covered) {
      if (mostSpecific(service.host) !== host) continue;
      for (const port of httpPorts(service)) {
        claims.add(claims.at(service.host, port.number), resource, hostIndex);
      }
    }
    if (covered.length > 0 && !isWildcard(host)) continue;
    claims.add(claims.at(host, 80), resource, hostIndex);
    warnNearMiss(resource, hostIndex, host, known);
  }
  return claims;
}

/** No Gateways at all, in a list or without one, stand for the mesh. */
export const isOfMesh = (gateways: readonly string[] = []): boolean =>
  gateways.length === 0 || gateways.includes("mesh");

/** Of the other ports there are connections, and no requests that have a host. */
const httpPorts = ({ ports }: Service) => ports.filter(({ protocol }) => isHttp(protocol));

function servicesUnder(host: string, services: ReadonlyMap<string, Service>): Service[] {
  if (isWildcard(host)) return [...services.values()].filter((s) => covers(host, s.host));
  const service = services.get(host);
  return service === undefined ? [] : [service];
}

/** A host that no service has is legal; one that is nearly a service's is a slip of the pen. */
function warnNearMiss(resource: VirtualService, hostIndex: number, host: string, known: Known): void {
  if (isWildcard(host)) return;
  const guess = hostHint(host, [...known.registry.services.keys()], "ServiceEntry");
  if (!guess.includes("Did you mean")) return;
  known.report.warning(
    resource,
    ["spec", "hosts", hostIndex],
    `No ServiceEntry has the host "${host}": only requests with exactly this Host header are served.${guess}`,
  );
}

/**
 * The full name and its shorter forms, bare for the service's first port (80 if it has it), and with the
 * port: its own, or on the first port any that no other virtual host has, such as the listener's.
 */
function domains(claim: Claim, known: Known, view: View, listenPort: number): string[] {
  const { host, port, service } = claim;
  if (host === "*") return ["*"];
  if (isWildcard(host)) return [...new Set([host, `${host}:${port}`, `${host}:${listenPort || port}`])];
  const addresses = service?.resource.spec.addresses?.map(inHostHeader) ?? [];
  const names = [host, ...shorterForms(host, hasBareName(host, known, view)), ...addresses];
  const withPort = names.map((name) => `${name}:${port}`);
  const ports = service === undefined ? [port] : httpPorts(service).map((p) => p.number);
  const first = ports.includes(80) ? 80 : ports[0];
  return port === first ? [...names, ...withPort, ...names.map((name) => `${name}:*`)] : withPort;
}

const inHostHeader = (address: string): string => (address.includes(":") ? `[${address}]` : address);

/** The bare name is the proxy's own namespace's; a proxy of none knows it where only one namespace has it. */
function hasBareName(host: string, known: Known, view: View): boolean {
  const local = localName(host);
  if (local === undefined) return false;
  if (view.namespace !== undefined) return local.namespace === view.namespace;
  const owners = known.registry.localNames.get(local.name);
  return !known.registry.services.has(local.name) && [...(owners ?? [])].every((other) => other === host);
}

/** Routes of the VirtualServices that claim a host; the service's own where they have none for this place. */
export function claimRoutes(
  claim: Claim,
  gateway: string,
  known: Known,
): Pick<MeshVirtualHost, "routes" | "leftOut"> {
  const { port, service, servers } = claim;
  const at = {
    port,
    gateways: servers.length === 0 ? ["mesh"] : [...new Set(servers.map(gatewayOf))],
    view: known.view,
    isTls: servers.some(terminatesTls),
  };
  const routes: MeshRoute[] = [];
  const leftOut: LeftOut[] = [];
  for (const [i, { resource, hostIndex }] of claim.virtualServices.entries()) {
    const earlier = claim.virtualServices.slice(0, i).map((v) => v.resource);
    const clash = earlier.find((other) => !canMerge(other, resource, claim.host, gateway, hostIndex, known));
    if (clash !== undefined) continue;
    const built = buildRoutes(resource, at, known);
    leftOut.push(...built.leftOut.map((l) => ({ ...l, position: l.position + routes.length })));
    routes.push(...built.routes);
  }
  reportSameNames(routes, known);
  if (routes.length === 0 && service !== undefined) routes.push(defaultRoute(service, port, known));
  return { routes, leftOut };
}

const gatewayOf = ({ gateway }: GatewayServer): string => `${gateway.namespace}/${gateway.name}`;

const terminatesTls = ({ gateway, index }: GatewayServer): boolean =>
  gateway.spec.servers[index]?.port.protocol === "HTTPS";

/** What a service gets without a VirtualService: all requests to it, with Istio's default retries. */
function defaultRoute(service: Service, port: number, { clusters }: Known): MeshRoute {
  const { host } = service;
  const cluster = clusterName(port, undefined, host);
  const hash = clusters.get(cluster)?.hash;
  const to = { host, subset: undefined, port, cluster, weight: 1, headers: undefined, hash };
  const variant = `${cluster} ${hashText(hash)}`;
  const body = defaults.get(service.resource.spec, variant, () => defaultBody(to));
  return { ...body, destinations: [to], origin: { kind: "service", service } };
}

const defaults = new Memo<ServiceEntrySpec, RouteBody>(4_096);

function defaultBody(own: MeshDestination): RouteBody {
  const steer = (to: MeshDestination) =>
    create(RouteSchema, { name: "default", match: routeMatch(undefined), ...forward({}, [to]) });
  return { name: "default", message: steer(own), steer };
}
