// What the filter tells while a trace is on: every rule of the policies on the route, and the choice made.

import { findPolicies, nextPolicy } from "../../assembly/attach/lookup";
import { itemAt } from "../../assembly/config/records";
import { askRule } from "../../assembly/match/ask";
import { firstHeader, needRequestHeaders } from "../../assembly/request/view";
import {
  BY_COOKIE,
  BY_HEADER,
  BY_NEW_COOKIE,
  BY_SOURCE,
  CHOICE,
  DRAWN,
  NO_DESTINATION,
  NONE,
  ONLY_ONE,
  traceDecision,
  traceStream,
} from "../../assembly/trace";
import { isCookieDrawn } from "./choose";
import { HeaderRoutingRule } from "./generated/config";
import { Choice, Plan, PolicyPlan, RulePlan } from "./plan";

/** Asks all rules of the policies that beginPolicies has found, and finds the policies anew. False: no room for it. */
export function askAll(stream: u32, plan: Plan): bool {
  if (!needRequestHeaders()) return false;
  traceStream(stream);
  for (let i = nextPolicy(); i >= 0; i = nextPolicy()) {
    const policy = itemAt<PolicyPlan>(plan.policies, i);
    for (let r: u32 = 0; r < policy.ruleCount; r++) {
      const rule = itemAt<HeaderRoutingRule>(policy.rules, r);
      askRule(i, r, rule.matchStart, rule.matchCount);
    }
    if (!policy.inherit) break;
  }
  return findPolicies(plan.attachments);
}

/** Records the destination of a rule that was met; null: it has none. */
export function traceChoice(plan: Plan, policy: PolicyPlan, rule: u32, choice: Choice | null): void {
  const rulePlan = itemAt<RulePlan>(policy.plans, rule);
  const index =
    choice === null ? NONE : <u32>((changetype<usize>(choice) - rulePlan.choices) / offsetof<Choice>());
  const reason = choice === null ? NO_DESTINATION : reasonOf(policy, rule, rulePlan);
  const policyIndex = <u32>((changetype<usize>(policy) - plan.policies) / offsetof<PolicyPlan>());
  traceDecision(CHOICE, policyIndex, rule, index, reason);
}

function reasonOf(policy: PolicyPlan, rule: u32, plan: RulePlan): u32 {
  if (plan.choiceCount === 1) return ONLY_ONE;
  const sticky = itemAt<HeaderRoutingRule>(policy.rules, rule).stickyBy;
  if (sticky === null) return DRAWN;
  if (sticky.cookie !== null) return isCookieDrawn ? BY_NEW_COOKIE : BY_COOKIE;
  if (sticky.headerLength === 0) return BY_SOURCE;
  return firstHeader(sticky.headerStart, sticky.headerLength).valueLength > 0 ? BY_HEADER : DRAWN;
}
