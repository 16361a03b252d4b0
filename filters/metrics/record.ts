// Counts a stream that has ended. Each of the properties that it reads costs about 0.9 us, as each hostcall that
// returns bytes: the route's identity, status and duration. (One CEL expression that gives them as a list costs 4 to 6
// us.) A label set that is known costs two calls more, which return nothing; the names of virtual host and route are
// read where one is new.

import { monotonicNs } from "../../assembly/abi/clock";
import { recallRouteNumber } from "../../assembly/attach/id";
import { findPolicies, forgetNames, nextPolicy, readRouteId } from "../../assembly/attach/lookup";
import { itemAt } from "../../assembly/config/records";
import { beginDimensions, addDimension, readHeaders } from "./dimension";
import { countFailure, HEADERS_TOO_LARGE, TOO_MANY_DIMENSIONS } from "./failures";
import { beginLabels, hasDimension } from "./labels";
import { countIstio } from "./istio";
import { readCode, readDurationMs } from "./outcome";
import { countOtel } from "./otel";
import { DEFAULT_MAX_SERIES, DimensionPlan, Plan, PolicyPlan } from "./plan";
import { ISTIO_NAMES, OTEL_NAMES, SLUICE_NAMES } from "./reserved";
import { countSluice } from "./sluice";
import { startedNs, startedRoute, takeStart } from "./started";

let names: u32 = 0;
let maxSeries: u32 = 0;

export function record(plan: Plan, stream: u32): void {
  beginDimensions();
  forgetNames();
  const isStartKnown = takeStart(stream);
  if (isStartKnown && startedRoute !== 0) recallRouteNumber(startedRoute);
  names = SLUICE_NAMES;
  maxSeries = DEFAULT_MAX_SERIES;
  const isInView = !plan.isByHost || readHeaders();
  const isFound = findPolicies(plan.attachments) && isInView;
  if (!isFound) countFailure(HEADERS_TOO_LARGE);
  beginLabels(readRouteId(), readCode());
  if (isFound) addDimensions(plan);
  const durationMs = isStartKnown ? (monotonicNs() - startedNs) / 1_000_000 : readDurationMs();
  // Ours changes the labels when it has no room for them, and so comes last.
  if (names & ISTIO_NAMES) countIstio(durationMs, maxSeries);
  if (names & OTEL_NAMES) countOtel(durationMs, maxSeries);
  if (names & SLUICE_NAMES) countSluice(durationMs, maxSeries);
}

/** The dimensions of all policies of the route; of two with one name that of the more specific policy stands. */
function addDimensions(plan: Plan): void {
  let isFirst = true;
  for (let i = nextPolicy(); i >= 0; i = nextPolicy()) {
    const policy = itemAt<PolicyPlan>(plan.policies, i);
    if (isFirst) {
      names = policy.names;
      maxSeries = policy.maxSeries;
      isFirst = false;
    }
    for (let d: u32 = 0; d < policy.dimensionCount; d++) {
      const dimension = itemAt<DimensionPlan>(policy.dimensions, d);
      if (hasDimension(dimension)) continue;
      if (!addDimension(dimension)) countFailure(TOO_MANY_DIMENSIONS);
    }
    if (!policy.inherit) return;
  }
}
