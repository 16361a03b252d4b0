// What the filter tells while a trace is on: every fault of the policies on the route, and what befalls the request.

import { findPolicies, nextPolicy } from "../../assembly/attach/lookup";
import { itemAt } from "../../assembly/config/records";
import { askRule } from "../../assembly/match/ask";
import { BY_CALLER, BY_FAULT, FAULT, NONE, traceDecision, traceStream } from "../../assembly/trace";
import { abortBy, delayBy, throttleBy } from "./decide";
import { faultAt, FaultPlan, Plan, PolicyPlan } from "./plan";

/** Types of faults, as host/trace.ts names them. */
const DELAY: u32 = 0;
const ABORT: u32 = 1;
const THROTTLE: u32 = 2;

/** Asks all faults of the policies that beginPolicies has found, and finds the policies anew. False: no room for it. */
export function askAll(stream: u32, plan: Plan): bool {
  traceStream(stream);
  for (let i = nextPolicy(); i >= 0; i = nextPolicy()) {
    const policy = itemAt<PolicyPlan>(plan.policies, i);
    for (let f: u32 = 0; f < policy.faultCount; f++) {
      const fault = faultAt(policy, f).fault;
      if (fault !== null) askRule(i, f, fault.matchStart, fault.matchCount);
    }
    if (!policy.inherit) break;
  }
  return findPolicies(plan.attachments);
}

/** Records what has been decided and found room for. */
export function traceFaults(plan: Plan): void {
  traceFault(plan, DELAY, delayBy);
  traceFault(plan, ABORT, abortBy);
  traceFault(plan, THROTTLE, throttleBy);
}

function traceFault(plan: Plan, type: u32, fault: FaultPlan | null): void {
  if (fault === null) return;
  const policy = fault.policy;
  const policyIndex = <u32>((changetype<usize>(policy) - plan.policies) / offsetof<PolicyPlan>());
  const isCallers = fault.fault === null;
  const index = <u32>((changetype<usize>(fault) - policy.faults) / offsetof<FaultPlan>());
  traceDecision(FAULT, policyIndex, isCallers ? NONE : index, type, isCallers ? BY_CALLER : BY_FAULT);
}
