// Logarithm and exponential to about 15 digits, by series: the tables of the standard library would take an
// eighth of the module's size budget.

const LN2: f64 = 0.6931471805599453;
const SQRT2: f64 = 1.4142135623730951;

/** The natural logarithm of a normal positive number: 2 atanh((m - 1) / (m + 1)) for its mantissa m near 1. */
export function ln(x: f64): f64 {
  const bits = reinterpret<u64>(x);
  let power = <f64>(<i32>(bits >> 52) - 1023);
  let m = reinterpret<f64>((bits & 0x000fffffffffffff) | 0x3ff0000000000000);
  if (m > SQRT2) {
    m *= 0.5;
    power += 1.0;
  }
  const s = (m - 1.0) / (m + 1.0);
  const square = s * s;
  let sum: f64 = 0.0;
  for (let n: f64 = 19.0; n >= 1.0; n -= 2.0) sum = sum * square + 1.0 / n;
  return power * LN2 + 2.0 * s * sum;
}

/** e to the power of x, which is held between -700 and 700. */
export function exp(x: f64): f64 {
  x = max<f64>(-700.0, min<f64>(700.0, x));
  const power = nearest<f64>(x / LN2);
  const rest = x - power * LN2;
  let sum: f64 = 1.0;
  for (let n: f64 = 14.0; n >= 1.0; n -= 1.0) sum = 1.0 + (rest / n) * sum;
  return sum * reinterpret<f64>((<u64>(<i32>power + 1023)) << 52);
}
