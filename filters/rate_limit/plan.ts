// What the configuration becomes: limits with their rates, buckets and counters, in the configuration's memory.

import { AttachTable } from "../../assembly/attach/table";
import { ByteSet } from "../../assembly/set";
import { STREAM_TABLE_SIZE, StreamTable } from "../../assembly/streams";
import { RateLimit, RateLimitConfig, RateLimitPolicy, RateLimitResponse } from "./generated/config";
import { Lease } from "./lease";
import { Refusal } from "./refusals";

/** Streams that are let through, and whose response says what is left. */
export const streams: StreamTable = changetype<StreamTable>(memory.data(STREAM_TABLE_SIZE, 4));

/** Everything that one configuration of one plugin needs. */
@unmanaged
export class Plan {
  config: RateLimitConfig;
  attach: AttachTable;
  /** PolicyPlan, one per policy. */
  policies: usize;
  /** See assembly/explain/token.ts; 0: nobody is told anything. */
  token: usize;
  policyCount: u32;
  /** Of the plugin: its root id and name. */
  owner: u64;
  /** Of the configuration's text; says in the marker which configuration is the newest. */
  version: u64;
  /** When to look whether this configuration is the newest after all; 0: it is, or was overtaken. */
  recheckAt: i64;
  /** There are 2^level pages in the pool, as last seen; below 0: none. */
  level: i32;
  /** Sum of maxKeys. */
  keys: u64;
  /** Buckets by identity, and limits by the hash of their label: open addressing, `mask` + 1 pointers each. */
  buckets: usize;
  labelled: usize;
  mask: u32;
  /** Whether any answer carries headers that are only known at its end. */
  hasStreams: bool;
  /** Whether any limit only counts. */
  hasShadow: bool;
}


@unmanaged
export class PolicyPlan {
  policy: RateLimitPolicy;
  response: RateLimitResponse | null;
  /** LimitPlan, one per limit. */
  limits: usize;
  limitCount: u32;
  status: u32;
  /** The name that is shown ends before "@", which tells apart entries of one policy. */
  labelLength: u32;
  sendsIetf: bool;
  sendsDraft03: bool;
  isAlways: bool;
}


@unmanaged
export class LimitPlan {
  /** Of policy and limit as metrics show them. The first field, as the table wants it. */
  label: u64;
  limit: RateLimit;
  policy: PolicyPlan;
  /** Of plugin, seed and name. */
  identity: u64;
  isKeyed: bool;
  /** Whether its decision needs anything of the request's headers. */
  readsHeaders: bool;
  enforce: bool;
  mayEvict: bool;
  whenKeyMissing: u8;
  /** Rates: the limit's own, then one per override. */
  rates: usize;
  rateCount: u32;
  /** Metric, one per counter of counters.ts. */
  counters: usize;
  /** Shown, the keys that it refuses; 0: they are not shown. */
  shown: usize;
}


@unmanaged
export class Rates {
  limit: LimitPlan;
  spacing: i64;
  burst: i64;
  /** Overrides by value: the values. */
  values: ByteSet | null;
  /** Overrides by match. */
  matchStart: usize;
  matchCount: u32;
  /** Tells apart the buckets of overrides by match; 0 for all else. */
  salt: u32;
  /** Limits without a key: the bucket. */
  bucket: Bucket | null;
}

/** A limit's bucket as this worker knows it, where there is no key. */
@unmanaged
export class Bucket {
  /** The first field, as the table wants it. */
  identity: u64;
  /** Number of the cell; -1: the directory has none. */
  slot: i32;
  lease: Lease;
  refusal: Refusal;
  /** The cell's TAT and rates as last seen, for headers on answers that the lease has let through. */
  seenTat: i64;
  spacing: i64;
  burst: i64;
  /** The rates of this configuration. */
  ownSpacing: i64;
  ownBurst: i64;
}

/** The record in a table of plan.mask + 1 pointers whose first field is `hash`; 0: there is none. */
function find(plan: Plan, table: usize, hash: u64): usize {
  let place = (<u32>hash) & plan.mask;
  let record = load<usize>(table + (place << 2));
  while (record !== 0 && load<u64>(record) !== hash) {
    place = (place + 1) & plan.mask;
    record = load<usize>(table + (place << 2));
  }
  return record;
}

/** Configure only; the table has room. */
function add(plan: Plan, table: usize, record: usize): void {
  let place = (<u32>load<u64>(record)) & plan.mask;
  while (load<usize>(table + (place << 2)) !== 0) place = (place + 1) & plan.mask;
  store<usize>(table + (place << 2), record);
}

/** The bucket of this identity; null: the configuration has none. */
export function findBucket(plan: Plan, identity: u64): Bucket | null {
  return changetype<Bucket | null>(find(plan, plan.buckets, identity));
}

/** Configure only. */
export function addBucket(plan: Plan, bucket: Bucket): void {
  add(plan, plan.buckets, changetype<usize>(bucket));
}

/** The limit of this label; null: the configuration has none. */
export function findLabel(plan: Plan, label: u64): LimitPlan | null {
  return changetype<LimitPlan | null>(find(plan, plan.labelled, label));
}

/** Configure only. */
export function addLabel(plan: Plan, limit: LimitPlan): void {
  add(plan, plan.labelled, changetype<usize>(limit));
}

/** The bucket at a place of the table; null: the place is free. */
// @ts-ignore: decorator
@inline
export function bucketAt(plan: Plan, place: u32): Bucket | null {
  return changetype<Bucket | null>(load<usize>(plan.buckets + (place << 2)));
}

// @ts-ignore: decorator
@inline
export function policyAt(plan: Plan, index: u32): PolicyPlan {
  return changetype<PolicyPlan>(plan.policies + index * offsetof<PolicyPlan>());
}

// @ts-ignore: decorator
@inline
export function limitAt(policy: PolicyPlan, index: u32): LimitPlan {
  return changetype<LimitPlan>(policy.limits + index * offsetof<LimitPlan>());
}

// @ts-ignore: decorator
@inline
export function ratesAt(limit: LimitPlan, index: u32): Rates {
  return changetype<Rates>(limit.rates + index * offsetof<Rates>());
}
