// How long a request is held: an inverse distribution function, so that one even number in (0, 1) gives one
// delay, larger ones longer delays, and the delays of many requests show the percentiles asked for.

import { exp, ln } from "./math";

/** Forms of a delay. */
export const FIXED: u32 = 0;
export const UNIFORM: u32 = 1;
export const PERCENTILES: u32 = 2;
export const NORMAL: u32 = 3;
export const PARETO: u32 = 4;

/** One point of a percentile table, 16 bytes. */
@unmanaged
export class Quantile {
  /** In (0, 1]. */
  share: f64;
  /** Nanoseconds, above 0. */
  value: f64;
}

/** All times in nanoseconds. */
@unmanaged
export class Delay {
  form: u32;
  /** PERCENTILES: how many points, in rising order of share and not falling in value. */
  count: u32;
  points: usize;
  /** FIXED: the delay; UNIFORM: the lower bound; NORMAL: the mean; PARETO: the scale. */
  base: f64;
  /** UNIFORM: the upper bound; NORMAL: the standard deviation; PARETO: the shape. */
  spread: f64;
  /** NORMAL and PARETO: no delay is longer. */
  cap: f64;
}

/** The delay in nanoseconds for `u` in (0, 1). */
export function delayNs(delay: Delay, u: f64): u64 {
  const form = delay.form;
  if (form === FIXED) return <u64>delay.base;
  if (form === UNIFORM) return <u64>(delay.base + (delay.spread - delay.base) * u);
  if (form === PERCENTILES) return <u64>quantile(delay.points, delay.count, u);
  const value =
    form === NORMAL
      ? delay.base + delay.spread * normalQuantile(u)
      : delay.base * exp(-ln(1.0 - u) / delay.spread);
  return <u64>max<f64>(0.0, min<f64>(value, delay.cap));
}

/**
 * Between two points the logarithm of the delay is interpolated, since latencies spread by factors. Below the
 * first point it rises evenly from half of its value; above the last it stays there.
 */
function quantile(points: usize, count: u32, u: f64): f64 {
  let before = changetype<Quantile>(points);
  if (u <= before.share) return before.value * (0.5 + (0.5 * u) / before.share);
  for (let index: u32 = 1; index < count; index++) {
    const point = changetype<Quantile>(points + <usize>index * offsetof<Quantile>());
    if (u <= point.share) {
      const part = (u - before.share) / (point.share - before.share);
      return before.value * exp(part * ln(point.value / before.value));
    }
    before = point;
  }
  return before.value;
}

/**
 * The standard normal distribution's inverse by Acklam's rational approximation: relative error below
 * 1.15e-9 over the whole of (0, 1).
 */
export function normalQuantile(u: f64): f64 {
  if (u < 0.02425) return tail(Math.sqrt(-2.0 * ln(u)));
  if (u > 0.97575) return -tail(Math.sqrt(-2.0 * ln(1.0 - u)));
  const q = u - 0.5;
  const r = q * q;
  const over =
    ((((-39.69683028665376 * r + 220.9460984245205) * r - 275.9285104469687) * r + 138.357751867269) * r -
      30.66479806614716) *
      r +
    2.506628277459239;
  const under =
    ((((-54.47609879822406 * r + 161.5858368580409) * r - 155.6989798598866) * r + 66.80131188771972) * r -
      13.28068155288572) *
      r +
    1.0;
  return (q * over) / under;
}

function tail(q: f64): f64 {
  const over =
    ((((-0.007784894002430293 * q - 0.3223964580411365) * q - 2.400758277161838) * q - 2.549732539343734) *
      q +
      4.374664141464968) *
      q +
    2.938163982698783;
  const under =
    (((0.007784695709041462 * q + 0.3224671290700398) * q + 2.445134137142996) * q + 3.754408661907416) * q +
    1.0;
  return over / under;
}
