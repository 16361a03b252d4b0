// Connections to services by their virtual addresses: the proxy listens on those that are this machine's own
// (127.0.0.0/8), as istiod has it listen on all, and sends on by the tcp and tls routes that are for the mesh.
// Other addresses would need connections to be redirected to the proxy.

import type { RouteDestination } from "../../schema/generated/types.ts";
import type { MeshListener } from "./mesh.ts";
import { isHttp } from "./protocols.ts";
import { type RoutesOfHosts, type Service, serviceHost } from "./registry.ts";
import { identity, place } from "./report.ts";
import { resolveDestination } from "./destinations.ts";
import type { Known } from "./routes.ts";
import type { Resource } from "../model.ts";
import { clustersOf } from "./tcp-proxy.ts";
import { outboundTcpRoutes } from "./tcp-routes.ts";
import { isOfMesh } from "./virtual-hosts.ts";

/** `own` is the address of the mesh's listener, which is no service's. */
export function connectionListeners(known: Known, own: string): MeshListener[] {
  const taken = new Map<string, Service>();
  return [...known.registry.services.values()].flatMap((service) =>
    addressesOf(service, own).flatMap((host) =>
      service.ports
        .filter(({ protocol }) => !isHttp(protocol))
        .flatMap(({ number: port }) => {
          const name = `${host}_${port}`;
          const first = taken.get(name);
          if (first !== undefined) {
            reportTaken(service, first, `${host}:${port}`, known);
            return [];
          }
          taken.set(name, service);
          return listenersAt(name, host, port, service, known);
        }),
    ),
  );
}

const addressesOf = ({ resource }: Service, own: string): string[] =>
  (resource.spec.addresses ?? []).filter((a) => /^127(\.\d{1,3}){3}$/.test(a) && a !== own);

function listenersAt(
  name: string,
  host: string,
  port: number,
  service: Service,
  known: Known,
): MeshListener[] {
  return outboundTcpRoutes(service, port, known)
    .filter((tcp) => clustersOf(tcp).length > 0)
    .map((tcp) => ({
      name,
      host,
      port,
      routeConfig: "",
      virtualHosts: [],
      servers: [],
      serverNames: tcp.sniHosts,
      subnets: tcp.subnets,
      ...(tcp.sniHosts.length > 0 ? { isTls: true as const } : {}),
      tls: undefined,
      tcp,
    }));
}

function reportTaken(service: Service, first: Service, at: string, { report }: Known): void {
  const other = `${identity(first.resource)} (${place(first.resource)})`;
  const message = `${at} is that of ${other} too, and a connection does not say which it is for: give each its own address.`;
  report.warning(service.resource, ["spec", "addresses"], message);
}

/** Destinations must be there, whoever serves the routes; and it is told where nothing does. */
export function checkMeshConnections(known: Known, own: string): void {
  for (const resource of known.registry.virtualServices) {
    if (!isOfMesh(resource.spec.gateways)) continue;
    const services = servicesOf(resource, known);
    const isServed = services.some(
      (s) => addressesOf(s, own).length > 0 && s.ports.some(({ protocol }) => !isHttp(protocol)),
    );
    for (const kind of ["tcp", "tls"] as const) {
      const routes: { match?: { port?: number }[]; route: RouteDestination[] }[] = resource.spec[kind] ?? [];
      for (const [index, { match = [], route }] of routes.entries()) {
        const port = match.find((m) => m.port !== undefined)?.port ?? services[0]?.ports[0]?.number ?? 0;
        for (const [i, { destination }] of route.entries()) {
          const path = ["spec", kind, index, "route", i, "destination"];
          resolveDestination(resource, destination, path, port, known);
        }
      }
      if (routes.length === 0 || isServed) continue;
      const message =
        "Nothing connects by these routes: none of the hosts is that of a ServiceEntry with a port for TCP or TLS " +
        "and one of this machine's own `addresses`, such as 127.0.10.1, on which the proxy then listens. Add it, " +
        "or name a Gateway with a server for TCP or TLS in `gateways`.";
      known.report.warning(resource, ["spec", kind], message);
    }
  }
}

function servicesOf({ spec, namespace }: Resource<RoutesOfHosts>, { registry }: Known): Service[] {
  return spec.hosts.flatMap((h) => registry.services.get(serviceHost(h, namespace, registry.services)) ?? []);
}
