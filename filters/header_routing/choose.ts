// Which rule of a policy a request meets, and which destination: pure but for chance and the client's address.

import { itemAt } from "../../assembly/config/records";
import { anyMatches, readSourceAddress, sourceAddress } from "../../assembly/match/request";
import { randomU64 } from "../../assembly/random";
import { choiceKey, chooseWeighted } from "../../assembly/rendezvous";
import { cookieValue, findCookie } from "../../assembly/request/cookies";
import { firstHeader } from "../../assembly/request/view";
import { HeaderRoutingRule, StickyBy } from "./generated/config";
import { Choice, PolicyPlan, RulePlan } from "./plan";

/** The value of the cookie to be set, if isCookieDrawn. */
export let drawnCookie: u64 = 0;
export let isCookieDrawn: bool = false;

/** The index of the first rule that the request in view meets; -1: none. */
export function findRule(policy: PolicyPlan): i32 {
  for (let i: u32 = 0; i < policy.ruleCount; i++) {
    const rule = itemAt<HeaderRoutingRule>(policy.rules, i);
    if (anyMatches(rule.matchStart, rule.matchCount)) return i;
  }
  return -1;
}

/** The destination of a request that meets a rule; null: the rule has none. */
export function chooseDestination(
  policy: PolicyPlan,
  rule: HeaderRoutingRule,
  plan: RulePlan,
): Choice | null {
  isCookieDrawn = false;
  const count = plan.choiceCount;
  if (count === 0) return null;
  const sticky = rule.stickyBy;
  const key = sticky === null ? (count === 1 ? 0 : randomU64()) : stickyKey(policy, sticky);
  const index = count === 1 ? 0 : chooseWeighted(key, plan.choices, count, offsetof<Choice>());
  return index < 0 ? null : itemAt<Choice>(plan.choices, index);
}

/** The key that keeps a client where it is; drawn when the client has none. */
function stickyKey(policy: PolicyPlan, sticky: StickyBy): u64 {
  const cookie = sticky.cookie;
  if (cookie !== null) {
    if (findCookie(cookie.nameStart, cookie.nameLength) && cookieValue.length > 0)
      return choiceKey(cookieValue.start, cookieValue.length, policy.seed);
    isCookieDrawn = true;
    drawnCookie = randomU64();
    return cookieKey(policy);
  }
  if (sticky.headerLength > 0) {
    const header = firstHeader(sticky.headerStart, sticky.headerLength);
    if (header.valueLength > 0) return choiceKey(header.value, header.valueLength, policy.seed);
    return randomU64();
  }
  readSourceAddress();
  const length = addressLength();
  return length > 0 ? choiceKey(sourceAddress.start, length, policy.seed) : randomU64();
}

const digits: usize = memory.data(16);
/** Bytes of a drawn cookie's value. */
export const COOKIE_LENGTH: u32 = 16;

/** Writes the drawn value in hexadecimal, as the cookie carries it. */
export function writeCookie(to: usize, value: u64): void {
  for (let i: u32 = 0; i < COOKIE_LENGTH; i++) {
    const digit = (<u32>(value >> ((15 - i) << 2))) & 15;
    store<u8>(to + i, digit < 10 ? 48 + digit : 87 + digit);
  }
}

/** The key that the drawn cookie will give when the client sends it. */
function cookieKey(policy: PolicyPlan): u64 {
  writeCookie(digits, drawnCookie);
  return choiceKey(digits, COOKIE_LENGTH, policy.seed);
}

/** The client's address without its port, which changes with every connection. */
function addressLength(): u32 {
  let length = sourceAddress.length;
  while (length > 0) {
    length -= 1;
    const byte = <u32>load<u8>(sourceAddress.start + length);
    if (byte === 58) return length;
    // No port, as of a Unix socket.
    if (byte - 48 > 9) break;
  }
  return sourceAddress.length;
}
