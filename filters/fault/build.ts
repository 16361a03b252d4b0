// From the configuration's records to the plan. Configure only; what the schema cannot say is refused here.

import { ensureArena } from "../../assembly/abi/arena";
import { pluginIdentity } from "../../assembly/attach/plugins";
import { addPolicy, AttachTable, finishTable, newAttachTable } from "../../assembly/attach/table";
import { findByte, literal, writeBytes } from "../../assembly/bytes";
import { allocate } from "../../assembly/config/blocks";
import { itemAt } from "../../assembly/config/records";
import { enterField, enterIndex, leave } from "../../assembly/config/refusal";
import { takeToken, token } from "../../assembly/explain/configure";
import { stableHash } from "../../assembly/hash";
import { compileMatches } from "../../assembly/match/compile";
import { useIstioLabels } from "../../assembly/metrics";
import { choiceSeed } from "../../assembly/rendezvous";
import { ByteString } from "../../assembly/set";
import { planAbort } from "./abort";
import { findActive } from "./active";
import { findActiveGauge, findCounters, TYPES } from "./counters";
import {
  Fault,
  FaultConfig,
  FaultConfigLabelEncodingIs,
  FaultPolicy,
  FaultPolicyHas,
  FaultStopWhen,
  FaultStopWhenHas,
} from "./generated/config";
import { ensureHeld } from "./held";
import { CONTROL_NAME, FaultPlan, faultAt, Plan, PolicyPlan } from "./plan";
import { buildDelay, buildSchedule, perNs, readRate, requests } from "./terms";
import { beginWatch, Watch } from "./watch";

const AT_SIGN: u32 = 64;

const POLICIES: ByteString = literal("policies");
const FAULTS: ByteString = literal("faults");
const DELAY: ByteString = literal("delay");
const SCHEDULE: ByteString = literal("schedule");
const STOP_WHEN: ByteString = literal("stopWhen");
const CONTROL: ByteString = literal(CONTROL_NAME);

let needsStreams: bool = false;
let owner: u64 = 0;

/** Builds the plan; null: refused. */
export function buildPlan(config: FaultConfig, root: u32): Plan | null {
  useIstioLabels(config.labels === FaultConfigLabelEncodingIs.istio_);
  const plan = changetype<Plan>(allocate(offsetof<Plan>()));
  if (!takeToken(config.explainTokenSha256Start, config.explainTokenSha256Length)) return null;
  plan.token = token;
  plan.root = root;
  plan.isDisabled = config.disabled;
  plan.attachments = attachPolicies(config);
  plan.policies = allocate(config.policiesCount * offsetof<PolicyPlan>());
  needsStreams = false;
  owner = pluginIdentity();
  enterField(POLICIES.start, POLICIES.length);
  for (let i: u32 = 0; i < config.policiesCount; i++) {
    enterIndex(i);
    const policy = itemAt<FaultPolicy>(config.policiesStart, i);
    if (!planPolicy(policy, itemAt<PolicyPlan>(plan.policies, i))) return null;
    leave();
  }
  leave();
  plan.arenaSize = (<usize>config.arenaKiB) << 10;
  ensureArena(plan.arenaSize);
  if (needsStreams) ensureHeld(config.maxStreams);
  return plan;
}

function attachPolicies(config: FaultConfig): AttachTable {
  let total: u32 = 0;
  for (let i: u32 = 0; i < config.policiesCount; i++)
    total += 1 + itemAt<FaultPolicy>(config.policiesStart, i).attachCount;
  const table = newAttachTable(total);
  // The table wants the last policy first.
  for (let i = config.policiesCount; i > 0; i--) {
    const policy = itemAt<FaultPolicy>(config.policiesStart, i - 1);
    const isGiven = (policy.present & FaultPolicyHas.attach_) !== 0;
    addPolicy(table, i - 1, policy.attachStart, policy.attachCount, isGiven);
  }
  finishTable(table);
  return table;
}

