// The reasons for which this filter counts into sluice_filter_errors_total.

import { Failure, failure } from "../../assembly/failures";

export { countFailure, Failure } from "../../assembly/failures";

/** The request's headers do not fit the arena: dimensions that need them are `_other`. */
export const HEADERS_TOO_LARGE: Failure = failure("headers_too_large");
/** A dimension has maxValues values: this one is `_other`. */
export const VALUES_FULL: Failure = failure("dimension_values_full");
/** A value is longer than 128 bytes, or no UTF-8, or has control characters: it is `_other`. */
export const BAD_VALUE: Failure = failure("dimension_value_invalid");
/** A metric has maxSeries label sets: this one is `_other`. */
export const SERIES_FULL: Failure = failure("series_full");
/** More dimensions apply to one request than there is room for: the rest is left out. */
export const TOO_MANY_DIMENSIONS: Failure = failure("too_many_dimensions");
/** A list in shared data is missing or not of this layout: what it does not have is `_other`. */
export const BAD_LIST: Failure = failure("bad_list");
/** Envoy does not define the metric: nothing is counted. */
export const UNDEFINED_METRIC: Failure = failure("metric_not_defined");
