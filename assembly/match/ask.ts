// While a trace is on: asks a rule for all its conditions, also those that a decision does not come to.

import { itemAt } from "../config/records";
import { RequestMatch } from "../generated/records";
import { beginEntry, beginRule, endEntry, endRule } from "../trace";
import { requestMatches } from "./request";

/** Records whether the request in view meets a rule with `count` matches, and which of their conditions hold. */
export function askRule(policy: u32, rule: u32, start: usize, count: u32): void {
  beginRule(policy, rule);
  let met = count === 0;
  for (let i: u32 = 0; i < count; i++) {
    beginEntry(i);
    requestMatches(itemAt<RequestMatch>(start, i));
    if (endEntry()) met = true;
  }
  endRule(met);
}
