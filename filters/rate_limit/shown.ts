// Which keys a limit refuses most, by name, for limits that ask for it (showKeys):
// sluice_rate_limit_refused_keys_total{policy, limit, key}.
//
// Clients choose keys, so that the series are bounded by construction: SHOWN keys per limit, the same ones on every
// worker, in a list in shared data, and `_other` for the rest. A key is given one of those places once a worker has
// refused it PROVEN times more often than chance: candidates are kept as Misra and Gries keep frequent items, where a
// spray of keys that come once only pushes counts down. What a key was refused before that counts as `_other`.

import { proxy_increment_metric } from "../../assembly/abi/hostcalls";
import { literal, writeBytes } from "../../assembly/bytes";
import { allocate } from "../../assembly/config/blocks";
import { itemAt } from "../../assembly/config/records";
import { beginName, defineCounter, isDefined, isUndefined, label, Metric } from "../../assembly/metrics";
import { ByteString } from "../../assembly/set";
import { isLabelText } from "../metrics/text";
import { keepValue, newValueList, ValueList } from "../metrics/values";
import { RateLimitKeyPart } from "./generated/config";
import { readKeyText } from "./key";
import { LimitPlan } from "./plan";

/** Keys that have a series of their own. */
const SHOWN: u32 = 20;
const CANDIDATES: u32 = 16;
const PROVEN: u32 = 10;
/** Longer keys are cut. */
const MAX_TEXT: u32 = 64;


@unmanaged
class Candidate {
  hash: u64;
  count: u32;
  unused: u32;
}

/** A key that is shown, or the rest as the last one: its hash u64, then a Metric. */
const PLACE_SIZE: u32 = 8 + <u32>offsetof<Metric>();

/** What a limit keeps of its refused keys. */
@unmanaged
export class Shown {
  values: ValueList;
  used: u32;
  /** CANDIDATES times Candidate. */
  candidates: usize;
  /** SHOWN + 1 of them. */
  places: usize;
}

const OTHER: ByteString = literal("_other");
const LIST: u64 = 0x73686f776e2e3031;

/** Configure only. What the limit of the same label kept before goes on. */
export function makeShown(limit: LimitPlan, before: LimitPlan | null): Shown {
  const shown = changetype<Shown>(allocate(offsetof<Shown>()));
  const candidatesSize = CANDIDATES * <u32>offsetof<Candidate>();
  shown.candidates = allocate(candidatesSize);
  shown.places = allocate((SHOWN + 1) * PLACE_SIZE);
  if (before !== null && before.shown !== 0) {
    const former = changetype<Shown>(before.shown);
    shown.used = former.used;
    memory.copy(shown.candidates, former.candidates, candidatesSize);
    memory.copy(shown.places, former.places, (SHOWN + 1) * PLACE_SIZE);
  }
  shown.values = newValueList(limit.label ^ LIST, 0, 0, SHOWN);
  return shown;
}

/** Counts a refusal of the request in view, by its key's hash. */
export function countKey(limit: LimitPlan, hash: u64): void {
  const shown = changetype<Shown>(limit.shown);
  for (let i: u32 = 0; i < shown.used; i++)
    if (load<u64>(placeAt(shown, i)) === hash) return countPlace(limit, placeAt(shown, i), 0, 0);
  if (isFrequent(shown, hash)) {
    const length = writeKey(limit);
    if (shown.used < SHOWN && length > 0 && keepValue(shown.values, text, length)) {
      const place = placeAt(shown, shown.used);
      shown.used += 1;
      store<u64>(place, hash);
      return countPlace(limit, place, text, length);
    }
  }
  countPlace(limit, placeAt(shown, SHOWN), OTHER.start, OTHER.length);
}

// @ts-ignore: decorator
@inline
function placeAt(shown: Shown, index: u32): usize {
  return shown.places + index * PLACE_SIZE;
}

/** The name is needed when the place counts for the first time. */
function countPlace(limit: LimitPlan, place: usize, start: usize, length: u32): void {
  const metric = changetype<Metric>(place + 8);
  if (isUndefined(metric)) {
    beginName("sluice_rate_limit_refused_keys_total");
    label("policy", limit.policy.policy.nameStart, limit.policy.labelLength);
    label("limit", limit.limit.nameStart, limit.limit.nameLength);
    label("key", start, length);
    defineCounter(metric);
  }
  if (isDefined(metric)) proxy_increment_metric(metric.id, 1);
}

/** Counts a candidate; true at every PROVEN-th time. */
function isFrequent(shown: Shown, hash: u64): bool {
  let free: Candidate | null = null;
  for (let i: u32 = 0; i < CANDIDATES; i++) {
    const candidate = itemAt<Candidate>(shown.candidates, i);
    if (candidate.count === 0) free = candidate;
    else if (candidate.hash === hash) {
      candidate.count += 1;
      if (candidate.count < PROVEN) return false;
      candidate.count = 0;
      return true;
    }
  }
  if (free !== null) {
    free.hash = hash;
    free.count = 1;
    return false;
  }
  for (let i: u32 = 0; i < CANDIDATES; i++) itemAt<Candidate>(shown.candidates, i).count -= 1;
  return false;
}

const text: usize = memory.data(64);
const part: ByteString = changetype<ByteString>(memory.data(8, 4));

/** Writes the key, its parts between commas and `-` for those that are absent; its length, 0: it is no label's text. */
function writeKey(limit: LimitPlan): u32 {
  const end = text + MAX_TEXT;
  let at = text;
  for (let i: u32 = 0; i < limit.limit.keyCount && at < end; i++) {
    if (i > 0) {
      store<u8>(at, 44);
      at += 1;
    }
    readKeyText(itemAt<RateLimitKeyPart>(limit.limit.keyStart, i), part);
    if (part.start !== 0) at = writeBytes(at, part.start, min(part.length, <u32>(end - at)));
    else if (at < end) {
      store<u8>(at, 45);
      at += 1;
    }
  }
  const length = <u32>(at - text);
  if (isLabelText(text, length)) return length;
  // What was cut within a character ends before it.
  for (let cut: u32 = 1; length === MAX_TEXT && cut < 4; cut++)
    if (isLabelText(text, length - cut)) return length - cut;
  return 0;
}
