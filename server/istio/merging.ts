// Several VirtualServices for one host: merged where the order between them cannot matter, and route names that
// policies could not tell apart.

import type { VirtualServiceSpec } from "../../schema/generated/types.ts";
import type { Resource } from "../model.ts";
import { writtenRoutes } from "./delegates.ts";
import { canBothMatch } from "./overlap.ts";
import { identity, place } from "./report.ts";
import type { Known, MeshRoute } from "./routes.ts";

type VirtualService = Resource<VirtualServiceSpec>;

export function canMerge(
  first: VirtualService,
  second: VirtualService,
  host: string,
  gateway: string,
  hostIndex: number,
  known: Known,
): boolean {
  const path = ["spec", "hosts", hostIndex];
  const other = `${identity(first)} (${place(first)})`;
  const both = `Both ${identity(second)} and ${other} route the host "${host}" on the gateway "${gateway}"`;
  const overlap = findOverlap(first, second, known);
  if (overlap === undefined) {
    known.report.warning(second, path, `${both}; no request matches both, so they are merged.`);
    return true;
  }
  const [a, b] = overlap;
  known.report.error(
    second,
    path,
    `${both}, and one request can match http[${a}] there and http[${b}] here, so that their order would ` +
      "matter. Put the routes into one VirtualService, in the order that is meant.",
  );
  return false;
}

function findOverlap(
  first: VirtualService,
  second: VirtualService,
  { registry: { delegates } }: Known,
): [number, number] | undefined {
  const others = writtenRoutes(second, delegates);
  for (const { http: routeA, index: ownA, root: rootA } of writtenRoutes(first, delegates)) {
    for (const { http: routeB, index: ownB, root: rootB } of others) {
      const [a, b] = [rootA?.index ?? ownA, rootB?.index ?? ownB];
      const apart = (routeA.match?.length ? routeA.match : [undefined]).every((x) =>
        (routeB.match?.length ? routeB.match : [undefined]).every((y) => !canBothMatch(x, y)),
      );
      if (!apart) return [a, b];
    }
  }
  return undefined;
}

/** Policies find a route by its name: what is attached to one must not apply to another in silence. */
export function reportSameNames(routes: readonly MeshRoute[], known: Known): void {
  const byName = new Map<string, MeshRoute["origin"]>();
  for (const { name, origin } of routes) {
    const first = byName.get(name);
    if (first === undefined) {
      byName.set(name, origin);
      continue;
    }
    if (first.kind !== "virtualService" || origin.kind !== "virtualService") continue;
    if (first.resource === origin.resource && first.index === origin.index) continue;
    const where = `http[${first.index}] of ${identity(first.resource)} (${place(first.resource)})`;
    const message = `The route name "${name}" is that of ${where} too, on the same host`;
    const path = ["spec", "http", origin.index, "name"];
    if (first.resource === origin.resource && first.section === origin.section) {
      known.report.warning(origin.resource, path, `${message}: a policy on it applies to both.`);
    } else {
      known.report.error(
        origin.resource,
        path,
        `${message}, and a policy on one would apply to the other. Give it another name.`,
      );
    }
  }
}
