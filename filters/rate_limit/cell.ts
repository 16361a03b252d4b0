// A cell: the shared state of one limit without a key, a value of 80 bytes in shared data.
//
//    0  magic u32        4  layout u32       8  identity u64, of plugin, policy, limit and override
//   16  tat i64         24  spacing i64     32  burst i64
//   40  since i64, the last edit: no decision counts as earlier
//   48  window i64, the number of the 50 ms in which the cell was last charged
//   56  leasedNow i64, tokens leased in that window     64  leasedBefore i64, in the one before
//   72  generation u32, counts the edits               76  unused u32
//
// Tokens in the cell and on unexpired leases never exceed the burst: while L tokens are on lease, the TAT leads
// the present by at least L x spacing. A lease taken in window w expires at the start of window w + 2, so
// leasedNow + leasedBefore is L exactly. docs/rate-limiting.md has the proof.

import { keepUsedShare, room } from "./gcra";

export const CELL_SIZE: u32 = 80;
const MAGIC: u32 = 0x43525253;
const LAYOUT: u32 = 1;

/** Length of a window in nanoseconds; a lease lives for more than one and at most two of them. */
export const WINDOW: i64 = 50_000_000;


@unmanaged
export class Cell {
  magic: u32;
  layout: u32;
  identity: u64;
  tat: i64;
  spacing: i64;
  burst: i64;
  since: i64;
  window: i64;
  leasedNow: i64;
  leasedBefore: i64;
  generation: u32;
  unused: u32;
}

/** Whether `size` bytes at `cell` are a cell of this layout that belongs to `identity`. */
export function isCell(cell: usize, size: u32, identity: u64): bool {
  if (cell === 0 || size !== CELL_SIZE) return false;
  const c = changetype<Cell>(cell);
  return (
    c.magic === MAGIC &&
    c.layout === LAYOUT &&
    c.identity === identity &&
    c.spacing > 0 &&
    c.burst > 0 &&
    c.leasedNow >= 0 &&
    c.leasedBefore >= 0
  );
}

/** Writes a full bucket. */
export function initializeCell(cell: Cell, identity: u64, clock: i64, spacing: i64, burst: i64): void {
  memory.fill(changetype<usize>(cell), 0, CELL_SIZE);
  cell.magic = MAGIC;
  cell.layout = LAYOUT;
  cell.identity = identity;
  cell.tat = clock;
  cell.since = clock;
  cell.spacing = spacing;
  cell.burst = burst;
  cell.window = clock / WINDOW;
}

/**
 * Brings the cell to `now` and returns the moment of the decision. The refill stops at burst - L, also in the
 * windows that went by since the last charge.
 */
export function settle(cell: Cell, now: i64): i64 {
  const moment = max(now, cell.since);
  const window = moment / WINDOW;
  if (window > cell.window) {
    raise(cell, (cell.window + 1) * WINDOW, cell.leasedNow + cell.leasedBefore);
    if (window > cell.window + 1) {
      raise(cell, (cell.window + 2) * WINDOW, cell.leasedNow);
      cell.leasedNow = 0;
    }
    cell.leasedBefore = cell.leasedNow;
    cell.leasedNow = 0;
    cell.window = window;
  }
  raise(cell, moment, cell.leasedNow + cell.leasedBefore);
  return moment;
}

function raise(cell: Cell, at: i64, leased: i64): void {
  const least = at + min(leased, cell.burst) * cell.spacing;
  if (cell.tat < least) cell.tat = least;
}

/** Whether a settled cell has `cost` units at `moment`. */
export function hasRoom(cell: Cell, moment: i64, cost: i64): bool {
  return cost <= cell.burst && cost * cell.spacing <= room(cell.tat, moment, cell.spacing, cell.burst);
}

/** Whole units in a settled cell. */
export function unitsLeft(cell: Cell, moment: i64): i64 {
  return max(<i64>0, room(cell.tat, moment, cell.spacing, cell.burst) / cell.spacing);
}

/**
 * How many tokens a worker that could use `wanted` may take ahead, beside a charge of `cost` that has room: at most
 * a quarter of what stays, and in one window no more than the rate refills and an eighth of the burst.
 */
export function leaseSize(cell: Cell, moment: i64, cost: i64, wanted: i64): i64 {
  const quarter = (unitsLeft(cell, moment) - cost) >> 2;
  const perWindow = min(WINDOW / cell.spacing, cell.burst >> 3) - cell.leasedNow;
  return max(<i64>0, min(wanted, min(quarter, perWindow)));
}

/** Takes `cost` units for a request and `lease` tokens for later ones out of a settled cell. */
export function charge(cell: Cell, cost: i64, lease: i64): void {
  cell.tat += (cost + lease) * cell.spacing;
  cell.leasedNow += lease;
}

/** When a lease expires that has just been charged. */
export function leaseExpiry(cell: Cell): i64 {
  return (cell.window + 2) * WINDOW;
}

/**
 * Gives back what a request took at `moment` and did not use, less what has been refilled since. `clock` must have
 * been read after the cell: no charge that the cell holds is then later. After an edit nothing is given back.
 */
export function giveBack(cell: Cell, clock: i64, moment: i64, cost: i64, generation: u32): void {
  if (cell.generation !== generation) return;
  settle(cell, clock);
  cell.tat -= max(<i64>0, cost * cell.spacing - (max(clock, cell.since) - moment));
}

/** An edit: new rates, the same used share. `clock` must have been read after the cell. */
export function rewrite(cell: Cell, clock: i64, spacing: i64, burst: i64): void {
  const moment = settle(cell, clock);
  cell.tat = keepUsedShare(cell.tat, moment, cell.spacing, cell.burst, spacing, burst);
  cell.since = moment;
  cell.spacing = spacing;
  cell.burst = burst;
  cell.generation += 1;
}
