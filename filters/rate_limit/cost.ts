// The cost of a request, from a header that a client may have written.

/** Set by parseCost: the header was no whole number from 1. */
export let badCost: bool = false;

/** Decimal digits from 1, cut at `most`; anything else counts as 1 and sets badCost. */
export function parseCost(start: usize, size: u32, most: i64): i64 {
  badCost = true;
  if (size === 0) return 1;
  let value: i64 = 0;
  for (let i: u32 = 0; i < size; i++) {
    const digit = <i64>load<u8>(start + i) - 0x30;
    if (digit < 0 || digit > 9) return 1;
    value = min(value * 10 + digit, <i64>1_000_000_000_000);
  }
  if (value === 0) return 1;
  badCost = false;
  return min(value, most);
}
