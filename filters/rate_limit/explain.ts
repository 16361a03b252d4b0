// What an explained request is told of its limits: `rate_limit: shop/limits/per-user: met; shop/limits/per-user: limited`.

import { tellText } from "../../assembly/explain/explain";
import { beginFilter, endFilter, tellPlace, tellRule } from "../../assembly/explain/records";
import {
  COST_ABOVE_BURST,
  firstRecord,
  KEY_MISSING,
  LIMIT,
  nextRecord,
  recordAt,
  RULE,
  TraceRecord,
} from "../../assembly/trace";
import { ALLOWED, LIMITED } from "./counters";
import { limitAt, Plan, policyAt } from "./plan";

export function explainLimits(plan: Plan): void {
  beginFilter("rate_limit");
  for (let i = firstRecord(); i < nextRecord(); i++) {
    const record = recordAt(i);
    if (record.kind !== RULE && record.kind !== LIMIT) continue;
    const policy = policyAt(plan, record.policy);
    const limit = limitAt(policy, record.rule).limit;
    tellPlace(policy.policy.nameStart, policy.labelLength, limit.nameStart, limit.nameLength);
    if (record.kind === RULE) tellRule(i, limit.matchStart);
    else tellDecision(record);
  }
  endFilter();
}

function tellDecision(record: TraceRecord): void {
  const decision = record.outcome;
  tellText(
    decision === ALLOWED ? "allowed" : decision === LIMITED ? "limited" : "limited, if it were enforced",
  );
  if (record.reason === KEY_MISSING) tellText(", for want of its key");
  if (record.reason === COST_ABOVE_BURST) tellText(", as it costs more than the burst");
}
