// Whether a fault asks for x-sluice-destination. The single filter would see there where header routing has sent the
// request, so that the suite has to look at the headers once more.

import { equals } from "../../assembly/bytes";
import { itemAt, keyAt } from "../../assembly/config/records";
import { RequestMatch, StringMatch } from "../../assembly/generated/records";
import { Fault, FaultConfig, FaultPolicy } from "../fault/generated/config";
import { STEERING } from "../header_routing/route";

/** Configure only. */
export function looksAtSteering(config: FaultConfig): bool {
  for (let p: u32 = 0; p < config.policiesCount; p++) {
    const policy = itemAt<FaultPolicy>(config.policiesStart, p);
    for (let f: u32 = 0; f < policy.faultsCount; f++)
      if (faultAsks(itemAt<Fault>(policy.faultsStart, f))) return true;
  }
  return false;
}

function faultAsks(fault: Fault): bool {
  const sticky = fault.stickyBy;
  if (sticky !== null && isSteering(sticky.headerStart, sticky.headerLength)) return true;
  for (let m: u32 = 0; m < fault.matchCount; m++) {
    const match = itemAt<RequestMatch>(fault.matchStart, m);
    if (isAmong(match.headersStart, match.headersCount)) return true;
    if (isAmong(match.withoutHeadersStart, match.withoutHeadersCount)) return true;
  }
  return false;
}

function isAmong(start: usize, count: u32): bool {
  for (let i: u32 = 0; i < count; i++) {
    const name = keyAt<StringMatch>(start, i);
    if (isSteering(name.start, name.length)) return true;
  }
  return false;
}

function isSteering(start: usize, length: u32): bool {
  return equals(start, length, STEERING.start, STEERING.length);
}
