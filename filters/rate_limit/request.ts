// A request, from the decision to what is done about it.

import { monotonicNs } from "../../assembly/abi/clock";
import { mayApply } from "../../assembly/attach/lookup";
import { Generation } from "../../assembly/attach/plugins";
import { refuseHeaders } from "../../assembly/request/too-large";
import { announceLater, refuseRequest, refuseWithoutLimit } from "./answer";
import { recheck } from "./apply";
import { decide, isUndecided, refusedBy, tightest } from "./decide";
import { Plan } from "./plan";

/** Whether the request in view, whose policies are found, is let through; else it is answered. */
export function limitRequest(stream: u32, plan: Plan, generation: Generation): bool {
  if (!mayApply()) return true;
  const now = <i64>monotonicNs();
  if (plan.recheckAt !== 0) recheck(plan, now);
  if (decide(plan, now)) {
    const announced = tightest;
    if (announced !== null) announceLater(stream, announced, generation);
    return true;
  }
  const refusal = refusedBy;
  if (isUndecided) refuseHeaders();
  else if (refusal === null) refuseWithoutLimit();
  else refuseRequest(refusal);
  return false;
}
