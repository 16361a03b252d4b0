// Policies that are in order and apply to nothing: legal, and surely not what was meant.

import type { TargetRef } from "../../schema/generated/types.ts";
import { identity, place, type Report } from "../istio/report.ts";
import type { Resource } from "../model.ts";
import type { Attachments, PolicyState } from "./attach.ts";
import type { PolicySpec } from "./kinds.ts";

/** A policy that `inherit: false` of others keeps from all its routes. */
export function reportCutOff(
  policies: readonly PolicyState[],
  byRoute: Attachments["byRoute"],
  cutOff: Attachments["cutOff"],
  report: Report,
): void {
  if (cutOff.size === 0) return;
  const by = new Map<Resource, Resource>();
  for (const list of cutOff.values()) for (const c of list) by.set(c.attached.policy, c.by.policy);
  for (const list of byRoute.values()) for (const { policy } of list) by.delete(policy);
  for (const { resource } of policies) {
    const other = by.get(resource);
    if (other === undefined) continue;
    const message = `The policy applies nowhere: on each of its routes a more specific one, such as ${identity(other)} (${place(other)}), has inherit: false.`;
    report.warning(resource, ["spec"], message);
  }
}

/** The target is there, and no request comes by it. */
export function reportNoRoute(
  policy: Resource<PolicySpec>,
  ref: TargetRef | undefined,
  i: number,
  report: Report,
): void {
  if (ref === undefined) {
    report.warning(policy, ["spec"], "The folder has no route, so that the policy applies to nothing.");
    return;
  }
  const why: Record<string, string> = {
    VirtualService: "No listener serves it: its Gateways have no server for its hosts.",
    HTTPRoute: "None of its parentRefs is a listener that allows it and has its hosts.",
    GRPCRoute: "None of its parentRefs is a listener that allows it and has its hosts.",
    Gateway: "No route names this Gateway with a host that it serves.",
    ServiceEntry: "No route leads to its hosts.",
  };
  const own = ref.namespace ?? policy.namespace;
  report.warning(
    policy,
    ["spec", "targetRefs", i, "name"],
    `The ${ref.kind} "${own}/${ref.name}" has no route, so that the policy applies to nothing there. ${why[ref.kind] ?? ""}`.trimEnd(),
  );
}
