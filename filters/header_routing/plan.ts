// What configuring makes of the policies: destinations ready to be chosen and counted, sets and ranges ready to be
// searched, policies found by route. Configure only; the request path reads what is built here.

import { ensureArena } from "../../assembly/abi/arena";
import { addPolicy, AttachTable, finishTable, newAttachTable } from "../../assembly/attach/table";
import { beginName, findMetric, label, Metric, useIstioLabels } from "../../assembly/metrics";
import { takeToken, token } from "../../assembly/explain/configure";
import { allocate } from "../../assembly/config/blocks";
import { itemAt } from "../../assembly/config/records";
import { enterField, enterIndex, refuse } from "../../assembly/config/refusal";
import { byteOf } from "../../assembly/config/json";
import { compileMatches, readsHeaders } from "../../assembly/match/compile";
import { choiceSeed, destinationId } from "../../assembly/rendezvous";
import { findByte, literal, writeBytes, writeDecimal } from "../../assembly/bytes";
import { ensureStreams, STREAM_TABLE_SIZE, StreamTable } from "../../assembly/streams";
import { ByteString } from "../../assembly/set";
import {
  Destination,
  DestinationHas,
  HeaderChange,
  HeaderRoutingConfig,
  HeaderRoutingConfigLabelEncodingIs,
  HeaderRoutingPolicy,
  HeaderRoutingPolicyHas,
  HeaderRoutingRule,
  WeightedDestination,
} from "./generated/config";

/** The whole configuration. */
@unmanaged
export class Plan {
  attachments: AttachTable;
  /** Bytes of the arena that a request may take. */
  arenaSize: usize;
  /** PolicyPlan, one per policy. */
  policies: usize;
  /** See assembly/explain/token.ts; 0: nobody is told anything. */
  token: usize;
}


@unmanaged
export class PolicyPlan {
  /** HeaderRoutingRule and RulePlan, of the same order. */
  rules: usize;
  plans: usize;
  ruleCount: u32;
  inherit: bool;
  /** Whether a rule's condition, or what keeps clients where they are, reads the request's headers. */
  readsHeaders: bool;
  seed: u64;
  nameStart: usize;
  nameLength: u32;
}


@unmanaged
export class RulePlan {
  /** Choice, one per destination. */
  choices: usize;
  choiceCount: u32;
  request: HeaderChange | null;
  response: HeaderChange | null;
  /** For the cookie that is set: the text after its value, such as `; Max-Age=60; Path=/; HttpOnly`. */
  cookieEnd: usize;
  cookieEndLength: u32;
}

/** A destination; it begins as assembly/rendezvous.ts wants its choices. */
@unmanaged
export class Choice {
  id: u64;
  weight: u32;
  nameLength: u32;
  nameStart: usize;
  metric: Metric;
}

/** Streams whose response is to be changed. */
export const streams: StreamTable = changetype<StreamTable>(memory.data(STREAM_TABLE_SIZE, 4));

const POLICIES: ByteString = literal("policies");
const RULES: ByteString = literal("rules");
const DESTINATIONS: ByteString = literal("destinations");

/** Builds the plan; null: refused. */
export function buildPlan(config: HeaderRoutingConfig): Plan | null {
  useIstioLabels(config.labels === HeaderRoutingConfigLabelEncodingIs.istio_);
  const plan = changetype<Plan>(allocate(offsetof<Plan>()));
  if (!takeToken(config.explainTokenSha256Start, config.explainTokenSha256Length)) return null;
  plan.token = token;
  const count = config.policiesCount;
  plan.policies = allocate(count * offsetof<PolicyPlan>());
  plan.attachments = newAttachTable(attachmentCount(config));
  let needsStreams = false;
  // The table wants the last policy first.
  for (let i = count; i > 0; i--) {
    const policy = itemAt<HeaderRoutingPolicy>(config.policiesStart, i - 1);
    const has = policy.present;
    const isGiven = (has & HeaderRoutingPolicyHas.attach_) !== 0;
    addPolicy(plan.attachments, i - 1, policy.attachStart, policy.attachCount, isGiven);
  }
  finishTable(plan.attachments);
  for (let i: u32 = 0; i < count; i++) {
    const policy = itemAt<HeaderRoutingPolicy>(config.policiesStart, i);
    const to = itemAt<PolicyPlan>(plan.policies, i);
    planPolicy(policy, to);
    for (let r: u32 = 0; r < policy.rulesCount; r++) {
      const rule = itemAt<HeaderRoutingRule>(policy.rulesStart, r);
      const rulePlan = itemAt<RulePlan>(to.plans, r);
      if (hasNoWeight(rule, rulePlan)) return refuseWeights(i, r, rule);
      if (rulePlan.response !== null || rulePlan.cookieEnd !== 0) needsStreams = true;
    }
  }
  plan.arenaSize = (<usize>config.arenaKiB) << 10;
  ensureArena(plan.arenaSize);
  if (needsStreams) ensureStreams(streams, config.maxStreams);
  return plan;
}

function attachmentCount(config: HeaderRoutingConfig): u32 {
  let count: u32 = 0;
  for (let i: u32 = 0; i < config.policiesCount; i++)
    count += 1 + itemAt<HeaderRoutingPolicy>(config.policiesStart, i).attachCount;
  return count;
}

