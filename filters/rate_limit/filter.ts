// rate_limit: how many requests are let through. Callbacks only; the decisions are in decide.ts.

import { hostMemory, lend } from "../../assembly/abi/arena";
import { monotonicNs } from "../../assembly/abi/clock";
import {
  CONTINUE,
  OK,
  PLUGIN_CONFIGURATION,
  proxy_get_buffer_bytes,
  STOP_ITERATION,
} from "../../assembly/abi/hostcalls";
import { CONFIGURE, enter, localReply, LOG, REQUEST, RESPONSE } from "../../assembly/abi/phase";
import { PLUGIN_NAME, PLUGIN_ROOT_ID, readProperty } from "../../assembly/abi/property";
import { beginPolicies } from "../../assembly/attach/lookup";
import { currentGeneration, install } from "../../assembly/attach/plugins";
import { literal } from "../../assembly/bytes";
import { discardConfiguration, finishConfiguration } from "../../assembly/config/read";
import { stableHash } from "../../assembly/hash";
import { beginMatching } from "../../assembly/match/request";
import { readRequestHeaders } from "../../assembly/request/view";
import { ByteString } from "../../assembly/set";
import { isTracing } from "../../assembly/trace";
import { announce, announceLater, forgetStream, refuseRequest, refuseWithoutLimit } from "./answer";
import { joinShared, recheck } from "./apply";
import { buildPlan } from "./build";
import { decide, refusedBy, tightest } from "./decide";
import { countFailure, HEADERS_TOO_LARGE } from "./failures";
import { readRateLimitConfig } from "./generated/config";
import { Plan } from "./plan";
import { forgetAll } from "./refusals";
import { askAll } from "./trace";

export { sluice_trace } from "../../assembly/trace";

const TOO_LARGE: ByteString = literal("sluice_headers_too_large");

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
  plan.version = version;
  joinShared(plan);
  forgetAll();
  install(changetype<usize>(plan), finishConfiguration());
  return 1;
}

const result: usize = memory.data(8, 4);

/** Hash of the configuration's text, which decoding changes: under it the marker knows the configuration. */
function textVersion(size: u32): u64 {
  const text = heap.alloc(size + 1);
  lend(text, size);
  store<u64>(result, 0);
  const status = proxy_get_buffer_bytes(PLUGIN_CONFIGURATION, 0, size, result, result + 4);
  lend(0, 0);
  const version = status === OK ? stableHash(text, load<u32>(result, 4), 1) : 0;
  heap.free(text);
  return version;
}

/** Limits of two plugins are different ones, whatever they are called. */
function pluginIdentity(): u64 {
  const text = changetype<ByteString>(memory.data(8, 4));
  readProperty(PLUGIN_ROOT_ID, text);
  const root = stableHash(text.start, text.length, 0);
  readProperty(PLUGIN_NAME, text);
  return stableHash(text.start, text.length, root);
}

export function proxy_on_request_headers(stream: u32, count: u32, endOfStream: u32): u32 {
  enter(REQUEST);
  const generation = currentGeneration();
  if (generation === null) return CONTINUE;
  const plan = changetype<Plan>(generation.plan);
  beginMatching();
  if (!readRequestHeaders() || !beginPolicies(plan.attach) || (isTracing && !askAll(stream, plan))) {
    countFailure(HEADERS_TOO_LARGE);
    localReply(431, TOO_LARGE.start, TOO_LARGE.length, 0, 0, 0, 0);
    return STOP_ITERATION;
  }
  const now = <i64>monotonicNs();
  if (plan.recheckAt !== 0) recheck(plan, now);
  if (decide(plan, now)) {
    const announced = tightest;
    if (announced !== null) announceLater(stream, announced, generation);
    return CONTINUE;
  }
  const refusal = refusedBy;
  if (refusal === null) refuseWithoutLimit();
  else refuseRequest(refusal);
  return STOP_ITERATION;
}

export function proxy_on_response_headers(stream: u32, count: u32, endOfStream: u32): u32 {
  enter(RESPONSE);
  announce(stream);
  return CONTINUE;
}

export function proxy_on_log(stream: u32): void {
  enter(LOG);
  forgetStream(stream);
}
