// What the filter tells while a trace is on: every limit of the policies on the route, and each decision.

import { findPolicies, nextPolicy } from "../../assembly/attach/lookup";
import { askRule } from "../../assembly/match/ask";
import { needRequestHeaders } from "../../assembly/request/view";
import {
  BY_BUCKET,
  COST_ABOVE_BURST,
  KEY_MISSING,
  LIMIT,
  traceDecision,
  traceStream,
} from "../../assembly/trace";
import { Attempt } from "./attempt";
import { LimitPlan, limitAt, Plan, policyAt, PolicyPlan } from "./plan";

/** PolicyPlan, one per policy, of the configuration under trace. */
let policies: usize = 0;

/** Asks all limits of the policies that beginPolicies has found, and finds the policies anew. False: no room for it. */
export function askAll(stream: u32, plan: Plan): bool {
  if (!needRequestHeaders()) return false;
  policies = plan.policies;
  traceStream(stream);
  for (let i = nextPolicy(); i >= 0; i = nextPolicy()) {
    const policy = policyAt(plan, i);
    for (let l: u32 = 0; l < policy.limitCount; l++) {
      const limit = limitAt(policy, l).limit;
      askRule(i, l, limit.matchStart, limit.matchCount);
    }
    if (!policy.policy.inherit) break;
  }
  return findPolicies(plan.attach);
}

/** Records how a limit has decided: one of ALLOWED, LIMITED, SHADOW_LIMITED. */
export function traceLimit(a: Attempt, decision: u32): void {
  const limit = a.limit;
  const policy = limit.policy;
  const policyIndex = <u32>((changetype<usize>(policy) - policies) / offsetof<PolicyPlan>());
  const limitIndex = <u32>((changetype<usize>(limit) - policy.limits) / offsetof<LimitPlan>());
  const reason = a.isDenied ? KEY_MISSING : a.cost > a.burst ? COST_ABOVE_BURST : BY_BUCKET;
  traceDecision(LIMIT, policyIndex, limitIndex, decision, reason);
}
