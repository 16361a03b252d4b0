// suite: rate limits, header routing, faults and metrics in one module. Callbacks only; each part's own room has what
// is done, and request.ts the order.

import { hostMemory, limitArena } from "../../assembly/abi/arena";
import { secretU64 } from "../../assembly/abi/clock";
import { CONTINUE } from "../../assembly/abi/hostcalls";
import { CONFIGURE, enter, LOG, REQUEST, RESPONSE, TICK } from "../../assembly/abi/phase";
import { currentGeneration, install } from "../../assembly/attach/plugins";
import { discardConfiguration, finishConfiguration } from "../../assembly/config/read";
import {
  beginExplaining,
  endExplaining,
  forgetExplanation,
  tellExplanation,
} from "../../assembly/explain/explain";
import { seedRandom } from "../../assembly/random";
import { markResponse } from "../fault/answer";
import { forgetStream as forgetFaults } from "../fault/held";
import { tick } from "../fault/timer";
import { changeResponse, forgetStream as forgetRouting } from "../header_routing/response";
import { record } from "../metrics/record";
import { announce, forgetStream as forgetLimits } from "../rate_limit/answer";
import { textVersion } from "../rate_limit/version";
import { readSuiteConfig } from "./generated/config";
import { buildPlan, Plan } from "./plan";
import { decideRequest } from "./request";

export { sluice_trace } from "../../assembly/trace";

export function proxy_abi_version_0_2_1(): void {}

export function proxy_on_memory_allocate(size: usize): usize {
  return hostMemory(size);
}

export function proxy_on_configure(rootContext: u32, size: u32): u32 {
  enter(CONFIGURE);
  const version = textVersion(size);
  const former = currentGeneration();
  let before: Plan | null = null;
  if (former !== null) before = changetype<Plan>(former.plan);
  const config = readSuiteConfig(size);
  let plan: Plan | null = null;
  if (config !== null) plan = buildPlan(config, rootContext, version, before);
  if (plan === null) {
    discardConfiguration();
    return 0;
  }
  seedRandom(secretU64());
  install(changetype<usize>(plan), finishConfiguration());
  return 1;
}

export function proxy_on_request_headers(stream: u32, count: u32, endOfStream: u32): u32 {
  enter(REQUEST);
  const generation = currentGeneration();
  if (generation === null) return CONTINUE;
  const plan = changetype<Plan>(generation.plan);
  if (plan.token === 0) return decideRequest(stream, plan, generation);
  beginExplaining(stream, plan.token);
  const action = decideRequest(stream, plan, generation);
  endExplaining();
  return action;
}

/** In the order in which a response passes the single filters. */
export function proxy_on_response_headers(stream: u32, count: u32, endOfStream: u32): u32 {
  enter(RESPONSE);
  markResponse(stream);
  changeResponse(stream);
  announce(stream);
  tellExplanation(stream);
  return CONTINUE;
}

export function proxy_on_tick(rootContext: u32): void {
  enter(TICK);
  tick(rootContext);
}

export function proxy_on_log(stream: u32): void {
  enter(LOG);
  forgetFaults(stream);
  forgetRouting(stream);
  forgetLimits(stream);
  forgetExplanation(stream);
  const generation = currentGeneration();
  if (generation === null) return;
  const metrics = changetype<Plan>(generation.plan).metrics;
  if (metrics === null) return;
  limitArena(metrics.arenaSize);
  record(metrics, stream);
}
