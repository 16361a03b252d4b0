// Records of a trace in words: which conditions of a rule do not hold, and whether it is met.

import { itemAt, keyAt } from "../config/records";
import { RequestMatch, StringMatch } from "../generated/records";
import { CONDITION, firstRecord, recordAt, TraceRecord } from "../trace";
import { tell, tellNumber, tellText } from "./explain";

let isFirst: bool = true;

/** What a filter tells begins with its name. */
export function beginFilter(name: string): void {
  tellText(name);
  isFirst = true;
}

export function endFilter(): void {
  if (isFirst) tellText(": no policy applies");
}

/** `NAMESPACE/POLICY/RULE: `, after a mark that parts it from what was told before. */
export function tellPlace(policy: usize, policyLength: u32, rule: usize, ruleLength: u32): void {
  tellText(isFirst ? ": " : "; ");
  isFirst = false;
  tell(policy, policyLength);
  if (ruleLength > 0) tellText("/");
  tell(rule, ruleLength);
  tellText(": ");
}

/** Record `index`, of kind RULE, of a rule with these matches; the records of its conditions stand before it. */
export function tellRule(index: u32, matches: usize): void {
  const rule = recordAt(index);
  if (rule.outcome !== 0) {
    tellText("met");
    return;
  }
  tellText("not met");
  let from = index;
  while (from > firstRecord() && isConditionOf(recordAt(from - 1), rule)) from -= 1;
  for (let i = from; i < index; i++) {
    const record = recordAt(i);
    if (record.outcome !== 0) continue;
    tellText(", match[");
    tellNumber(record.entry);
    tellText("].");
    tellCondition(itemAt<RequestMatch>(matches, record.entry), record.condition);
  }
}

function isConditionOf(record: TraceRecord, rule: TraceRecord): bool {
  return record.kind === CONDITION && record.policy === rule.policy && record.rule === rule.rule;
}

/** The field of the condition that requestMatches asks as the `index`-th. */
function tellCondition(match: RequestMatch, index: u32): void {
  let left = tellSingle(match.method, "method", index);
  left = tellSingle(match.scheme, "scheme", left);
  left = tellSingle(match.authority, "authority", left);
  left = tellSingle(match.uri, "uri", left);
  left = tellKey(match.headersStart, match.headersCount, "headers.", left);
  left = tellKey(match.withoutHeadersStart, match.withoutHeadersCount, "withoutHeaders.", left);
  left = tellKey(match.queryParamsStart, match.queryParamsCount, "queryParams.", left);
  left = tellKey(match.cookiesStart, match.cookiesCount, "cookies.", left);
  if (left === 0) tellText("sourceIp");
}

/** Where the condition has been told already. */
const DONE: u32 = 0xffffffff;

function tellSingle(condition: StringMatch | null, name: string, left: u32): u32 {
  if (condition === null || left === DONE) return left;
  if (left > 0) return left - 1;
  tellText(name);
  return DONE;
}

function tellKey(start: usize, count: u32, name: string, left: u32): u32 {
  if (left === DONE) return left;
  if (left >= count) return left - count;
  const key = keyAt<StringMatch>(start, left);
  tellText(name);
  tell(key.start, key.length);
  return DONE;
}
