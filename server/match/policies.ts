// How a policy on a route looks to a request: its rules, their conditions, what was decided.

import type { Fault, HeaderRoutingRule, HeaderRoutingSpec, RateLimit } from "../../schema/generated/types.ts";
import type { Attached } from "../policy/attach.ts";
import { destinationText } from "../policy/destinations.ts";
import { faultText } from "../policy/fault-text.ts";
import { type KeyedRequest, limitText } from "../policy/limit-text.ts";
import type { Seen } from "../snapshot.ts";
import type { PolicyExplanation } from "./explanation.ts";
import type { Step } from "./run-module.ts";
import type { ToldRule } from "./told.ts";

export function policyExplanation(
  { policy, kind, tier, target }: Attached,
  built: Seen,
  { decisions, told }: Step,
  request: KeyedRequest,
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
    rules: rulesOf(policy.spec, request).map((rule, i) => {
      const { met, conditions, by } = told.rule(name, i, rule.match) ?? unasked;
      return {
        name: rule.name,
        matches: met,
        conditions,
        choice: choiceOf(rule),
        ...(by === undefined ? {} : { by }),
      };
    }),
    decisions: decisions.filter((d) => d.policy === name && !countsTraffic(d)),
  };
}

/** Of a module that tells nothing. */
const unasked: ToldRule = { met: false, conditions: [], by: undefined };

/** Of a fault with stopWhen: requests and answers are counted whether it hits or not. */
const countsTraffic = ({ metric }: Record<string, string>): boolean =>
  metric?.startsWith("sluice_fault_") === true;

type Rule = Pick<Partial<HeaderRoutingRule>, "match" | "destination" | "destinations"> & {
  name: string;
  stickyBy?: HeaderRoutingRule["stickyBy"] | Fault["stickyBy"];
  text?: string;
};

/** Rules of a routing policy, limits of a rate limit, faults: what has a name and a match. */
function rulesOf(spec: unknown, request: KeyedRequest | undefined): Rule[] {
  const { rules, limits, faults } = spec as Partial<HeaderRoutingSpec> & {
    limits?: RateLimit[];
    faults?: Fault[];
  };
  if (rules !== undefined) return rules;
  if (limits !== undefined)
    return limits.map(({ name, match, ...rest }) => ({
      name,
      ...(match === undefined ? {} : { match }),
      text: limitText({ name, ...rest }, request),
    }));
  return faults?.map((fault) => ({ ...fault, text: faultText(fault) })) ?? [];
}

function choiceOf({ destination, destinations, stickyBy, text }: Rule): string {
  if (text !== undefined) return text;
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
  if (stickyBy.cookie === undefined) return "kept by client address";
  return `kept by cookie ${typeof stickyBy.cookie === "string" ? stickyBy.cookie : stickyBy.cookie.name}`;
}
