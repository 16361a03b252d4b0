// From the configuration's records to the plan. Configure only; what the schema cannot say is refused here.

import { ensureArena } from "../../assembly/abi/arena";
import { addPolicy, AttachTable, finishTable, newAttachTable } from "../../assembly/attach/table";
import { findByte, literal } from "../../assembly/bytes";
import { allocate } from "../../assembly/config/blocks";
import { byteOf } from "../../assembly/config/json";
import { itemAt } from "../../assembly/config/records";
import { enterField, enterIndex, leave, refuse, sayNumber, sayText } from "../../assembly/config/refusal";
import { takeToken, token } from "../../assembly/explain/configure";
import { stableHash } from "../../assembly/hash";
import { compileMatches, readsHeaders } from "../../assembly/match/compile";
import { useIstioLabels } from "../../assembly/metrics";
import { buildByteSet, byteSetSize, ByteString } from "../../assembly/set";
import { ensureStreams } from "../../assembly/streams";
import { makeCounters } from "./counters";
import { MIN_SPACING, spacingNs, toleranceFits } from "./gcra";
import {
  RateLimit,
  RateLimitConfig,
  RateLimitConfigLabelEncodingIs,
  RateLimitHas,
  RateLimitKeyPart,
  RateLimitOnFullIs,
  RateLimitOverride,
  RateLimitOverrideHas,
  RateLimitPolicy,
  RateLimitPolicyHas,
  RateLimitResponseHas,
  RateLimitResponseRateLimitHeadersIs,
  RateLimitResponseRateLimitHeadersWhenIs,
} from "./generated/config";
import { Lease } from "./lease";
import {
  addBucket,
  addLabel,
  Bucket,
  findBucket,
  findLabel,
  LimitPlan,
  limitAt,
  Plan,
  PolicyPlan,
  policyAt,
  Rates,
  ratesAt,
  streams,
} from "./plan";
import { keysWith, levelFor, MAX_LEVEL } from "./pool";
import { Refusal } from "./refusals";
import { makeShown } from "./shown";
import { checkTemplates } from "./template";

const AT_SIGN: u32 = 64;

const POLICIES: ByteString = literal("policies");
const LIMITS: ByteString = literal("limits");
const OVERRIDES: ByteString = literal("overrides");
const REQUESTS: ByteString = literal("requests");
const BURST: ByteString = literal("burst");
const SHOW_KEYS: ByteString = literal("showKeys");
const VALUES: ByteString = literal("values");

/** The plan that is in force while a new one is built; its counters go on. */
let before: Plan | null = null;

/** Builds the plan; null: refused. */
export function buildPlan(config: RateLimitConfig, owner: u64, former: Plan | null): Plan | null {
  before = former;
  useIstioLabels(config.labels === RateLimitConfigLabelEncodingIs.istio_);
  const plan = changetype<Plan>(allocate(offsetof<Plan>()));
  if (!takeToken(config.explainTokenSha256Start, config.explainTokenSha256Length)) return null;
  plan.token = token;
  plan.config = config;
  plan.owner = owner;
  plan.policyCount = config.policiesCount;
  plan.policies = allocate(plan.policyCount * offsetof<PolicyPlan>());
  plan.attach = attachPolicies(config);
  makeBucketTable(plan);
  enterField(POLICIES.start, POLICIES.length);
  for (let i: u32 = 0; i < plan.policyCount; i++) {
    enterIndex(i);
    if (!planPolicy(plan, policyAt(plan, i), itemAt<RateLimitPolicy>(config.policiesStart, i))) return null;
    leave();
  }
  if (levelFor(keysWith(owner, plan.keys)) > MAX_LEVEL) {
    refuse(
      byteOf(policyAt(plan, 0).policy.nameStart),
      "the maxKeys of all keyed limits of the process sum up to ",
    );
    sayNumber(keysWith(owner, plan.keys));
    sayText("; at most 5242880: write a lower maxKeys where fewer keys are busy at once");
    return null;
  }
  leave();
  ensureArena((<usize>config.arenaKiB) << 10);
  if (plan.hasStreams) ensureStreams(streams, config.maxStreams);
  return plan;
}

