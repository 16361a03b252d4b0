// What configuring makes of the policies: their dimensions with their lists of values, found by route. Configure
// only; the end of a request reads what is built here.

import { ensureArena } from "../../assembly/abi/arena";
import { addPolicy, AttachTable, finishTable, HOST, newAttachTable } from "../../assembly/attach/table";
import { findByte, literal } from "../../assembly/bytes";
import { allocate } from "../../assembly/config/blocks";
import { byteOf } from "../../assembly/config/json";
import { itemAt } from "../../assembly/config/records";
import { enterField, enterIndex, refuse } from "../../assembly/config/refusal";
import { stableHash } from "../../assembly/hash";
import { useIstioLabels } from "../../assembly/metrics";
import { ByteString } from "../../assembly/set";
import {
  Dimension,
  DimensionHas,
  MetricsConfig,
  MetricsConfigLabelEncodingIs,
  MetricsPolicy,
  MetricsPolicyHas,
  MetricsPolicyMetricNamesIs,
} from "./generated/config";
import { isKnownLabel, readKnownLabels } from "./known";
import { ISTIO_NAMES, isTakenLabel, OTEL_NAMES, reservedIn, SLUICE_NAMES } from "./reserved";
import { DURATIONS, ensureSeries, ensureTable, ISTIO, OTEL, REQUESTS } from "./series";
import { newValueList, ValueList } from "./values";

/** The whole configuration. */
@unmanaged
export class Plan {
  attachments: AttachTable;
  /** Bytes of the arena that a request may take. */
  arenaSize: usize;
  /** PolicyPlan, one per policy. */
  policies: usize;
  /** Policies are found by host, so that headers are read first. */
  isByHost: bool;
}

/** Label sets per metric where no policy says otherwise. */
export const DEFAULT_MAX_SERIES: u32 = 10_000;


@unmanaged
export class PolicyPlan {
  /** DimensionPlan. */
  dimensions: usize;
  dimensionCount: u32;
  /** Bits, see reserved.ts. */
  names: u32;
  maxSeries: u32;
  inherit: bool;
}

/** Kinds of sources. From HEADER to GRPC_STATUS they need the request's headers. */
export const HEADER: u32 = 0;
export const QUERY_PARAM: u32 = 1;
export const COOKIE: u32 = 2;
export const PATH: u32 = 3;
export const METHOD: u32 = 4;
export const GRPC_STATUS: u32 = 5;
export const RESPONSE_HEADER: u32 = 6;
export const RESPONSE_FLAGS: u32 = 7;


@unmanaged
export class DimensionPlan {
  nameHash: u64;
  nameStart: usize;
  nameLength: u32;
  source: u32;
  declared: Dimension;
  values: ValueList;
  /** The names, as bits, under which metrics have a label of this name. */
  reserved: u32;
  /** Envoy has no rule for this label: it goes into `dimensions`. */
  isUnknown: bool;
}

const POLICIES: ByteString = literal("policies");
const DIMENSIONS: ByteString = literal("dimensions");
const NAME: ByteString = literal("name");

/** Builds the plan; null: refused. */
export function buildPlan(config: MetricsConfig): Plan | null {
  useIstioLabels(config.labels === MetricsConfigLabelEncodingIs.istio_);
  const plan = changetype<Plan>(allocate(offsetof<Plan>()));
  const count = config.policiesCount;
  let maxSeries = DEFAULT_MAX_SERIES;
  let names: u32 = 0;
  // What is refused leaves nothing behind: after this nothing is.
  for (let i: u32 = 0; i < count; i++)
    if (!namesAreLabels(itemAt<MetricsPolicy>(config.policiesStart, i), i)) return null;
  plan.policies = allocate(count * offsetof<PolicyPlan>());
  plan.attachments = newAttachTable(attachmentCount(config));
  // The table wants the last policy first.
  for (let i = count; i > 0; i--) {
    const policy = itemAt<MetricsPolicy>(config.policiesStart, i - 1);
    const isGiven = (policy.present & MetricsPolicyHas.attach_) !== 0;
    addPolicy(plan.attachments, i - 1, policy.attachStart, policy.attachCount, isGiven);
  }
  finishTable(plan.attachments);
  plan.isByHost = plan.attachments.kinds >> HOST !== 0;
  plan.arenaSize = (<usize>config.arenaKiB) << 10;
  ensureArena(plan.arenaSize);
  readKnownLabels();
  for (let i: u32 = 0; i < count; i++) {
    const policy = itemAt<MetricsPolicy>(config.policiesStart, i);
    const to = itemAt<PolicyPlan>(plan.policies, i);
    planPolicy(policy, to);
    maxSeries = max(maxSeries, to.maxSeries);
    names |= to.names;
  }
  ensureSeries(REQUESTS, maxSeries);
  ensureSeries(DURATIONS, maxSeries);
  if (names & ISTIO_NAMES) ensureSeries(ISTIO, maxSeries);
  if (names & OTEL_NAMES) ensureSeries(OTEL, maxSeries);
  ensureTable();
  return plan;
}

