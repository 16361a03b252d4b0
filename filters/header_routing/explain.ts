// What an explained request is told of its route: `header_routing: shop/canary/all: met; shop/canary/all: to v2 (drawn)`.

import { itemAt } from "../../assembly/config/records";
import { tell, tellText } from "../../assembly/explain/explain";
import { beginFilter, endFilter, tellPlace, tellRule } from "../../assembly/explain/records";
import {
  BY_COOKIE,
  BY_HEADER,
  BY_NEW_COOKIE,
  BY_SOURCE,
  CHOICE,
  DRAWN,
  firstRecord,
  nextRecord,
  NONE,
  recordAt,
  RULE,
  TraceRecord,
} from "../../assembly/trace";
import { findByte } from "../../assembly/bytes";
import { HeaderRoutingRule } from "./generated/config";
import { Choice, Plan, PolicyPlan, RulePlan } from "./plan";

const AT_SIGN: u32 = 64;

export function explainRoute(plan: Plan): void {
  beginFilter("header_routing");
  for (let i = firstRecord(); i < nextRecord(); i++) {
    const record = recordAt(i);
    if (record.kind !== RULE && record.kind !== CHOICE) continue;
    const policy = itemAt<PolicyPlan>(plan.policies, record.policy);
    const rule = itemAt<HeaderRoutingRule>(policy.rules, record.rule);
    const end = findByte(policy.nameStart, policy.nameStart + policy.nameLength, AT_SIGN);
    tellPlace(policy.nameStart, <u32>(end - policy.nameStart), rule.nameStart, rule.nameLength);
    if (record.kind === RULE) tellRule(i, rule.matchStart);
    else tellChoice(policy, record);
  }
  endFilter();
}

function tellChoice(policy: PolicyPlan, record: TraceRecord): void {
  if (record.outcome === NONE) {
    tellText("headers alone");
    return;
  }
  const choice = itemAt<Choice>(itemAt<RulePlan>(policy.plans, record.rule).choices, record.outcome);
  tellText("to ");
  tell(choice.nameStart, choice.nameLength);
  const reason = record.reason;
  if (reason === DRAWN) tellText(" (drawn)");
  else if (reason === BY_HEADER) tellText(" (by header)");
  else if (reason === BY_COOKIE) tellText(" (by cookie)");
  else if (reason === BY_NEW_COOKIE) tellText(" (by a new cookie)");
  else if (reason === BY_SOURCE) tellText(" (by address)");
}
