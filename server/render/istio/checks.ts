// What a policy asks for that cannot be told to Istio's proxies, beside what availability.ts knows.

import type { HeaderRoutingSpec } from "../../../schema/generated/types.ts";
import type { Report } from "../../istio/report.ts";
import type { MeshRoute } from "../../istio/routes.ts";
import type { Resource } from "../../model.ts";
import type { PolicyState } from "../../policy/attach.ts";
import { Places } from "../../policy/places.ts";
import type { Mesh } from "../../snapshot.ts";

/** Where requests come in no route is the folder's: only policies on the whole proxy can act there. */
export function reportServerSide(policies: readonly PolicyState[], report: Report): void {
  for (const { resource, kind } of policies) {
    if (kind.steers) {
      report.error(
        resource,
        [],
        "Requests that have come in have nowhere else to go: header routing acts where calls go out.",
      );
    } else if ((resource.spec.targetRefs ?? []).length > 0) {
      const message =
        "It is left out: routes are chosen where calls go out, so that with --mode SERVER only policies without `targetRefs` act.";
      report.warning(resource, ["spec", "targetRefs"], message);
    }
  }
}

export function reportUntold(mesh: Mesh, assumed: ReadonlySet<string>, report: Report): void {
  const places = new Places(mesh);
  for (const { virtualHost, route } of places.all) {
    for (const { policy, tier, kind } of mesh.byRoute.get(route) ?? []) {
      const isGuessed = virtualHost.servers.length === 0 && assumed.has(virtualHost.host);
      if (isGuessed && tier !== "proxy" && isAmbiguous(route, virtualHost.host, places)) {
        report.error(
          policy,
          ["spec", "targetRefs"],
          `The port of the host "${virtualHost.host}" is not known, and its route "${route.name}" has its name in ` +
            "common with a route of another host. Add the Service's ports to the folder as a ServiceEntry for the same host.",
        );
      }
      if (kind.steers) reportUnsteerable(policy, route, report);
      if (kind.steers) reportRematch(policy as Resource<HeaderRoutingSpec>, route, report);
    }
  }
}

/** Where no derived route can be written. */
function reportUnsteerable(policy: Resource, { origin, name }: MeshRoute, report: Report): void {
  const remedy = "Refer to a route of a VirtualService that is not delegated.";
  if (origin.kind === "route") {
    const { kind } = origin.resource;
    const message = `Istio cannot be told where requests of the route "${name}" are sent by a rule: it is of an ${kind}. ${remedy}`;
    report.error(policy, ["spec", "targetRefs"], message);
  } else if (origin.kind === "virtualService" && origin.root !== undefined) {
    report.error(
      policy,
      ["spec", "targetRefs"],
      `Istio cannot be told where requests of the route "${name}" are sent by a rule: it is delegated. ${remedy}`,
    );
  }
}

const isAmbiguous = (route: MeshRoute, host: string, places: Places): boolean =>
  route.origin.kind === "service" ||
  places.named(route.name).some(({ virtualHost }) => virtualHost.host !== host);

/** Derived routes keep their base's conditions here, so that a rule must not change what these look at. */
function reportRematch(
  policy: Resource<HeaderRoutingSpec>,
  { origin, name }: MeshRoute,
  report: Report,
): void {
  if (origin.kind !== "virtualService") return;
  const matches = origin.resource.spec.http?.[origin.index]?.match ?? [];
  const matched = new Set(
    matches.flatMap((m) => [...Object.keys(m.headers ?? {}), ...Object.keys(m.withoutHeaders ?? {})]),
  );
  for (const [i, { headers }] of policy.spec.rules.entries()) {
    for (const operation of ["set", "add", "remove"] as const) {
      const named = headers?.request?.[operation] ?? {};
      const changed = Array.isArray(named) ? named : Object.keys(named);
      const clash = changed.find((header: string) => matched.has(header.toLowerCase()));
      if (clash === undefined) continue;
      report.warning(
        policy,
        ["spec", "rules", i, "headers", "request", operation],
        `The route "${name}" matches on the header "${clash}". Istio's listeners match again after the change, and ` +
          "the request may be sent by another route.",
      );
    }
  }
}
