// From the configuration's records to the plan. Configure only; what the schema cannot say is refused here.

import { ensureArena } from "../../assembly/abi/arena";
import { NO_GRPC_STATUS } from "../../assembly/abi/hostcalls";
import { PLUGIN_NAME, PLUGIN_ROOT_ID, readProperty } from "../../assembly/abi/property";
import { addPolicy, AttachTable, finishTable, newAttachTable } from "../../assembly/attach/table";
import { findByte, literal, writeBytes } from "../../assembly/bytes";
import { allocate } from "../../assembly/config/blocks";
import { itemAt } from "../../assembly/config/records";
import { enterField, enterIndex, leave } from "../../assembly/config/refusal";
import { stableHash } from "../../assembly/hash";
import { compileMatches } from "../../assembly/match/compile";
import { choiceSeed } from "../../assembly/rendezvous";
import { ByteString } from "../../assembly/set";
import { findActive } from "./active";
import { FAULT_HEADER } from "./answer";
import { findActiveGauge, findCounters, TYPES } from "./counters";
import {
  Fault,
  FaultAbort,
  FaultAbortHas,
  FaultConfig,
  FaultPolicy,
  FaultPolicyHas,
  FaultStopWhen,
  FaultStopWhenHas,
} from "./generated/config";
import { ensureHeld } from "./held";
import { AbortPlan, CONTROL_NAME, FaultPlan, faultAt, Plan, PolicyPlan } from "./plan";
import { buildDelay, buildSchedule, perNs, readRate, requests } from "./terms";
import { beginWatch, Watch } from "./watch";

const AT_SIGN: u32 = 64;

const POLICIES: ByteString = literal("policies");
const FAULTS: ByteString = literal("faults");
const DELAY: ByteString = literal("delay");
const SCHEDULE: ByteString = literal("schedule");
const STOP_WHEN: ByteString = literal("stopWhen");
const CONTENT_TYPE: ByteString = literal("content-type");
const ABORT_BODY: ByteString = literal("fault filter abort");
const CONTROL: ByteString = literal(CONTROL_NAME);

let needsStreams: bool = false;
let owner: u64 = 0;

/** Builds the plan; null: refused. */
export function buildPlan(config: FaultConfig, root: u32): Plan | null {
  const plan = changetype<Plan>(allocate(offsetof<Plan>()));
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

/** Policies of two plugins are different ones, whatever they are called. */
function pluginIdentity(): u64 {
  const text = changetype<ByteString>(memory.data(8, 4));
  readProperty(PLUGIN_ROOT_ID, text);
  const root = stableHash(text.start, text.length, 0);
  readProperty(PLUGIN_NAME, text);
  return stableHash(text.start, text.length, root);
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


@unmanaged
class NamedText {
  name: usize;
  nameLength: u32;
  value: usize;
  valueLength: u32;
}

/** Null: the answer of a caller's fault, whose status comes with the request. */
function planAbort(fault: FaultPlan, given: FaultAbort | null): AbortPlan {
  const to = changetype<AbortPlan>(allocate(offsetof<AbortPlan>()));
  to.grpcStatus = NO_GRPC_STATUS;
  to.bodyStart = ABORT_BODY.start;
  to.bodyLength = ABORT_BODY.length;
  if (given !== null) {
    const has = given.present;
    to.status = has & FaultAbortHas.httpStatus_ ? given.httpStatus : 200;
    if (has & FaultAbortHas.grpcStatus_) to.grpcStatus = given.grpcStatus;
    else if (has & FaultAbortHas.grpcCode_) to.grpcStatus = given.grpcCode;
    to.bodyStart = given.bodyStart;
    to.bodyLength = given.bodyLength;
  }
  writeHeaders(fault, given, to);
  return to;
}

let pairsAt: usize = 0;
let textsAt: usize = 0;

/** The answer's headers in the host's form: assembly/request/view.ts draws it. */
function writeHeaders(fault: FaultPlan, given: FaultAbort | null, to: AbortPlan): void {
  const showsHeader = fault.policy.showsHeader;
  const own: u32 = given === null ? 0 : given.headersCount;
  const hasType = given !== null && given.contentTypeLength > 0;
  const count = own + u32(hasType) + u32(showsHeader);
  if (count === 0) return;
  let size: usize = 4 + <usize>count * 10;
  if (showsHeader) size += FAULT_HEADER.length + fault.titleLength;
  if (given !== null) {
    size += CONTENT_TYPE.length + given.contentTypeLength;
    for (let i: u32 = 0; i < own; i++) {
      const header = itemAt<NamedText>(given.headersStart, i);
      size += header.nameLength + header.valueLength;
    }
  }
  to.headersStart = allocate(size);
  store<u32>(to.headersStart, count);
  pairsAt = to.headersStart + 4;
  textsAt = pairsAt + ((<usize>count) << 3);
  if (showsHeader) pair(FAULT_HEADER.start, FAULT_HEADER.length, fault.titleStart, fault.titleLength);
  if (given !== null && hasType)
    pair(CONTENT_TYPE.start, CONTENT_TYPE.length, given.contentTypeStart, given.contentTypeLength);
  if (given !== null)
    for (let i: u32 = 0; i < own; i++) {
      const header = itemAt<NamedText>(given.headersStart, i);
      pair(header.name, header.nameLength, header.value, header.valueLength);
    }
  to.headersLength = <u32>(textsAt - to.headersStart);
}

/** Blocks are zeroed: the byte after each text is the 0 that ends it. */
function pair(name: usize, nameLength: u32, value: usize, valueLength: u32): void {
  store<u32>(pairsAt, nameLength);
  store<u32>(pairsAt, valueLength, 4);
  pairsAt += 8;
  textsAt = writeBytes(textsAt, name, nameLength) + 1;
  textsAt = writeBytes(textsAt, value, valueLength) + 1;
}
