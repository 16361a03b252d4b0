// What an explained request is told of its faults: `fault: shop/faults/slow: met; shop/faults/slow: delay`.

import { tellText } from "../../assembly/explain/explain";
import { beginFilter, endFilter, tellPlace, tellRule } from "../../assembly/explain/records";
import { itemAt } from "../../assembly/config/records";
import { FAULT, firstRecord, nextRecord, NONE, recordAt, RULE } from "../../assembly/trace";
import { ABORT, DELAY } from "./counters";
import { faultAt, FaultPlan, Plan, PolicyPlan } from "./plan";

export function explainFaults(plan: Plan): void {
  beginFilter("fault");
  for (let i = firstRecord(); i < nextRecord(); i++) {
    const record = recordAt(i);
    if (record.kind !== RULE && record.kind !== FAULT) continue;
    const policy = itemAt<PolicyPlan>(plan.policies, record.policy);
    const fault = record.rule === NONE ? policy.controlPlan : faultAt(policy, record.rule);
    tellPlace(policy.nameStart, policy.nameLength, fault.nameStart, fault.nameLength);
    if (record.kind === RULE) tellMatch(i, fault);
    else tellText(record.outcome === DELAY ? "delay" : record.outcome === ABORT ? "abort" : "throttle");
  }
  endFilter();
}

function tellMatch(index: u32, fault: FaultPlan): void {
  const declared = fault.fault;
  if (declared !== null) tellRule(index, declared.matchStart);
}
