// A request, from the decision to what is done about it.

import { monotonicNs } from "../../assembly/abi/clock";
import { localReply } from "../../assembly/abi/phase";
import { mayApply } from "../../assembly/attach/lookup";
import { Generation } from "../../assembly/attach/plugins";
import { literal } from "../../assembly/bytes";
import { ByteString } from "../../assembly/set";
import { announceLater, refuseRequest, refuseWithoutLimit } from "./answer";
import { recheck } from "./apply";
import { decide, isUndecided, refusedBy, tightest } from "./decide";
import { countFailure, HEADERS_TOO_LARGE } from "./failures";
import { Plan } from "./plan";

const TOO_LARGE: ByteString = literal("sluice_headers_too_large");

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

/** Answers a request whose headers do not fit the arena. */
export function refuseHeaders(): void {
  countFailure(HEADERS_TOO_LARGE);
  localReply(431, TOO_LARGE.start, TOO_LARGE.length, 0, 0, 0, 0);
}
