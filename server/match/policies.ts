// How a policy on a route looks to a request: its rules, their conditions, what was decided.

import type { HeaderRoutingRule, HeaderRoutingSpec } from "../../schema/generated/types.ts";
import type { Attached } from "../policy/attach.ts";
import { destinationText } from "../policy/destinations.ts";
import type { Built } from "../snapshot.ts";
import type { PolicyExplanation } from "./explanation.ts";
import type { Prober } from "./probe.ts";

export function policyExplanation(
  { policy, kind, tier, target }: Attached,
  built: Built,
  prober: Prober | undefined,
  decisions: readonly Record<string, string>[],
): PolicyExplanation {
  const { file, line } = policy.position();
  const name = `${policy.namespace}/${policy.name}`;
  const state = built.mesh.policies.find((p) => p.inForce === policy);
  return {
    kind: kind.kind,
    policy: name,
    file,
    line,
    tier,
    target,
    isPrevious: state !== undefined && state.resource !== policy,
    rules: rulesOf(policy.spec).map((rule) => {
      const conditions = prober?.check(rule.match) ?? [];
      const matches = conditions.length === 0 || conditions.some((all) => all.every((c) => c.holds));
      return { name: rule.name, matches, conditions, choice: choiceOf(rule) };
    }),
    decisions: decisions.filter((d) => d.policy === name),
  };
}

type Rule = Partial<HeaderRoutingRule> & { name: string };

/** Rules of a routing policy, limits of a rate limit: what has a name and a match. */
function rulesOf(spec: unknown): Rule[] {
  const { rules, limits } = spec as Partial<HeaderRoutingSpec> & { limits?: Rule[] };
  return rules ?? limits ?? [];
}

function choiceOf({ destination, destinations, stickyBy }: Rule): string {
  if (destination !== undefined) return `to ${destinationText(destination)}`;
  if (destinations === undefined) return "";
  const total = destinations.reduce((sum, d) => sum + d.weight, 0);
  const shares = destinations.map(
    (d) => `${destinationText(d)} ${Number(((d.weight / total) * 100).toFixed(2))} %`,
  );
  return `${shares.join(", ")}, ${keptBy(stickyBy)}`;
}

function keptBy(stickyBy: Rule["stickyBy"]): string {
  if (stickyBy === undefined) return "drawn for each request";
  if (stickyBy.header !== undefined) return `kept by header ${stickyBy.header}`;
  return stickyBy.cookie === undefined ? "kept by client address" : `kept by cookie ${stickyBy.cookie.name}`;
}
