// Counters of faults by policy, fault and type, and the gauge of requests that are held or throttled.

import { literal } from "../../assembly/bytes";
import {
  addToGauge,
  beginName,
  defineCounter,
  defineGauge,
  findMetric,
  increment,
  isUndefined,
  label,
  Metric,
} from "../../assembly/metrics";
import { ByteString } from "../../assembly/set";
import { FaultPlan, PolicyPlan } from "./plan";

export const DELAY: u32 = 0;
export const ABORT: u32 = 1;
export const THROTTLE: u32 = 2;
export const OVERFLOW: u32 = 3;
export const TYPES: u32 = 4;

const names: StaticArray<ByteString> = [
  literal("delay"),
  literal("abort"),
  literal("throttle"),
  literal("overflow"),
];

function nameCounter(fault: FaultPlan, type: u32): void {
  beginName("sluice_faults_total");
  label("policy", fault.policy.nameStart, fault.policy.nameLength);
  label("fault", fault.nameStart, fault.nameLength);
  const name = unchecked(names[type]);
  label("type", name.start, name.length);
}

/** Configure only. */
export function findCounters(fault: FaultPlan): void {
  for (let type: u32 = 0; type < TYPES; type++) {
    nameCounter(fault, type);
    store<usize>(fault.counters + ((<usize>type) << 2), changetype<usize>(findMetric()));
  }
}

/** Configure only. */
export function findActiveGauge(policy: PolicyPlan): void {
  nameGauge(policy);
  policy.gauge = findMetric();
}

function nameGauge(policy: PolicyPlan): void {
  beginName("sluice_faults_active");
  label("policy", policy.nameStart, policy.nameLength);
}

export function count(fault: FaultPlan, type: u32): void {
  const metric = changetype<Metric>(load<usize>(fault.counters + ((<usize>type) << 2)));
  if (isUndefined(metric)) {
    nameCounter(fault, type);
    defineCounter(metric);
  }
  increment(metric);
}

/** One request more is held or throttled. */
export function enterActive(policy: PolicyPlan): void {
  const gauge = policy.gauge;
  if (isUndefined(gauge)) {
    nameGauge(policy);
    defineGauge(gauge);
  }
  addToGauge(gauge, 1);
}

/** The gauge lives as long as the VM, whatever becomes of the policy. */
export function leaveActive(gauge: Metric): void {
  addToGauge(gauge, -1);
}
