// The reasons for which this filter counts into sluice_filter_errors_total.

import { Failure, failure } from "../../assembly/failures";

export { countFailure, Failure } from "../../assembly/failures";

/** The request's headers do not fit the arena: it is answered 431. */
export const HEADERS_TOO_LARGE: Failure = failure("headers_too_large");
/** Something to be written does not fit the arena. */
export const ARENA_FULL: Failure = failure("arena_full");
/** The table of streams is full: a response goes unchanged. */
export const STREAMS_FULL: Failure = failure("streams_full");