function attachmentCount(config: MetricsConfig): u32 {
  let count: u32 = 0;
  for (let i: u32 = 0; i < config.policiesCount; i++)
    count += 1 + itemAt<MetricsPolicy>(config.policiesStart, i).attachCount;
  return count;
}

function planPolicy(policy: MetricsPolicy, to: PolicyPlan): void {
  to.inherit = policy.inherit;
  to.maxSeries = policy.maxSeries;
  to.names = policy.namesCount === 0 ? SLUICE_NAMES : 0;
  for (let i: u32 = 0; i < policy.namesCount; i++) {
    const name = <u32>load<u8>(policy.namesStart + i);
    if (name === MetricsPolicyMetricNamesIs.istio_) to.names |= ISTIO_NAMES;
    else to.names |= name === MetricsPolicyMetricNamesIs.otel_ ? OTEL_NAMES : SLUICE_NAMES;
  }
  to.dimensionCount = policy.dimensionsCount;
  to.dimensions = allocate(to.dimensionCount * offsetof<DimensionPlan>());
  // `ns/name@gateway` is an entry of `ns/name`: one policy attached at several places has one list of values.
  const end = findByte(policy.nameStart, policy.nameStart + policy.nameLength, 64);
  const owner = stableHash(policy.nameStart, <u32>(end - policy.nameStart), 3);
  for (let i: u32 = 0; i < to.dimensionCount; i++)
    planDimension(
      owner,
      itemAt<Dimension>(policy.dimensionsStart, i),
      itemAt<DimensionPlan>(to.dimensions, i),
    );
}

function planDimension(owner: u64, declared: Dimension, to: DimensionPlan): void {
  to.declared = declared;
  to.source = sourceOf(declared);
  to.nameStart = declared.nameStart;
  to.nameLength = declared.nameLength;
  to.nameHash = stableHash(to.nameStart, to.nameLength, 4);
  to.isUnknown = !isKnownLabel(to.nameStart, to.nameLength);
  to.reserved = reservedIn(to.nameStart, to.nameLength);
  const key = stableHash(to.nameStart, to.nameLength, owner);
  to.values = newValueList(key, declared.valuesStart, declared.valuesCount, declared.maxValues);
}

function sourceOf(declared: Dimension): u32 {
  const given = declared.present;
  if (given & DimensionHas.header_) return HEADER;
  if (given & DimensionHas.queryParam_) return QUERY_PARAM;
  if (given & DimensionHas.cookie_) return COOKIE;
  if (given & DimensionHas.path_) return PATH;
  if (given & DimensionHas.method_) return METHOD;
  if (given & DimensionHas.grpcStatus_) return GRPC_STATUS;
  return given & DimensionHas.responseHeader_ ? RESPONSE_HEADER : RESPONSE_FLAGS;
}

/** Prometheus takes letters, digits and underscores; the labels that the metrics have already are not free. */
function namesAreLabels(policy: MetricsPolicy, index: u32): bool {
  for (let i: u32 = 0; i < policy.dimensionsCount; i++) {
    const dimension = itemAt<Dimension>(policy.dimensionsStart, i);
    const isForm = isLabel(dimension.nameStart, dimension.nameLength);
    if (isForm && !isTakenLabel(dimension.nameStart, dimension.nameLength)) continue;
    enterField(POLICIES.start, POLICIES.length);
    enterIndex(index);
    enterField(DIMENSIONS.start, DIMENSIONS.length);
    enterIndex(i);
    enterField(NAME.start, NAME.length);
    const byte = byteOf(dimension.nameStart - 1);
    if (isForm) refuse(byte, "the metrics have a label of this name already");
    else refuse(byte, "a label has letters, digits and underscores only, and a letter first");
    return false;
  }
  return true;
}

function isLabel(start: usize, length: u32): bool {
  for (let i: u32 = 0; i < length; i++) {
    const byte = <u32>load<u8>(start + i);
    const isLetter = (byte | 32) - 97 < 26;
    const isFurther = byte - 48 < 10 || byte === 95;
    if (!isLetter && (i === 0 || !isFurther)) return false;
  }
  return length > 0;
}
