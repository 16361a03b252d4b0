// header_routing: sends requests to destinations by what they carry. Callbacks only; the decisions are in choose.ts.

import { hostMemory, limitArena } from "../../assembly/abi/arena";
import { CONTINUE, STOP_ITERATION } from "../../assembly/abi/hostcalls";
import { CONFIGURE, enter, LOG, REQUEST, RESPONSE } from "../../assembly/abi/phase";
import { secretU64 } from "../../assembly/abi/clock";
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
import { beginView } from "../../assembly/request/view";
import { isTracing } from "../../assembly/trace";
import { explainRoute } from "./explain";
import { readHeaderRoutingConfig } from "./generated/config";
import { buildPlan, Plan } from "./plan";
import { changeResponse, forgetStream } from "./response";
import { route } from "./route";
import { askAll } from "./trace";

export { sluice_trace } from "../../assembly/trace";

export function proxy_abi_version_0_2_1(): void {}

export function proxy_on_memory_allocate(size: usize): usize {
  return hostMemory(size);
}

export function proxy_on_configure(rootContext: u32, size: u32): u32 {
  enter(CONFIGURE);
  const config = readHeaderRoutingConfig(size);
  let plan: Plan | null = null;
  if (config !== null) plan = buildPlan(config);
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
  if (isExplaining) explainRoute(plan);
  endExplaining();
  return action;
}

function decideRequest(stream: u32, plan: Plan, generation: Generation): u32 {
  beginMatching();
  limitArena(plan.arenaSize);
  beginView();
  const isFound = beginPolicies(plan.attachments) && (!isTracing || askAll(stream, plan));
  if (isFound && route(stream, plan, generation)) return CONTINUE;
  refuseHeaders();
  return STOP_ITERATION;
}

export function proxy_on_response_headers(stream: u32, count: u32, endOfStream: u32): u32 {
  enter(RESPONSE);
  changeResponse(stream);
  tellExplanation(stream);
  return CONTINUE;
}

export function proxy_on_log(stream: u32): void {
  enter(LOG);
  forgetStream(stream);
  forgetExplanation(stream);
}
