// Putting a configuration in force: cells for its limits with its rates, pages for its keys, then the marker.
//
// Every step is a compare-and-set or can be repeated, so it does not matter if two VMs do this at the same time.

import { monotonicNs } from "../../assembly/abi/clock";
import { assignCell, locateCells, prepareCell, releaseUnused } from "./directory";
import { advanceMarker, askMarker, NEWEST, OLDER, SETTLED_NS } from "./marker";
import { bucketAt, Plan } from "./plan";
import { growPool, readPool } from "./pool";
import { forgetAll } from "./refusals";

/** Configure only. The plan is good: from here on its cells and pages are those that count. */
export function enforce(plan: Plan, version: u64): void {
  plan.version = version;
  joinShared(plan);
  forgetAll();
}

/** Finds the plan's cells and pages, after putting it in force if this VM is the one to do so. */
function joinShared(plan: Plan): void {
  const clock = <i64>monotonicNs();
  const standing = askMarker(plan.owner, plan.version, clock);
  plan.recheckAt = 0;
  if (standing === OLDER) plan.recheckAt = clock + SETTLED_NS + 1;
  else if (standing !== NEWEST) putInForce(plan, clock);
  locateCells(plan);
  plan.level = readPool();
}

/** For a plan that was older than the newest one two seconds ago and is still in use here: it is the newest. */
export function recheck(plan: Plan, now: i64): void {
  if (now < plan.recheckAt) return;
  plan.recheckAt = 0;
  if (askMarker(plan.owner, plan.version, now) === NEWEST) return;
  putInForce(plan, now);
  locateCells(plan);
  plan.level = readPool();
}

function putInForce(plan: Plan, clock: i64): void {
  locateCells(plan);
  releaseUnused(plan, clock);
  for (let at: u32 = 0; at <= plan.mask; at++) {
    const bucket = bucketAt(plan, at);
    if (bucket === null) continue;
    if (bucket.slot < 0) bucket.slot = assignCell(bucket.identity, plan.owner, clock);
    if (bucket.slot >= 0) prepareCell(bucket.slot, bucket.identity, bucket.ownSpacing, bucket.ownBurst);
  }
  growPool(plan.owner, plan.keys);
  advanceMarker(plan.owner, plan.version, clock);
}
