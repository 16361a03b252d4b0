// What a policy that steers must meet on each of its routes: every destination leads somewhere, and what the
// filter writes means one thing.

import type { Destination, HeaderRoutingSpec } from "../../schema/generated/types.ts";
import type { FieldPath } from "../../schema/path.ts";
import type { MeshModel } from "../istio/mesh.ts";
import type { Report } from "../istio/report.ts";
import type { MeshRoute } from "../istio/routes.ts";
import type { Resource } from "../model.ts";
import { destinationText, resolveOn, ruleDestinations } from "./destinations.ts";
import type { Place, Places } from "./places.ts";

type Policy = Resource<HeaderRoutingSpec>;

/** One report for each destination, with the first route on which it leads nowhere. */
export function checkDestinations(
  policy: Policy,
  routes: readonly MeshRoute[],
  mesh: MeshModel,
  report: Report,
): void {
  for (const { destination, path } of ruleDestinations(policy.spec)) {
    for (const route of routes) {
      if (route.destinations.length === 0) continue;
      const found = resolveOn(route, destination, policy.namespace, mesh);
      const fault = "to" in found ? ambiguity(route, destination, mesh) : found;
      if (fault === undefined) continue;
      report.error(policy, fieldOf(path, destination, fault.field), fault.message);
      break;
    }
  }
}

const fieldOf = (path: FieldPath, destination: object, field: string): FieldPath =>
  field in destination ? [...path, field] : path;

/** `{host: a}` and another policy's `{subset: a}` are both written `a`. */
function ambiguity(
  route: MeshRoute,
  destination: Destination,
  mesh: MeshModel,
): { field: string; message: string } | undefined {
  if (destination.host === undefined) return undefined;
  const text = destinationText(destination);
  const owner = route.destinations.find((d) => mesh.registry.rules.get(d.host)?.subsets.has(text));
  if (owner === undefined) return undefined;
  const message = `"${text}" is also a subset of the host "${owner.host}". Write the full host name.`;
  return { field: "host", message };
}

/** Two routes of one name cannot be told apart by derived routes either. */
export function reportTwins(policy: Policy, covered: readonly Place[], places: Places, report: Report): void {
  for (const place of covered) {
    const { origin, name } = place.route;
    const twin = places.alike(place).find(({ route }) => {
      const other = route.origin;
      return (
        other.kind === "virtualService" && origin.kind === "virtualService" && other.index > origin.index
      );
    });
    if (twin?.route.origin.kind !== "virtualService" || origin.kind !== "virtualService") continue;
    const message =
      `Two routes of the virtual host "${place.virtualHost.name}" are named "${name}" (http[${origin.index}] ` +
      `and http[${twin.route.origin.index}]), so that requests cannot be steered from them. Give each its own name.`;
    report.error(policy, ["spec", "targetRefs"], message);
    return;
  }
}
