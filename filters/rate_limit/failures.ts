// The reasons for which this filter counts into sluice_filter_errors_total, beside headers_too_large.

import { Failure, failure } from "../../assembly/failures";

export { countFailure, Failure } from "../../assembly/failures";

/** Headers of an answer do not fit the arena: it goes without them. */
export const ARENA_FULL: Failure = failure("arena_full");
/** The table of streams is full: a response goes without rate limit headers. */
export const STREAMS_FULL: Failure = failure("streams_full");
/** A cell or page is missing or not of this layout: the request is refused. */
export const BAD_CELL: Failure = failure("bad_cell");
/** The cost header is no whole number from 1: the request costs 1. */
export const BAD_COST: Failure = failure("bad_cost");
/** A cost above the burst can never be admitted. */
export const COST_ABOVE_BURST: Failure = failure("cost_above_burst");
/** No room for a new key, and nothing may be evicted: the request is refused. */
export const NO_ROOM_FOR_KEY: Failure = failure("no_room_for_key");
/** More limits apply to one request than there is room for: it is refused. */
export const TOO_MANY_LIMITS: Failure = failure("too_many_limits");
