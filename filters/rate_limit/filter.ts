// rate_limit: how many requests are let through. Callbacks only; the decisions are in decide.ts.

import { hostMemory } from "../../assembly/abi/arena";
import { CONTINUE, STOP_ITERATION } from "../../assembly/abi/hostcalls";
import { CONFIGURE, enter, LOG, REQUEST, RESPONSE } from "../../assembly/abi/phase";
import { beginPolicies } from "../../assembly/attach/lookup";
import { currentGeneration, Generation, install, pluginIdentity } from "../../assembly/attach/plugins";
import { discardConfiguration, finishConfiguration } from "../../assembly/config/read";
import {
  beginExplaining,
  endExplaining,
  forgetExplanation,
  isExplaining,
  tellExplanation,
} from "../../assembly/explain/explain";
import { beginMatching } from "../../assembly/match/request";
import { refuseHeaders } from "../../assembly/request/too-large";
import { beginView } from "../../assembly/request/view";
import { isTracing } from "../../assembly/trace";
import { announce, forgetStream } from "./answer";
import { enforce } from "./apply";
import { buildPlan } from "./build";
import { explainLimits } from "./explain";
import { readRateLimitConfig } from "./generated/config";
import { Plan } from "./plan";
import { limitRequest } from "./request";
import { askAll } from "./trace";
import { textVersion } from "./version";

export { sluice_trace } from "../../assembly/trace";

export function proxy_abi_version_0_2_1(): void {}

export function proxy_on_memory_allocate(size: usize): usize {
  return hostMemory(size);
}

export function proxy_on_configure(rootContext: u32, size: u32): u32 {
  enter(CONFIGURE);
  const version = textVersion(size);
  const config = readRateLimitConfig(size);
  let plan: Plan | null = null;
  const former = currentGeneration();
  let before: Plan | null = null;
  if (former !== null) before = changetype<Plan>(former.plan);
  if (config !== null) plan = buildPlan(config, pluginIdentity(), before);
  if (plan === null) {
    discardConfiguration();
    return 0;
  }
  enforce(plan, version);
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
  if (isExplaining) explainLimits(plan);
  endExplaining();
  return action;
}

function decideRequest(stream: u32, plan: Plan, generation: Generation): u32 {
  beginMatching();
  beginView();
  if (!beginPolicies(plan.attach) || (isTracing && !askAll(stream, plan))) {
    refuseHeaders();
    return STOP_ITERATION;
  }
  return limitRequest(stream, plan, generation) ? CONTINUE : STOP_ITERATION;
}

export function proxy_on_response_headers(stream: u32, count: u32, endOfStream: u32): u32 {
  enter(RESPONSE);
  announce(stream);
  tellExplanation(stream);
  return CONTINUE;
}

export function proxy_on_log(stream: u32): void {
  enter(LOG);
  forgetStream(stream);
  forgetExplanation(stream);
}
