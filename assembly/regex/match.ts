// Matching: one pass of table look-ups. Request path; nothing here allocates or can fail.
//
// A compiled expression is laid out as
//   0 start u16 | 2 states u16 | 4 columns u16 | 6 sinks u16 | 8 size u32 | 12 column of each byte, 256 x u8
//   268 whether each state accepts the end, states x u8, padded to even | table, states x columns x u16
// State 0 is dead: nothing more can match. With two sinks, state 1 matches whatever follows.

@unmanaged
export class Regex {
  start: u16;
  states: u16;
  columns: u16;
  sinks: u16;
  size: u32;
}

export const COLUMNS_OFFSET: usize = 12;
export const ACCEPTS_OFFSET: usize = 268;

/** Whether the whole text matches. */
export function matchesRegex(regex: usize, start: usize, length: u32): bool {
  const header = changetype<Regex>(regex);
  const columns = <u32>header.columns;
  const sinks = <u32>header.sinks;
  const table = regex + ACCEPTS_OFFSET + ((<usize>header.states + 1) & ~1);
  let state = <u32>header.start;
  const end = start + length;
  for (let at = start; at < end && state >= sinks; at++) {
    const column = <u32>load<u8>(regex + load<u8>(at), COLUMNS_OFFSET);
    state = load<u16>(table + ((state * columns + column) << 1));
  }
  return load<u8>(regex + state, ACCEPTS_OFFSET) !== 0;
}
