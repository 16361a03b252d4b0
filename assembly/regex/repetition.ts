// Repetitions: `*`, `+`, `?`, `{n}`, `{n,}`, `{n,m}`, each perhaps with a `?` behind it.

import { cursor, isNext } from "./cursor";
import { refuse } from "./refusal";
import { addNode, nodeAt, Op, UNBOUNDED } from "./tree";

const MOST_REPEATS: u32 = 1000;

let least: u32 = 0;
let most: u32 = 0;

/** Reads a repetition, which repeat() then applies; false when none stands here. */
export function readRepetition(): bool {
  const byte = load<u8>(cursor.at);
  if (byte === 0x2a) {
    least = 0;
    most = UNBOUNDED;
  } else if (byte === 0x2b) {
    least = 1;
    most = UNBOUNDED;
  } else if (byte === 0x3f) {
    least = 0;
    most = 1;
  } else if (byte === 0x7b) {
    const start = cursor.at;
    if (!readBounds()) {
      // Not a count: RE2 takes the brace for itself.
      cursor.at = start;
      return false;
    }
  } else {
    return false;
  }
  cursor.at += 1;
  // Lazy repetitions differ in what they capture, not in whether the whole text matches.
  if (isNext(0x3f)) cursor.at += 1;
  return true;
}

/** The node repeated as read, in its place in the sequence; 0 beyond a limit. `byte` is where it was read. */
export function repeat(node: u32, byte: u32): u32 {
  if (least > MOST_REPEATS || (most !== UNBOUNDED && most > MOST_REPEATS)) {
    return refuse("a repetition is counted beyond 1000, the limit of RE2", byte);
  }
  if (least > most) return refuse("a repetition's upper bound is below its lower bound", byte);
  const times = max<u32>(1, most === UNBOUNDED ? least : most);
  const repeats = nodeAt(node).repeats * times;
  if (repeats > MOST_REPEATS) {
    return refuse("nested repetitions multiply to more than 1000, the limit of RE2", byte);
  }
  const previous = nodeAt(node).previous;
  nodeAt(node).previous = 0;
  const outer = addNode(Op.REPEAT, node, repeats);
  nodeAt(outer).previous = previous;
  nodeAt(outer).least = least;
  nodeAt(outer).most = most;
  return outer;
}

/** Reads `{n`, `{n,` or `{n,m` and stops before the closing brace. */
function readBounds(): bool {
  cursor.at += 1;
  if (!readCount()) return false;
  least = count;
  most = count;
  if (isNext(0x2c)) {
    cursor.at += 1;
    if (isNext(0x7d)) {
      most = UNBOUNDED;
    } else {
      if (!readCount()) return false;
      most = count;
    }
  }
  return isNext(0x7d);
}

let count: u32 = 0;

/** Digits without a leading zero, below 10^9; as RE2, anything else is no count at all. */
function readCount(): bool {
  const start = cursor.at;
  let at = start;
  count = 0;
  while (at < cursor.end) {
    const digit = <u32>load<u8>(at) - 0x30;
    if (digit > 9) break;
    if (count >= 100_000_000) return false;
    count = count * 10 + digit;
    at += 1;
  }
  cursor.at = at;
  return at > start && (at - start === 1 || load<u8>(start) !== 0x30);
}
