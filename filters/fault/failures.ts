// The reasons for which this filter counts into sluice_filter_errors_total, beside headers_too_large.

import { Failure, failure } from "../../assembly/failures";

export { countFailure, Failure } from "../../assembly/failures";

/** The table of streams is full: a delay counts as overflow, an answer goes without x-sluice-fault. */
export const STREAMS_FULL: Failure = failure("streams_full");
/** More faults with stopWhen match one request than there is room for: the last ones do not see its answer. */
export const TOO_MANY_WATCHED: Failure = failure("too_many_watched");
/** The number of a throttle does not fit the arena: the response is not throttled. */
export const ARENA_FULL: Failure = failure("arena_full");
