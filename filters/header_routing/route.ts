// Carries a decision out: counts it, changes the request's headers, and names the derived route that Envoy shall
// take, in x-sluice-destination: BASE/DESTINATION, where BASE is the name of the route found without us.

import { scratch } from "../../assembly/abi/arena";
import {
  proxy_remove_header_map_value,
  proxy_replace_header_map_value,
  REQUEST_HEADERS,
} from "../../assembly/abi/hostcalls";
import { isByHost, nextPolicy, readRouteName, routeName } from "../../assembly/attach/lookup";
import { Generation, retain } from "../../assembly/attach/plugins";
import { literal, writeBytes } from "../../assembly/bytes";
import { itemAt } from "../../assembly/config/records";
import { defineCounter, increment, isUndefined } from "../../assembly/metrics";
import { hasRequestHeader, needRequestHeaders } from "../../assembly/request/view";
import { ByteString } from "../../assembly/set";
import { addStream } from "../../assembly/streams";
import { isTracing } from "../../assembly/trace";
import { chooseDestination, drawnCookie, findRule, isCookieDrawn } from "./choose";
import { countFailure, STREAMS_FULL } from "./failures";
import { HeaderRoutingRule } from "./generated/config";
import { changeHeaders } from "./headers";
import { Choice, nameMetric, Plan, PolicyPlan, RulePlan, streams } from "./plan";
import { traceChoice } from "./trace";

/** The header that derived routes match on. */
export const STEERING: ByteString = literal("x-sluice-destination");

/** Flag of a stream: its response sets the cookie that was drawn. */
export const SETS_COOKIE: u32 = 1;

/** Whether route has changed request headers beside x-sluice-destination. */
export let isRequestChanged: bool = false;

/** Routes the request in view. False: its headers, or what has to be written, do not fit the arena. */
export function route(stream: u32, plan: Plan, generation: Generation): bool {
  isRequestChanged = false;
  for (let i = nextPolicy(); i >= 0; i = nextPolicy()) {
    const policy = itemAt<PolicyPlan>(plan.policies, i);
    if (policy.readsHeaders && !needRequestHeaders()) return false;
    const rule = findRule(policy);
    if (rule >= 0) return follow(stream, plan, generation, policy, rule);
    if (!policy.inherit) break;
  }
  dropSteering();
  return true;
}

/** The client's own copies of the header go, all of them. */
function dropSteering(): void {
  if (!hasRequestHeader(STEERING.start, STEERING.length)) return;
  proxy_remove_header_map_value(REQUEST_HEADERS, STEERING.start, STEERING.length);
}

function follow(stream: u32, plan: Plan, generation: Generation, policy: PolicyPlan, index: u32): bool {
  const rule = itemAt<HeaderRoutingRule>(policy.rules, index);
  const rulePlan = itemAt<RulePlan>(policy.plans, index);
  const choice = chooseDestination(policy, rule, rulePlan);
  if (isTracing) traceChoice(plan, policy, index, choice);
  const request = rulePlan.request;
  // A rule that only changes headers is steered too: what it changes may be what routes match on.
  const steers = choice !== null || request !== null;
  if (steers && !isByHost) readRouteName();
  const value = steers ? steeringValue(choice) : 0;
  if (steers && value === 0) return false;
  if (choice !== null) count(policy, rule, choice);
  if (request !== null) changeHeaders(REQUEST_HEADERS, request);
  isRequestChanged = request !== null;
  if (steers)
    proxy_replace_header_map_value(REQUEST_HEADERS, STEERING.start, STEERING.length, value, steeringLength);
  else dropSteering();
  if (rulePlan.response !== null || isCookieDrawn) rememberResponse(stream, generation, rule, rulePlan);
  return true;
}

let steeringLength: u32 = 0;

/** BASE/DESTINATION in the arena; 0: it does not fit. A policy found by host and path has no BASE. */
function steeringValue(choice: Choice | null): usize {
  const base = isByHost ? 0 : routeName.length;
  const name = choice === null ? 0 : choice.nameLength;
  const start = scratch(base + 1 + name);
  if (start === 0) return 0;
  const at = writeBytes(start, routeName.start, base);
  store<u8>(at, 47);
  if (choice !== null) writeBytes(at + 1, choice.nameStart, name);
  steeringLength = base + 1 + name;
  return start;
}

function count(policy: PolicyPlan, rule: HeaderRoutingRule, choice: Choice): void {
  const metric = choice.metric;
  if (isUndefined(metric)) {
    nameMetric(policy, rule, choice);
    defineCounter(metric);
  }
  increment(metric);
}

/** Keeps what the response needs until its headers come. */
function rememberResponse(
  stream: u32,
  generation: Generation,
  rule: HeaderRoutingRule,
  plan: RulePlan,
): void {
  const kept = addStream(streams, stream);
  if (kept === null) {
    countFailure(STREAMS_FULL);
    return;
  }
  if (kept.owner === 0) retain(generation);
  kept.owner = changetype<usize>(generation);
  kept.record = changetype<usize>(plan);
  kept.rule = changetype<usize>(rule);
  kept.flags = isCookieDrawn ? SETS_COOKIE : 0;
  kept.value = drawnCookie;
}