function attachPolicies(config: RateLimitConfig): AttachTable {
  let total: u32 = 0;
  for (let i: u32 = 0; i < config.policiesCount; i++)
    total += 1 + itemAt<RateLimitPolicy>(config.policiesStart, i).attachCount;
  const table = newAttachTable(total);
  // The table wants the last policy first.
  for (let i = config.policiesCount; i > 0; i--) {
    const policy = itemAt<RateLimitPolicy>(config.policiesStart, i - 1);
    const isGiven = (policy.present & RateLimitPolicyHas.attach_) !== 0;
    addPolicy(table, i - 1, policy.attachStart, policy.attachCount, isGiven);
  }
  finishTable(table);
  return table;
}

/** Twice as many places as there can be buckets: one per limit and override. */
function makeBucketTable(plan: Plan): void {
  let most: u32 = 8;
  const config = plan.config;
  for (let i: u32 = 0; i < config.policiesCount; i++) {
    const policy = itemAt<RateLimitPolicy>(config.policiesStart, i);
    for (let l: u32 = 0; l < policy.limitsCount; l++)
      most += 1 + itemAt<RateLimit>(policy.limitsStart, l).overridesCount;
  }
  let places: u32 = 16;
  while (places < most << 1) places <<= 1;
  plan.mask = places - 1;
  plan.buckets = allocate(places << 2);
  plan.labelled = allocate(places << 2);
}

function planPolicy(plan: Plan, to: PolicyPlan, policy: RateLimitPolicy): bool {
  to.policy = policy;
  to.labelLength = <u32>(
    (findByte(policy.nameStart, policy.nameStart + policy.nameLength, AT_SIGN) - policy.nameStart)
  );
  to.limitCount = policy.limitsCount;
  to.limits = allocate(to.limitCount * offsetof<LimitPlan>());
  if (!planResponse(plan, to)) return false;
  const hasSeed = (policy.present & RateLimitPolicyHas.seed_) !== 0;
  const seed = hasSeed
    ? stableHash(policy.seedStart, policy.seedLength, plan.owner)
    : stableHash(policy.nameStart, policy.nameLength, plan.owner);
  enterField(LIMITS.start, LIMITS.length);
  for (let i: u32 = 0; i < to.limitCount; i++) {
    enterIndex(i);
    if (!planLimit(plan, to, limitAt(to, i), itemAt<RateLimit>(policy.limitsStart, i), seed)) return false;
    leave();
  }
  leave();
  return true;
}

function planResponse(plan: Plan, to: PolicyPlan): bool {
  to.status = 429;
  to.sendsIetf = true;
  const response = to.policy.response;
  to.response = response;
  if (response === null) return true;
  to.status = response.status;
  if (response.present & RateLimitResponseHas.rateLimitHeaders_) {
    to.sendsIetf = false;
    for (let i: u32 = 0; i < response.rateLimitHeadersCount; i++) {
      const kind = load<u8>(response.rateLimitHeadersStart + i);
      if (kind === RateLimitResponseRateLimitHeadersIs.ietf_) to.sendsIetf = true;
      if (kind === RateLimitResponseRateLimitHeadersIs.draft03_) to.sendsDraft03 = true;
    }
  }
  to.isAlways =
    response.when === RateLimitResponseRateLimitHeadersWhenIs.always_ && (to.sendsIetf || to.sendsDraft03);
  if (to.isAlways) plan.hasStreams = true;
  return checkTemplates(response);
}

function planLimit(plan: Plan, policy: PolicyPlan, to: LimitPlan, limit: RateLimit, seed: u64): bool {
  to.limit = limit;
  to.policy = policy;
  to.identity = stableHash(limit.nameStart, limit.nameLength, seed);
  to.isKeyed = limit.keyCount > 0;
  to.readsHeaders = needsHeaders(limit);
  to.enforce = limit.enforce;
  if (!limit.enforce) plan.hasShadow = true;
  to.mayEvict = limit.onFull === RateLimitOnFullIs.evict_;
  to.whenKeyMissing = limit.whenKeyMissing;
  to.label = stableHash(
    limit.nameStart,
    limit.nameLength,
    stableHash(policy.policy.nameStart, policy.labelLength, 0),
  );
  const former = before;
  let same: LimitPlan | null = null;
  if (former !== null) same = findLabel(former, to.label);
  makeCounters(to, same);
  if (limit.showKeys) {
    if (!to.isKeyed) {
      enterField(SHOW_KEYS.start, SHOW_KEYS.length);
      return refuse(byteOf(limit.nameStart), "the limit has no key");
    }
    to.shown = changetype<usize>(makeShown(to, same));
  }
  addLabel(plan, to);
  if (to.isKeyed) plan.keys += limit.maxKeys;
  compileMatches(limit.matchStart, limit.matchCount);
  to.rateCount = 1 + limit.overridesCount;
  to.rates = allocate(to.rateCount * offsetof<Rates>());
  const hasBurst = (limit.present & RateLimitHas.burst_) !== 0;
  const burst = hasBurst ? limit.burst : <i64>limit.requests;
  if (!setRates(plan, to, ratesAt(to, 0), limit.requests, limit.perNs, burst, byteOf(limit.nameStart)))
    return false;
  enterField(OVERRIDES.start, OVERRIDES.length);
  for (let i: u32 = 0; i < limit.overridesCount; i++) {
    enterIndex(i);
    if (!planOverride(plan, to, i + 1, itemAt<RateLimitOverride>(limit.overridesStart, i))) return false;
    leave();
  }
  leave();
  return true;
}

