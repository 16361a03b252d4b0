// The arithmetic of a limit: GCRA in whole nanoseconds. Nothing here knows of workers or of shared data.
//
// A bucket is one number, its theoretical arrival time (TAT): the time at which it is full again. A unit moves
// it by `spacing`, and it may lead the present by at most burst x spacing, the tolerance.

/** Above this a tolerance could not be added to a clock of 62 bits without overflow. */
export const MAX_TOLERANCE: i64 = (1 << 62) - 1;

/** 1,000,000 requests a second: below a microsecond the rounding of the spacing would distort the rate. */
export const MIN_SPACING: i64 = 1000;

/** Nanoseconds between two requests, rounded up: the rate is never above the one that was asked for. */
export function spacingNs(requests: i64, perNs: i64): i64 {
  return (perNs + requests - 1) / requests;
}

/** Whether burst x spacing is at most MAX_TOLERANCE. */
export function toleranceFits(burst: i64, spacing: i64): bool {
  return burst <= MAX_TOLERANCE / spacing;
}

/** Time that is left of the tolerance at `moment`; `tat` is not before `moment`. May be negative after an edit. */
// @ts-ignore: decorator
@inline
export function room(tat: i64, moment: i64, spacing: i64, burst: i64): i64 {
  return burst * spacing - (tat - moment);
}

/**
 * The TAT under new rates, for the same used share of the tolerance, rounded up. The product needs more than 64
 * bits, so it is taken in floating point and the error, below 2^-50 of the tolerance, is added.
 */
export function keepUsedShare(
  tat: i64,
  moment: i64,
  oldSpacing: i64,
  oldBurst: i64,
  spacing: i64,
  burst: i64,
): i64 {
  const used = tat - moment;
  if (used <= 0) return moment;
  const oldTolerance = oldSpacing * oldBurst;
  const tolerance = spacing * burst;
  if (used >= oldTolerance) return moment + tolerance;
  const share = <f64>used / <f64>oldTolerance;
  const raised = <i64>Math.ceil(share * <f64>tolerance) + (tolerance >> 50) + 1;
  return moment + min(raised, tolerance);
}
