// Routes of connections that are for the mesh and not for a Gateway: sidecars have them. The mesh's own listener
// tells hosts apart by the Host header and serves requests only.

import type { RouteDestination } from "../../schema/generated/types.ts";
import { isOfMesh } from "./virtual-hosts.ts";
import { serviceHost } from "./registry.ts";
import { type Known, resolveDestination } from "./routes.ts";

/** Destinations must be there, whoever serves the routes; and it is told that no listener of this folder does. */
export function checkMeshConnections(known: Known): void {
  const { services } = known.registry;
  for (const resource of known.registry.virtualServices) {
    const { gateways, hosts } = resource.spec;
    if (!isOfMesh(gateways)) continue;
    const service = hosts
      .map((h) => services.get(serviceHost(h, resource.namespace, services)))
      .find(Boolean);
    for (const kind of ["tcp", "tls"] as const) {
      const routes: { match?: { port?: number }[]; route: RouteDestination[] }[] = resource.spec[kind] ?? [];
      for (const [index, { match = [], route }] of routes.entries()) {
        const port = match.find((m) => m.port !== undefined)?.port ?? service?.ports[0]?.number ?? 0;
        for (const [i, { destination }] of route.entries()) {
          const path = ["spec", kind, index, "route", i, "destination"];
          resolveDestination(resource, destination, path, port, known);
        }
      }
      if (routes.length === 0) continue;
      const message =
        "For the mesh these routes are in sidecars only: its own listener serves requests, by their Host header. " +
        "To serve them without sidecars, name a Gateway with a server for TCP or TLS in `gateways`.";
      known.report.warning(resource, ["spec", kind], message);
    }
  }
}
