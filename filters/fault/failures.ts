// What went wrong, by reason, in sluice_filter_errors_total.

import { literal } from "../../assembly/bytes";
import {
  beginName,
  defineCounter,
  findMetric,
  increment,
  isUndefined,
  label,
  Metric,
} from "../../assembly/metrics";
import { ByteString } from "../../assembly/set";


@unmanaged
class Failure {
  reason: ByteString;
  metric: Metric;
}

/** The request's headers do not fit the arena: it is answered 431. */
export const HEADERS_TOO_LARGE: Failure = failure("headers_too_large");
/** The table of streams is full: a delay counts as overflow, an answer goes without x-sluice-fault. */
export const STREAMS_FULL: Failure = failure("streams_full");
/** More faults with stopWhen match one request than there is room for: the last ones do not see its answer. */
export const TOO_MANY_WATCHED: Failure = failure("too_many_watched");
/** The number of a throttle does not fit the arena: the response is not throttled. */
export const ARENA_FULL: Failure = failure("arena_full");

function failure(reason: string): Failure {
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

export function countFailure(failure: Failure): void {
  const metric = failure.metric;
  if (isUndefined(metric)) {
    name(failure);
    defineCounter(metric);
  }
  increment(metric);
}