function planPolicy(policy: HeaderRoutingPolicy, to: PolicyPlan): void {
  const hasSeed = (policy.present & HeaderRoutingPolicyHas.seed_) !== 0;
  to.rules = policy.rulesStart;
  to.ruleCount = policy.rulesCount;
  to.plans = allocate(policy.rulesCount * offsetof<RulePlan>());
  to.inherit = policy.inherit;
  to.nameStart = policy.nameStart;
  to.nameLength = policy.nameLength;
  to.seed = hasSeed
    ? choiceSeed(policy.seedStart, policy.seedLength)
    : choiceSeed(policy.nameStart, policy.nameLength);
  for (let i: u32 = 0; i < policy.rulesCount; i++)
    planRule(to, itemAt<HeaderRoutingRule>(policy.rulesStart, i), itemAt<RulePlan>(to.plans, i));
}

function planRule(policy: PolicyPlan, rule: HeaderRoutingRule, to: RulePlan): void {
  compileMatches(rule.matchStart, rule.matchCount);
  const sticky = rule.stickyBy;
  if ((sticky !== null && sticky.sourceIp === null) || readsHeaders(rule.matchStart, rule.matchCount))
    policy.readsHeaders = true;
  const headers = rule.headers;
  if (headers !== null) {
    to.request = headers.request;
    to.response = headers.response;
  }
  planCookie(rule, to);
  const single = rule.destination;
  to.choiceCount = single !== null ? 1 : rule.destinationsCount;
  to.choices = allocate(to.choiceCount * offsetof<Choice>());
  for (let i: u32 = 0; i < to.choiceCount; i++) {
    const choice = itemAt<Choice>(to.choices, i);
    if (single !== null) {
      nameChoice(choice, single);
      choice.weight = 1;
    } else {
      const weighted = itemAt<WeightedDestination>(rule.destinationsStart, i);
      // The first fields of both records are the same.
      nameChoice(choice, changetype<Destination>(changetype<usize>(weighted)));
      choice.weight = <u32>weighted.weight;
    }
    choice.id = destinationId(choice.nameStart, choice.nameLength);
    nameMetric(policy, rule, choice);
    choice.metric = findMetric();
  }
}

/** `subset`, `host`, `host:port`, `host/subset`, `host:port/subset`: the parts that are given. */
function nameChoice(choice: Choice, destination: Destination): void {
  const has = destination.present;
  const start = allocate(destination.hostLength + destination.subsetLength + 8);
  let at = writeBytes(start, destination.hostStart, destination.hostLength);
  if (has & DestinationHas.port_) {
    store<u8>(at, 58);
    at = writeDecimal(at + 1, destination.port);
  }
  if (at > start && (has & DestinationHas.subset_) !== 0) {
    store<u8>(at, 47);
    at += 1;
  }
  at = writeBytes(at, destination.subsetStart, destination.subsetLength);
  choice.nameStart = start;
  choice.nameLength = <u32>(at - start);
}

/** Builds the name of the metric that counts a choice. */
export function nameMetric(policy: PolicyPlan, rule: HeaderRoutingRule, choice: Choice): void {
  beginName("sluice_route_choices_total");
  // `ns/name@gateway` is an entry of `ns/name`: one policy attached at several places is counted as one.
  const end = findByte(policy.nameStart, policy.nameStart + policy.nameLength, 64);
  label("policy", policy.nameStart, <u32>(end - policy.nameStart));
  label("rule", rule.nameStart, rule.nameLength);
  label("destination", choice.nameStart, choice.nameLength);
}

const MAX_AGE: ByteString = literal("; Max-Age=");
const ATTRIBUTES: ByteString = literal("; Path=/; HttpOnly");

function planCookie(rule: HeaderRoutingRule, to: RulePlan): void {
  const sticky = rule.stickyBy;
  if (sticky === null) return;
  const cookie = sticky.cookie;
  if (cookie === null) return;
  const start = allocate(MAX_AGE.length + ATTRIBUTES.length + 20);
  let at = start;
  if (cookie.ttlNs > 0) {
    at = writeBytes(at, MAX_AGE.start, MAX_AGE.length);
    // Whole seconds, rounded up: a cookie of 1 ms is not one of the session.
    at = writeDecimal(at, (<u64>cookie.ttlNs + 999_999_999) / 1_000_000_000);
  }
  at = writeBytes(at, ATTRIBUTES.start, ATTRIBUTES.length);
  to.cookieEnd = start;
  to.cookieEndLength = <u32>(at - start);
}

function hasNoWeight(rule: HeaderRoutingRule, plan: RulePlan): bool {
  for (let i: u32 = 0; i < plan.choiceCount; i++)
    if (itemAt<Choice>(plan.choices, i).weight > 0) return false;
  return rule.destinationsCount > 0;
}

function refuseWeights(policy: u32, index: u32, rule: HeaderRoutingRule): Plan | null {
  enterField(POLICIES.start, POLICIES.length);
  enterIndex(policy);
  enterField(RULES.start, RULES.length);
  enterIndex(index);
  enterField(DESTINATIONS.start, DESTINATIONS.length);
  refuse(byteOf(rule.nameStart - 1), "all weights are 0");
  return null;
}
