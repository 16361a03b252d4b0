// Which policies apply on which routes, in which order.
//
// A policy at fault (a target or a destination that does not exist) is reported and leaves its own previous
// version in force, if that one still fits; the others are not touched by it.

import type { HeaderRoutingSpec, TargetRef } from "../../schema/generated/types.ts";
import type { MeshModel } from "../istio/mesh.ts";
import { compare } from "../istio/registry.ts";
import { identity, Report } from "../istio/report.ts";
import type { MeshRoute } from "../istio/routes.ts";
import { warnUnderscores } from "../istio/underscores.ts";
import type { Resource } from "../model.ts";
import {
  deriveRoute,
  type DerivedRoute,
  destinationText,
  keepsDestination,
  resolveOn,
  ruleDestinations,
} from "./destinations.ts";
import { reportCutOff, reportNoRoute } from "./idle.ts";
import { kindOf, type PolicyKind, type PolicySpec } from "./kinds.ts";
import { type Place, Places } from "./places.ts";
import { checkDestinations, reportTwins } from "./steering.ts";
import { findTarget, isError, ResourceIndex, type Target, type Tier, tiers } from "./targets.ts";

/** A policy on one route. */
export interface Attached {
  policy: Resource<PolicySpec>;
  kind: PolicyKind;
  tier: Tier;
  /** The reference that brought it there; undefined: the whole proxy. */
  target: TargetRef | undefined;
}

export interface PolicyState {
  /** As it is written now. */
  resource: Resource<PolicySpec>;
  kind: PolicyKind;
  /** What applies: this version, the previous one when this one is at fault, or none. */
  inForce: Resource<PolicySpec> | undefined;
}

export interface Attachments {
  policies: readonly PolicyState[];
  /** By route, most specific first. Routes without policies are absent. */
  byRoute: ReadonlyMap<MeshRoute, readonly Attached[]>;
  /** What `inherit: false` of a more specific policy keeps from a route. Routes of which nothing is kept are absent. */
  cutOff: ReadonlyMap<MeshRoute, readonly CutOff[]>;
  derived: ReadonlyMap<MeshRoute, readonly DerivedRoute[]>;
}

export interface CutOff {
  attached: Attached;
  by: Attached;
}

export function attachPolicies(
  resources: readonly Resource[],
  mesh: MeshModel,
  previous: readonly PolicyState[],
  report: Report,
): Attachments {
  const places = new Places(mesh);
  const index = new ResourceIndex(resources);
  const inForceBefore = new Map(previous.map((p) => [identity(p.resource), p.inForce]));
  const policies: PolicyState[] = [];
  const byRoute = new Map<MeshRoute, Attached[]>();
  for (const { resource, kind } of sortedPolicies(resources)) {
    const before = inForceBefore.get(identity(resource));
    const faults = new Report();
    const found = findAttached(resource, kind, index, places, mesh, faults);
    const fallback =
      faults.hasErrors && before !== undefined
        ? findAttached(before, kind, index, places, mesh, new Report())
        : undefined;
    const inForce = faults.hasErrors ? fallback && before : resource;
    for (const d of faults.diagnostics) {
      const effect = inForce === undefined ? "It is not in force." : "Its previous version stays in force.";
      report.diagnostics.push({
        ...d,
        message: d.severity === "error" ? `${d.message} ${effect}` : d.message,
      });
    }
    policies.push({ resource, kind, inForce });
    for (const [route, attached] of (faults.hasErrors ? fallback : found) ?? []) {
      const list = byRoute.get(route);
      if (list === undefined) byRoute.set(route, [attached]);
      else list.push(attached);
    }
  }
  const cutOff = new Map<MeshRoute, CutOff[]>();
  for (const [route, list] of byRoute) {
    if (list.length === 1) continue;
    const ranked = [...list].sort((a, b) => tiers.indexOf(a.tier) - tiers.indexOf(b.tier));
    const cut = ranked.flatMap((attached) => cutBy(attached, ranked) ?? []);
    byRoute.set(
      route,
      ranked.filter((attached) => !cut.some((c) => c.attached === attached)),
    );
    if (cut.length > 0) cutOff.set(route, cut);
  }
  reportCutOff(policies, byRoute, cutOff, report);
  return { policies, byRoute, cutOff, derived: deriveRoutes(byRoute, mesh) };
}

function sortedPolicies(
  resources: readonly Resource[],
): { resource: Resource<PolicySpec>; kind: PolicyKind }[] {
  return resources
    .flatMap((resource) => {
      const kind = kindOf(resource);
      return kind === undefined ? [] : [{ resource: resource as Resource<PolicySpec>, kind }];
    })
    .sort(
      (a, b) =>
        compare(a.resource.namespace, b.resource.namespace) || compare(a.resource.name, b.resource.name),
    );
}