function planPolicy(policy: FaultPolicy, to: PolicyPlan): bool {
  const has = policy.present;
  const start = policy.nameStart;
  to.inherit = policy.inherit;
  to.nameStart = start;
  to.nameLength = <u32>(findByte(start, start + policy.nameLength, AT_SIGN) - start);
  to.seed =
    has & FaultPolicyHas.seed_
      ? choiceSeed(policy.seedStart, policy.seedLength)
      : choiceSeed(start, to.nameLength);
  if (has & FaultPolicyHas.expiresAt_) to.expiresAtMs = <u64>max<i64>(1, policy.expiresAtMs);
  to.showsHeader = policy.responseHeader;
  if (has & FaultPolicyHas.maxActive_) {
    to.maxActive = policy.maxActive;
    to.active = findActive(stableHash(start, to.nameLength, owner));
  }
  findActiveGauge(to);
  planControl(policy, to);
  to.faultCount = policy.faultsCount;
  to.faults = allocate(to.faultCount * offsetof<FaultPlan>());
  enterField(FAULTS.start, FAULTS.length);
  for (let i: u32 = 0; i < to.faultCount; i++) {
    enterIndex(i);
    if (!planFault(to, itemAt<Fault>(policy.faultsStart, i), faultAt(to, i))) return false;
    leave();
  }
  leave();
  return true;
}

function planControl(policy: FaultPolicy, to: PolicyPlan): void {
  const control = policy.headerControl;
  const plan = changetype<FaultPlan>(allocate(offsetof<FaultPlan>()));
  to.controlPlan = plan;
  if (control === null) return;
  to.control = control;
  nameFault(plan, to, CONTROL.start, CONTROL.length);
  if (control.delay || control.throttle) needsStreams = true;
  plan.abort = planAbort(plan, null);
}

function nameFault(plan: FaultPlan, policy: PolicyPlan, start: usize, length: u32): void {
  plan.policy = policy;
  plan.nameStart = start;
  plan.nameLength = length;
  plan.titleStart = allocate(policy.nameLength + 1 + length);
  plan.titleLength = policy.nameLength + 1 + length;
  const slash = writeBytes(plan.titleStart, policy.nameStart, policy.nameLength);
  store<u8>(slash, 47);
  writeBytes(slash + 1, start, length);
  plan.counters = allocate((<usize>TYPES) << 2);
  findCounters(plan);
}

function planFault(policy: PolicyPlan, fault: Fault, to: FaultPlan): bool {
  compileMatches(fault.matchStart, fault.matchCount);
  nameFault(to, policy, fault.nameStart, fault.nameLength);
  to.fault = fault;
  to.millionths = fault.percentageMillionths;
  to.id = stableHash(fault.nameStart, fault.nameLength, 0);
  const abort = fault.abort;
  if (abort !== null) to.abort = planAbort(to, abort);
  const throttle = fault.throttle;
  if (throttle !== null) to.throttle = throttle.kibPerSecond;
  const delay = fault.delay;
  const schedule = fault.schedule;
  const stopWhen = fault.stopWhen;
  if (delay !== null || throttle !== null || stopWhen !== null) needsStreams = true;
  if (delay !== null) {
    enterField(DELAY.start, DELAY.length);
    to.delay = buildDelay(delay);
    if (to.delay === null) return false;
    leave();
  }
  if (schedule !== null) {
    enterField(SCHEDULE.start, SCHEDULE.length);
    to.schedule = buildSchedule(schedule);
    if (to.schedule === null) return false;
    leave();
  }
  return stopWhen === null || planWatch(to, stopWhen);
}

function planWatch(fault: FaultPlan, given: FaultStopWhen): bool {
  const has = given.present;
  const watch = changetype<Watch>(allocate(offsetof<Watch>()));
  watch.fault = fault;
  const policy = fault.policy;
  watch.identity = stableHash(
    fault.nameStart,
    fault.nameLength,
    stableHash(policy.nameStart, policy.nameLength, owner),
  );
  watch.errorMillionths =
    has & FaultStopWhenHas.upstreamErrorsAbove_ ? given.upstreamErrorsAboveMillionths : u32.MAX_VALUE;
  watch.coolDownNs = given.coolDownNs;
  if (has & FaultStopWhenHas.requestsBelow_) {
    enterField(STOP_WHEN.start, STOP_WHEN.length);
    if (!readRate(given.requestsBelowStart, given.requestsBelowLength)) return false;
    leave();
    watch.least = requests;
    watch.perNs = perNs;
  }
  beginWatch(watch);
  fault.watch = watch;
  return true;
}
