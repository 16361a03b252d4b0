// The token that a request must carry to be told what was decided about it. A configuration holds its SHA-256 alone, so
// that no dump of a configuration gives the token away.

import { allocate } from "../config/blocks";
import { sha256, LONGEST } from "./sha256";

const SIZE: u32 = 32;

/** Configure only. The hash out of its 64 hexadecimal digits; 0: they are none. */
export function buildToken(start: usize, length: u32): usize {
  if (length !== SIZE << 1) return 0;
  const token = allocate(SIZE);
  for (let i: u32 = 0; i < SIZE; i++) {
    const high = digit(load<u8>(start + (i << 1)));
    const low = digit(load<u8>(start + (i << 1), 1));
    if (high < 0 || low < 0) return 0;
    store<u8>(token + i, (high << 4) | low);
  }
  return token;
}

function digit(byte: u32): i32 {
  if (byte - 48 < 10) return byte - 48;
  const letter = (byte | 32) - 97;
  return letter < 6 ? letter + 10 : -1;
}

/** Whether a text is the token. All 32 bytes are compared, wherever they differ; and they are of hashes. */
export function isToken(token: usize, start: usize, length: u32): bool {
  if (length > LONGEST) return false;
  const hash = sha256(start, length);
  let difference: u64 = 0;
  for (let i: u32 = 0; i < SIZE; i += 8) difference |= load<u64>(token + i) ^ load<u64>(hash + i);
  return difference === 0;
}
