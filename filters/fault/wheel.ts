// The streams that wait, in a wheel of time: entering, leaving and becoming due cost the same for any number.
//
//   slot        0        1        2   ...  4095      one slot per millisecond, 4,096 ms once around
//               |        |
//            waiting <-> waiting                     rings of entries; a delay longer than one turn stays
//                                                    in its slot until its own turn has come
//
// Entries belong to the caller (they are part of a stream's state); the wheel only links them. A stream that
// ends leaves at once. Nothing is allocated.

const SLOTS: u32 = 4096;
const SLOT_MASK: u64 = 4095;
const MS: u64 = 1_000_000;

/** Links of one waiting stream; unlinked while `next` is 0. Records may begin with these fields. */
@unmanaged
export class Waiting {
  next: usize;
  previous: usize;
  /** Monotonic nanoseconds from which the stream may go on. */
  dueNs: u64;
}

/** A ring per slot; the head is a pair of links laid out as Waiting's first two fields. */
const HEAD_SIZE: usize = 2 * sizeof<usize>();
const heads: usize = memory.data(32_768, 8);
let turnedToMs: u64 = 0;

/** How many streams wait on this worker. */
export let waitingCount: u32 = 0;

// @ts-ignore: decorator
@inline
function headOf(ms: u64): usize {
  return heads + <usize>(ms & SLOT_MASK) * HEAD_SIZE;
}

/** Due in the first whole millisecond at or after `dueNs`; a stream never goes on early. */
// @ts-ignore: decorator
@inline
function slotMs(dueNs: u64): u64 {
  return (dueNs + (MS - 1)) / MS;
}

/** The entry waits until its `dueNs`; one that is due already comes with the next turn. */
export function enterWheel(entry: Waiting, nowNs: u64): void {
  if (waitingCount === 0) turnedToMs = nowNs / MS;
  const ms = max<u64>(slotMs(entry.dueNs), turnedToMs + 1);
  const head = changetype<Waiting>(headOf(ms));
  const at = changetype<usize>(entry);
  const first = changetype<usize>(head);
  const last = head.previous === 0 ? first : head.previous;
  entry.next = first;
  entry.previous = last;
  changetype<Waiting>(last).next = at;
  head.previous = at;
  waitingCount += 1;
}

/** The stream no longer waits; nothing happens when it did not. */
export function leaveWheel(entry: Waiting): void {
  if (entry.next === 0) return;
  changetype<Waiting>(entry.previous).next = entry.next;
  changetype<Waiting>(entry.next).previous = entry.previous;
  entry.next = 0;
  entry.previous = 0;
  waitingCount -= 1;
}

/**
 * Takes one stream that is due out of the wheel; null when none is left. Call until null. The wheel turns at
 * most once around, however long nobody called.
 */
export function takeDue(nowNs: u64): Waiting | null {
  const nowMs = nowNs / MS;
  if (nowMs <= turnedToMs) return null;
  if (nowMs - turnedToMs > SLOTS) turnedToMs = nowMs - SLOTS;
  while (waitingCount !== 0 && turnedToMs < nowMs) {
    const due = dueInSlot(headOf(turnedToMs + 1), nowNs);
    if (due !== null) return due;
    turnedToMs += 1;
  }
  return null;
}

function dueInSlot(head: usize, nowNs: u64): Waiting | null {
  const first = changetype<Waiting>(head).next;
  if (first === 0) return null;
  for (let at = first; at !== head; at = changetype<Waiting>(at).next) {
    const entry = changetype<Waiting>(at);
    if (entry.dueNs <= nowNs) {
      leaveWheel(entry);
      return entry;
    }
  }
  return null;
}

/** Milliseconds until a slot that holds a stream, at most `most`; the stream may have turns to go. */
export function msUntilNext(nowNs: u64, most: u32): u32 {
  const nowMs = nowNs / MS;
  for (let ahead: u32 = 1; ahead < most; ahead++) {
    const first = changetype<Waiting>(headOf(nowMs + ahead)).next;
    if (first !== 0 && first !== headOf(nowMs + ahead)) return ahead;
  }
  return most;
}
