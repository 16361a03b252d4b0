// metrics: counts requests and their durations, with labels. Callbacks only: all there is to do is done when a
// stream has ended, since whatever a label needs can still be read then.

import { hostMemory, limitArena } from "../../assembly/abi/arena";
import { CONFIGURE, enter, LOG } from "../../assembly/abi/phase";
import { currentGeneration, install } from "../../assembly/attach/plugins";
import { discardConfiguration, finishConfiguration } from "../../assembly/config/read";
import { record } from "./record";
import { readMetricsConfig } from "./generated/config";
import { buildPlan, Plan } from "./plan";

export function proxy_abi_version_0_2_1(): void {}

export function proxy_on_memory_allocate(size: usize): usize {
  return hostMemory(size);
}

export function proxy_on_configure(rootContext: u32, size: u32): u32 {
  enter(CONFIGURE);
  const config = readMetricsConfig(size);
  let plan: Plan | null = null;
  if (config !== null) plan = buildPlan(config);
  if (plan === null) {
    discardConfiguration();
    return 0;
  }
  install(changetype<usize>(plan), finishConfiguration());
  return 1;
}

export function proxy_on_log(stream: u32): void {
  enter(LOG);
  const generation = currentGeneration();
  if (generation === null) return;
  const plan = changetype<Plan>(generation.plan);
  limitArena(plan.arenaSize);
  record(plan, stream);
}
