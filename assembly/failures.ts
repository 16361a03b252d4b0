// What went wrong in a filter, by reason, in sluice_filter_errors_total. A filter declares its reasons once:
// `export const BAD_COST: Failure = failure("bad_cost");`

import { literal } from "./bytes";
import { beginName, defineCounter, findMetric, increment, isUndefined, label, Metric } from "./metrics";
import { ByteString } from "./set";

/** A reason. */
@unmanaged
export class Failure {
  reason: ByteString;
  metric: Metric;
}

/** Module start only. */
export function failure(reason: string): Failure {
  const made = changetype<Failure>(heap.alloc(offsetof<Failure>()));
  made.reason = literal(reason);
  name(made);
  made.metric = findMetric();
  return made;
}

function name(failure: Failure): void {
  beginName("sluice_filter_errors_total");
  label("reason", failure.reason.start, failure.reason.length);
}

/** Counts one. The name of another metric that is being built is lost. */
export function countFailure(failure: Failure): void {
  const metric = failure.metric;
  if (isUndefined(metric)) {
    name(failure);
    defineCounter(metric);
  }
  increment(metric);
}