/** Whether a limit's condition, key, overrides or cost read the request's headers. */
function needsHeaders(limit: RateLimit): bool {
  if (limit.cost !== null || readsHeaders(limit.matchStart, limit.matchCount)) return true;
  for (let i: u32 = 0; i < limit.keyCount; i++)
    if (itemAt<RateLimitKeyPart>(limit.keyStart, i).sourceIp === null) return true;
  for (let i: u32 = 0; i < limit.overridesCount; i++) {
    const other = itemAt<RateLimitOverride>(limit.overridesStart, i);
    if (readsHeaders(other.matchStart, other.matchCount)) return true;
  }
  return false;
}

function planOverride(plan: Plan, to: LimitPlan, index: u32, other: RateLimitOverride): bool {
  const rates = ratesAt(to, index);
  const has = other.present;
  if (has & RateLimitOverrideHas.values_) {
    if (!to.isKeyed) {
      enterField(VALUES.start, VALUES.length);
      return refuse(byteOf(to.limit.nameStart), "the limit has no key; write `match` instead");
    }
    const block = allocate(byteSetSize(other.valuesCount));
    rates.values = buildByteSet(block, other.valuesStart, other.valuesCount);
  } else {
    compileMatches(other.matchStart, other.matchCount);
    rates.matchStart = other.matchStart;
    rates.matchCount = other.matchCount;
    rates.salt = index;
  }
  const perNs = has & RateLimitOverrideHas.per_ ? other.perNs : to.limit.perNs;
  const burst = has & RateLimitOverrideHas.burst_ ? other.burst : <i64>other.requests;
  return setRates(plan, to, rates, other.requests, perNs, burst, byteOf(to.limit.nameStart));
}

function setRates(
  plan: Plan,
  limit: LimitPlan,
  to: Rates,
  requests: i64,
  perNs: i64,
  burst: i64,
  byte: u32,
): bool {
  const spacing = spacingNs(requests, perNs);
  if (requests > perNs / MIN_SPACING) {
    enterField(REQUESTS.start, REQUESTS.length);
    return refuse(byte, "more than 1000000 requests per second");
  }
  if (!toleranceFits(burst, spacing)) {
    enterField(BURST.start, BURST.length);
    refuse(byte, "takes longer than 146 years to refill; at most ");
    sayNumber((((<i64>1) << 62) - 1) / spacing);
    sayText(" at this rate");
    return false;
  }
  to.limit = limit;
  to.spacing = spacing;
  to.burst = burst;
  if (!limit.isKeyed) to.bucket = bucketOf(plan, limit, to);
  return true;
}

/** The bucket of a limit without a key, or of its override by match; one for all entries of the same seed. */
function bucketOf(plan: Plan, limit: LimitPlan, rates: Rates): Bucket {
  const identity = limit.identity + <u64>rates.salt * 0x9e3779b97f4a7c15;
  const known = findBucket(plan, identity);
  if (known !== null) return known;
  const bucket = changetype<Bucket>(allocate(offsetof<Bucket>()));
  bucket.identity = identity;
  bucket.slot = -1;
  bucket.spacing = rates.spacing;
  bucket.burst = rates.burst;
  bucket.ownSpacing = rates.spacing;
  bucket.ownBurst = rates.burst;
  bucket.lease = changetype<Lease>(allocate(offsetof<Lease>()));
  bucket.refusal = changetype<Refusal>(allocate(offsetof<Refusal>()));
  addBucket(plan, bucket);
  return bucket;
}
