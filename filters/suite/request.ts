// A request, decided by all parts in one pass over one view of it: rate limits, then routing, then faults. Where a
// limit refuses, nothing else is decided.
//
// The single filters, one after the other in a chain, would see what those before them have changed. So where routing
// changes headers that a fault may look at, the view is read once more.

import { limitArena, resetArena } from "../../assembly/abi/arena";
import { CONTINUE, STOP_ITERATION } from "../../assembly/abi/hostcalls";
import { findPolicies, forgetNames } from "../../assembly/attach/lookup";
import { Generation } from "../../assembly/attach/plugins";
import { beginMatching } from "../../assembly/match/request";
import { refuseHeaders } from "../../assembly/request/too-large";
import { beginView, needRequestHeaders } from "../../assembly/request/view";
import { beginTelling, isExplaining } from "../../assembly/explain/explain";
import { isTracing, tracePart } from "../../assembly/trace";
import { explainFaults } from "../fault/explain";
import { injectFaults } from "../fault/inject";
import { Plan as Faults } from "../fault/plan";
import { askAll as askFaults } from "../fault/trace";
import { explainRoute } from "../header_routing/explain";
import { Plan as Routing } from "../header_routing/plan";
import { isRequestChanged, route } from "../header_routing/route";
import { askAll as askRouting } from "../header_routing/trace";
import { explainLimits } from "../rate_limit/explain";
import { noteStart } from "../metrics/started";
import { Plan as RateLimits } from "../rate_limit/plan";
import { limitRequest } from "../rate_limit/request";
import { askAll as askRateLimits } from "../rate_limit/trace";
import { Plan } from "./plan";

/** Parts, as host/trace.ts names them. */
const RATE_LIMIT: u32 = 1;
const HEADER_ROUTING: u32 = 2;
const FAULT: u32 = 3;

/** What the request headers callback returns. */
export function decideRequest(stream: u32, plan: Plan, generation: Generation): u32 {
  const limits = plan.rateLimits;
  const routing = plan.routing;
  const faults = plan.faults;
  if (limits === null && routing === null && faults === null) return CONTINUE;
  beginRequest(plan);
  if (plan.metrics !== null) noteStart(stream);
  if (limits !== null) {
    if (!findLimits(stream, limits)) return tooLarge();
    const isAdmitted = limitRequest(stream, limits, generation);
    if (isExplaining) explainLimits(limits);
    if (!isAdmitted) return STOP_ITERATION;
  }
  if (routing !== null) {
    if (!findRouting(stream, routing) || !route(stream, routing, generation)) return tooLarge();
    if (isExplaining) explainRoute(routing);
    if (isRequestChanged || plan.looksAtSteering) forgetRequest(plan);
  }
  if (faults === null) return CONTINUE;
  if (!needRequestHeaders() || !findFaults(stream, faults)) return tooLarge();
  const action = injectFaults(stream, faults, generation);
  if (isExplaining) explainFaults(faults);
  return action;
}

/** Nothing is read until a part needs it. */
function beginRequest(plan: Plan): void {
  limitArena(plan.arenaSize);
  beginMatching();
  forgetNames();
  beginView();
}

/** What was read before is of no use any longer, and gives its room. */
function forgetRequest(plan: Plan): void {
  resetArena();
  beginRequest(plan);
}

function findLimits(stream: u32, limits: RateLimits): bool {
  if (isTracing) beginPart(RATE_LIMIT);
  return findPolicies(limits.attach) && (!isTracing || askRateLimits(stream, limits));
}

function findRouting(stream: u32, routing: Routing): bool {
  if (isTracing) beginPart(HEADER_ROUTING);
  return findPolicies(routing.attachments) && (!isTracing || askRouting(stream, routing));
}

function findFaults(stream: u32, faults: Faults): bool {
  if (isTracing) beginPart(FAULT);
  return findPolicies(faults.attachments) && (!isTracing || askFaults(stream, faults));
}

/** An explanation is of one part after the other. */
function beginPart(part: u32): void {
  tracePart(part);
  if (isExplaining) beginTelling();
}

function tooLarge(): u32 {
  refuseHeaders();
  return STOP_ITERATION;
}
