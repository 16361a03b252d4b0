// fault: delays, aborts and throttles a share of the requests. Callbacks only; the decisions are in decide.ts.

import { hostMemory, limitArena } from "../../assembly/abi/arena";
import { secretU64 } from "../../assembly/abi/clock";
import { CONTINUE, STOP_ITERATION } from "../../assembly/abi/hostcalls";
import { CONFIGURE, enter, LOG, REQUEST, RESPONSE, TICK } from "../../assembly/abi/phase";
import { beginPolicies } from "../../assembly/attach/lookup";
import { currentGeneration, Generation, install } from "../../assembly/attach/plugins";
import { discardConfiguration, finishConfiguration } from "../../assembly/config/read";
import {
  beginExplaining,
  endExplaining,
  forgetExplanation,
  isExplaining,
  tellExplanation,
} from "../../assembly/explain/explain";
import { beginMatching } from "../../assembly/match/request";
import { seedRandom } from "../../assembly/random";
import { refuseHeaders } from "../../assembly/request/too-large";
import { readRequestHeaders } from "../../assembly/request/view";
import { isTracing } from "../../assembly/trace";
import { markResponse } from "./answer";
import { buildPlan } from "./build";
import { explainFaults } from "./explain";
import { readFaultConfig } from "./generated/config";
import { forgetStream } from "./held";
import { injectFaults } from "./inject";
import { Plan } from "./plan";
import { takeOverTicks, tick } from "./timer";
import { askAll } from "./trace";

export { sluice_trace } from "../../assembly/trace";

export function proxy_abi_version_0_2_1(): void {}

export function proxy_on_memory_allocate(size: usize): usize {
  return hostMemory(size);
}

export function proxy_on_configure(rootContext: u32, size: u32): u32 {
  enter(CONFIGURE);
  const config = readFaultConfig(size);
  let plan: Plan | null = null;
  if (config !== null) plan = buildPlan(config, rootContext);
  if (plan === null) {
    discardConfiguration();
    return 0;
  }
  seedRandom(secretU64());
  takeOverTicks(plan);
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
  if (isExplaining) explainFaults(plan);
  endExplaining();
  return action;
}

function decideRequest(stream: u32, plan: Plan, generation: Generation): u32 {
  beginMatching();
  limitArena(plan.arenaSize);
  if (!readRequestHeaders() || !beginPolicies(plan.attachments) || (isTracing && !askAll(stream, plan))) {
    refuseHeaders();
    return STOP_ITERATION;
  }
  return injectFaults(stream, plan, generation);
}

export function proxy_on_response_headers(stream: u32, count: u32, endOfStream: u32): u32 {
  enter(RESPONSE);
  markResponse(stream);
  tellExplanation(stream);
  return CONTINUE;
}

export function proxy_on_tick(rootContext: u32): void {
  enter(TICK);
  tick(rootContext);
}

export function proxy_on_log(stream: u32): void {
  enter(LOG);
  forgetStream(stream);
  forgetExplanation(stream);
}
