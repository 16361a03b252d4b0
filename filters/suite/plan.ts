// What the configuration becomes: of each part the plan that the single filter would have. Configure only.

import { pluginIdentity } from "../../assembly/attach/plugins";
import { literal } from "../../assembly/bytes";
import { allocate } from "../../assembly/config/blocks";
import { enterField, leave, refuse } from "../../assembly/config/refusal";
import { ByteString } from "../../assembly/set";
import { enforce } from "../rate_limit/apply";
import { buildPlan as buildRateLimits } from "../rate_limit/build";
import { Plan as RateLimits } from "../rate_limit/plan";
import { buildPlan as buildRouting, Plan as Routing } from "../header_routing/plan";
import { buildPlan as buildFaults } from "../fault/build";
import { Plan as Faults } from "../fault/plan";
import { takeOverTicks } from "../fault/timer";
import { buildPlan as buildMetrics, Plan as Metrics } from "../metrics/plan";
import { expectStarts } from "../metrics/started";
import { SuiteConfig } from "./generated/config";
import { looksAtSteering } from "./steering";

/** The whole configuration. */
@unmanaged
export class Plan {
  rateLimits: RateLimits | null;
  routing: Routing | null;
  faults: Faults | null;
  metrics: Metrics | null;
  /** Wakes the streams that an earlier configuration holds, also where no fault is left. */
  timer: Faults;
  /** Bytes of the arena that a request may take: the least of those whom it would be too large for. */
  arenaSize: usize;
  /** See assembly/explain/token.ts; 0: nobody is told anything. */
  token: usize;
  /** A fault asks for the header that routing writes. */
  looksAtSteering: bool;
}

const RATE_LIMIT: ByteString = literal("rateLimit");
const HEADER_ROUTING: ByteString = literal("headerRouting");
const FAULT: ByteString = literal("fault");
const METRICS: ByteString = literal("metrics");

/** Builds the plan; null: refused. What all workers share is left alone until every part is built. */
export function buildPlan(config: SuiteConfig, root: u32, version: u64, former: Plan | null): Plan | null {
  if (!labelsAgree(config)) return null;
  const plan = changetype<Plan>(allocate(offsetof<Plan>()));
  plan.arenaSize = usize.MAX_VALUE;
  if (!planRateLimits(config, plan, former)) return null;
  if (!planRouting(config, plan)) return null;
  if (!planFaults(config, plan, root)) return null;
  if (!planMetrics(config, plan)) return null;
  const limits = plan.rateLimits;
  if (limits !== null) enforce(limits, version);
  takeOverTicks(plan.timer);
  return plan;
}

function planRateLimits(config: SuiteConfig, plan: Plan, former: Plan | null): bool {
  const given = config.rateLimit;
  if (given === null) return true;
  enterField(RATE_LIMIT.start, RATE_LIMIT.length);
  const limits = buildRateLimits(given, pluginIdentity(), former === null ? null : former.rateLimits);
  leave();
  plan.rateLimits = limits;
  if (limits !== null) plan.token = limits.token;
  bound(plan, given.arenaKiB);
  return limits !== null;
}

function planRouting(config: SuiteConfig, plan: Plan): bool {
  const given = config.headerRouting;
  if (given === null) return true;
  enterField(HEADER_ROUTING.start, HEADER_ROUTING.length);
  const routing = buildRouting(given);
  leave();
  plan.routing = routing;
  if (routing !== null && plan.token === 0) plan.token = routing.token;
  bound(plan, given.arenaKiB);
  return routing !== null;
}

function planFaults(config: SuiteConfig, plan: Plan, root: u32): bool {
  const given = config.fault;
  if (given === null) {
    plan.timer = changetype<Faults>(allocate(offsetof<Faults>()));
    plan.timer.root = root;
    return true;
  }
  enterField(FAULT.start, FAULT.length);
  const faults = buildFaults(given, root);
  leave();
  if (faults === null) return false;
  plan.faults = faults;
  if (plan.token === 0) plan.token = faults.token;
  plan.timer = faults;
  plan.looksAtSteering = looksAtSteering(given);
  bound(plan, given.arenaKiB);
  return true;
}

/** The last part: what metrics keep over configurations is not changed by one that is refused. */
function planMetrics(config: SuiteConfig, plan: Plan): bool {
  const given = config.metrics;
  if (given === null) return true;
  enterField(METRICS.start, METRICS.length);
  const metrics = buildMetrics(given);
  leave();
  plan.metrics = metrics;
  if (metrics !== null) expectStarts();
  return metrics !== null;
}

function bound(plan: Plan, arenaKiB: i32): void {
  plan.arenaSize = min(plan.arenaSize, (<usize>arenaKiB) << 10);
}

/** One module writes labels in one way. */
function labelsAgree(config: SuiteConfig): bool {
  let seen: u32 = 0;
  const limits = config.rateLimit;
  if (limits !== null) seen |= 1 << limits.labels;
  const routing = config.headerRouting;
  if (routing !== null) seen |= 1 << routing.labels;
  const faults = config.fault;
  if (faults !== null) seen |= 1 << faults.labels;
  const metrics = config.metrics;
  if (metrics !== null) seen |= 1 << metrics.labels;
  return seen <= 2 || refuse(0, 'all parts must have the same "labels", or none');
}
