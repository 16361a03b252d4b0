// A record of what a module decides, and why, for requests that are explained (explain/) and for hosts that ask for it:
// `sluice explain` and tests. Off by default: a decision then costs one look at a global. Envoy never calls
// sluice_trace, which is no callback.
//
// The ring:    0 capacity u32 | 4 records written so far u32 | 8 records
// One record:  0 stream u32 | 4 kind u16 | 6 part u16 | 8 policy u32 | 12 rule u32 | 16 entry u32 | 20 condition u32
//              | 24 outcome u32 | 28 reason u32
// Policies, rules (limits, faults), entries of a rule's match and conditions of an entry are counted from 0, in the
// order of the configuration; conditions in the order of requestMatches. host/trace.ts reads this.

const HEADER: usize = 8;
const RECORD: usize = 32;

/** Kinds of records. */
export const CONDITION: u32 = 1;
export const RULE: u32 = 2;
export const CHOICE: u32 = 3;
export const LIMIT: u32 = 4;
export const FAULT: u32 = 5;

/** Why a destination was chosen. */
export const NO_DESTINATION: u32 = 0;
export const ONLY_ONE: u32 = 1;
export const DRAWN: u32 = 2;
export const BY_HEADER: u32 = 3;
export const BY_COOKIE: u32 = 4;
export const BY_NEW_COOKIE: u32 = 5;
export const BY_SOURCE: u32 = 6;

/** Why a limit decided so. */
export const BY_BUCKET: u32 = 0;
export const KEY_MISSING: u32 = 1;
export const COST_ABOVE_BURST: u32 = 2;

/** Who asked for a fault. */
export const BY_FAULT: u32 = 0;
export const BY_CALLER: u32 = 1;

/** In place of an index. */
export const NONE: u32 = 0xffffffff;

/** Whether decisions are recorded. */
export let isTracing: bool = false;

let ring: usize = 0;
let stream: u32 = 0;
let part: u32 = 0;

let isAsking: bool = false;
let policy: u32 = 0;
let rule: u32 = 0;
let entry: u32 = 0;
let condition: u32 = 0;
let allHold: bool = false;

/** Called by a host, never by a callback: begins to record into a ring of so many records. Returns its address. */
export function sluice_trace(capacity: u32): usize {
  const size = HEADER + <usize>capacity * RECORD;
  if (ring !== 0) heap.free(ring);
  ring = heap.alloc(size);
  memory.fill(ring, 0, size);
  store<u32>(ring, capacity);
  isTracing = capacity > 0;
  return ring;
}

/** A record, as drawn above. */
@unmanaged
export class TraceRecord {
  stream: u32;
  kind: u16;
  part: u16;
  policy: u32;
  rule: u32;
  entry: u32;
  condition: u32;
  outcome: u32;
  reason: u32;
}

/** Configure only. There is a ring, of at least so many records if none was there. */
export function ensureRing(capacity: u32): void {
  if (ring !== 0 && load<u32>(ring) > 0) return;
  sluice_trace(capacity);
  isTracing = false;
}

let wasTracing: bool = false;
let begun: u32 = 0;

/** Records what is decided until endRecording, whether a host has switched the trace on or not. */
export function beginRecording(): void {
  wasTracing = isTracing;
  isTracing = true;
  begun = load<u32>(ring, 4);
}

export function endRecording(): void {
  isTracing = wasTracing;
}

/** The next records are those of interest. */
export function skipRecords(): void {
  begun = load<u32>(ring, 4);
}

/** Number of the first record since beginRecording or skipRecords that the ring still has. */
export function firstRecord(): u32 {
  const written = load<u32>(ring, 4);
  const capacity = load<u32>(ring);
  return written - begun > capacity ? written - capacity : begun;
}

/** Number of the record that will be written next. */
export function nextRecord(): u32 {
  return load<u32>(ring, 4);
}

export function recordAt(number: u32): TraceRecord {
  return changetype<TraceRecord>(ring + HEADER + <usize>(number % load<u32>(ring)) * RECORD);
}

/** In a module of several parts: whose records follow. */
export function tracePart(which: u32): void {
  part = which << 16;
}

/** A stream's request is decided on; its records follow. */
export function traceStream(id: u32): void {
  stream = id;
}

/** Records a decision of kind CHOICE, LIMIT or FAULT. */
export function traceDecision(kind: u32, policy: u32, rule: u32, outcome: u32, reason: u32): void {
  write(kind, policy, rule, NONE, NONE, outcome, reason);
}

/** From here on every condition is asked and recorded, until endRule. */
export function beginRule(policyIndex: u32, ruleIndex: u32): void {
  isAsking = true;
  policy = policyIndex;
  rule = ruleIndex;
}

/** Records whether the rule is met. */
export function endRule(met: bool): void {
  isAsking = false;
  write(RULE, policy, rule, NONE, NONE, met ? 1 : 0, 0);
}

/** The conditions of an entry of the rule's match follow. */
export function beginEntry(index: u32): void {
  entry = index;
  condition = 0;
  allHold = true;
}

/** Whether all conditions of the entry hold. */
export function endEntry(): bool {
  return allHold;
}

/** The answer to a condition; while a rule is recorded true, so that the next one is asked too. */
// @ts-ignore: decorator
@inline
export function asked(holds: bool): bool {
  return isAsking ? record(holds) : holds;
}

function record(holds: bool): bool {
  write(CONDITION, policy, rule, entry, condition, holds ? 1 : 0, 0);
  condition += 1;
  if (!holds) allHold = false;
  return true;
}

function write(
  kind: u32,
  policy: u32,
  rule: u32,
  entry: u32,
  condition: u32,
  outcome: u32,
  reason: u32,
): void {
  const written = load<u32>(ring, 4);
  const to = ring + HEADER + <usize>(written % load<u32>(ring)) * RECORD;
  store<u32>(ring, written + 1, 4);
  store<u32>(to, stream);
  store<u32>(to, kind | part, 4);
  store<u32>(to, policy, 8);
  store<u32>(to, rule, 12);
  store<u32>(to, entry, 16);
  store<u32>(to, condition, 20);
  store<u32>(to, outcome, 24);
  store<u32>(to, reason, 28);
}