/** Undefined when anything is at fault: then nothing of the policy applies. */
function findAttached(
  policy: Resource<PolicySpec>,
  kind: PolicyKind,
  resources: ResourceIndex,
  places: Places,
  mesh: MeshModel,
  report: Report,
): Map<MeshRoute, Attached> | undefined {
  const targets = findTargets(policy, resources, places, report);
  const attached = new Map<MeshRoute, Attached>();
  const bySpecificity = targets.sort((a, b) => tiers.indexOf(a.target.tier) - tiers.indexOf(b.target.tier));
  for (const { ref, target } of bySpecificity) {
    for (const { route, listener } of target.places) {
      // What has arrived at its instance is not sent elsewhere any more.
      if (kind.steers && listener.ofSidecar === "inbound") continue;
      if (!attached.has(route)) attached.set(route, { policy, kind, tier: target.tier, target: ref });
    }
  }
  const covered = targets.flatMap(({ target }) => target.places);
  reportLeaks(policy, attached, covered, places, report);
  for (const list of ["rules", "limits", "faults"] as const) {
    for (const [i, { match }] of (policy.spec[list] ?? []).entries()) {
      warnUnderscores(policy, match, ["spec", list, i], report);
    }
  }
  if (kind.steers) {
    const steering = policy as Resource<HeaderRoutingSpec>;
    checkDestinations(steering, [...attached.keys()], mesh, report);
    reportTwins(steering, covered, places, report);
  }
  return report.hasErrors ? undefined : attached;
}

function findTargets(
  policy: Resource<PolicySpec>,
  resources: ResourceIndex,
  places: Places,
  report: Report,
): { ref: TargetRef | undefined; target: Target }[] {
  const refs = policy.spec.targetRefs?.length ? policy.spec.targetRefs : [undefined];
  return refs.flatMap((ref, i) => {
    const target = findTarget(ref, policy, resources, places);
    if (!isError(target)) {
      if (target.places.length === 0 && target.isForSome !== true) reportNoRoute(policy, ref, i, report);
      return [{ ref, target }];
    }
    report.error(policy, ["spec", "targetRefs", i, target.field], target.message);
    return [];
  });
}

/** `inherit: false` cuts off what is less specific. */
function cutBy(attached: Attached, ranked: readonly Attached[]): CutOff | undefined {
  const by = ranked.find((b) => b.kind === attached.kind && b.policy.spec.inherit === false);
  const isCut = by !== undefined && tiers.indexOf(attached.tier) > tiers.indexOf(by.tier);
  return isCut ? { attached, by } : undefined;
}

/**
 * The filter knows routes by the names of virtual host and route. Where a Gateway's port is a service's too,
 * both listeners may have the same names, and a policy for one would act on the other.
 */
function reportLeaks(
  policy: Resource<PolicySpec>,
  attached: ReadonlyMap<MeshRoute, Attached>,
  covered: readonly Place[],
  places: Places,
  report: Report,
): void {
  for (const place of covered) {
    const other = places.alike(place).find(({ route }) => !attached.has(route));
    if (other === undefined) continue;
    const message =
      `The route "${place.route.name}" of the virtual host "${place.virtualHost.name}" is on the listeners ` +
      `"${place.listener.name}" and "${other.listener.name}", and the filter could not tell them apart. ` +
      "Refer to the VirtualService, or give the Gateway a port that no service has.";
    report.error(policy, ["spec", "targetRefs"], message);
    return;
  }
}

function deriveRoutes(
  byRoute: ReadonlyMap<MeshRoute, readonly Attached[]>,
  mesh: MeshModel,
): Map<MeshRoute, DerivedRoute[]> {
  const derived = new Map<MeshRoute, DerivedRoute[]>();
  for (const [route, list] of byRoute) {
    const byText = new Map<string, DerivedRoute>();
    for (const { policy, kind } of list) {
      if (!kind.steers) continue;
      const { spec } = policy as Resource<HeaderRoutingSpec>;
      for (const { destination } of ruleDestinations(spec)) {
        const text = destinationText(destination);
        const found = route.destinations.length > 0 && resolveOn(route, destination, policy.namespace, mesh);
        const to = found && "to" in found ? found.to : undefined;
        if (!byText.has(text)) byText.set(text, deriveRoute(route, text, to));
      }
      if (spec.rules.some(keepsDestination) && !byText.has("")) {
        byText.set("", deriveRoute(route, "", undefined));
      }
    }
    if (byText.size > 0) derived.set(route, [...byText.values()]);
  }
  return derived;
}
