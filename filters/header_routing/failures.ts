// The reasons for which this filter counts into sluice_filter_errors_total, beside headers_too_large.

import { Failure, failure } from "../../assembly/failures";

export { countFailure, Failure } from "../../assembly/failures";

/** Something to be written does not fit the arena. */
export const ARENA_FULL: Failure = failure("arena_full");
/** The table of streams is full: a response goes unchanged. */
export const STREAMS_FULL: Failure = failure("streams_full");
