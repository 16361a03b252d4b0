// The pure parts of the rate limit filter one by one; their interplay is in tests/rate-limit-model.test.ts.

import {
  Cell,
  charge,
  hasRoom,
  initializeCell,
  isCell,
  leaseSize,
  rewrite,
  settle,
  unitsLeft,
  WINDOW,
} from "../../filters/rate_limit/cell";
import { badCost, parseCost } from "../../filters/rate_limit/cost";
import { keepUsedShare, MAX_TOLERANCE, spacingNs, toleranceFits } from "../../filters/rate_limit/gcra";
import {
  extend,
  Lease,
  noteUse,
  payable,
  spend,
  unspend,
  wantedTokens,
} from "../../filters/rate_limit/lease";
import {
  chargeEntry,
  claimEntry,
  Entry,
  evicted,
  findEntry,
  initializePage,
  isPage,
  nextFree,
  Page,
  PAGE_SIZE,
  pageIndex,
  splitPage,
} from "../../filters/rate_limit/page";
import { levelFor } from "../../filters/rate_limit/pool";
import { MEMORY_NS, Refusal, remember, remembered } from "../../filters/rate_limit/refusals";

const SECOND: i64 = 1_000_000_000;
const START: i64 = 3600 * SECOND;

const cellAt: usize = memory.data(80, 8);
const pageAt: usize = memory.data(256, 8);
const upperAt: usize = memory.data(256, 8);
const leaseAt: usize = memory.data(40, 8);
const refusalAt: usize = memory.data(32, 8);

function cost(text: string): i64 {
  const bytes = String.UTF8.encode(text);
  return parseCost(changetype<usize>(bytes), bytes.byteLength, 1000);
}

function freshCell(spacing: i64, burst: i64): Cell {
  const cell = changetype<Cell>(cellAt);
  initializeCell(cell, 7, START, spacing, burst);
  return cell;
}

function freshPage(): Page {
  const page = changetype<Page>(pageAt);
  initializePage(page, 0);
  return page;
}

describe("arithmetic", () => {
  it("rounds the spacing up", () => {
    expect(spacingNs(3, SECOND)).toBe(333_333_334, "3 per second");
    expect(spacingNs(1, 86_400 * SECOND)).toBe(86_400 * SECOND, "1 per day");
    expect(spacingNs(1_000_000, SECOND)).toBe(1000, "a million per second");
  });

  it("knows which tolerances fit 62 bits", () => {
    expect(toleranceFits(1, MAX_TOLERANCE)).toBe(true);
    expect(toleranceFits(2, MAX_TOLERANCE)).toBe(false);
    expect(toleranceFits(53_375, 86_400 * SECOND)).toBe(true);
    expect(toleranceFits(60_000, 86_400 * SECOND)).toBe(false);
  });

  it("keeps the used share, rounded up", () => {
    expect(keepUsedShare(START, START, 10, 10, 20, 50)).toBe(START, "full");
    expect(keepUsedShare(START + 100, START, 10, 10, 20, 50)).toBe(START + 1000, "empty");
    expect(keepUsedShare(START + 50, START, 10, 10, 20, 50)).toBe(START + 501, "half, and one for the error");
    expect(keepUsedShare(START - 5, START, 10, 10, 20, 50)).toBe(START, "long full");
    expect(keepUsedShare(START + 500, START, 10, 10, 20, 50)).toBe(START + 1000, "beyond empty");
  });
});

describe("cost", () => {
  it("reads whole numbers from 1, and cuts them", () => {
    expect(cost("1")).toBe(1);
    expect(cost("42")).toBe(42);
    expect(badCost).toBe(false);
    expect(cost("1001")).toBe(1000);
    expect(cost("99999999999999999999999999")).toBe(1000);
    expect(badCost).toBe(false);
  });

  it("takes anything else for 1", () => {
    const bad: string[] = ["", "0", "-1", "+1", "1.0", "1e3", " 1", "0x1", "one", "000"];
    for (let i = 0; i < bad.length; i++) {
      expect(cost(bad[i])).toBe(1, bad[i]);
      expect(badCost).toBe(true, bad[i]);
    }
  });
});

describe("cells", () => {
  it("are told from anything else", () => {
    freshCell(1000, 10);
    expect(isCell(cellAt, 80, 7)).toBe(true);
    expect(isCell(cellAt, 79, 7)).toBe(false, "size");
    expect(isCell(cellAt, 80, 8)).toBe(false, "another limit's");
    expect(isCell(0, 80, 7)).toBe(false, "none");
    store<u32>(cellAt, 1);
    expect(isCell(cellAt, 80, 7)).toBe(false, "magic");
  });

  it("give their burst and refill one by one", () => {
    const cell = freshCell(SECOND, 3);
    for (let i = 0; i < 3; i++) {
      expect(hasRoom(cell, settle(cell, START), 1)).toBe(true);
      charge(cell, 1, 0);
    }
    expect(hasRoom(cell, settle(cell, START), 1)).toBe(false);
    expect(hasRoom(cell, settle(cell, START + SECOND - 1), 1)).toBe(false);
    expect(hasRoom(cell, settle(cell, START + SECOND), 1)).toBe(true);
    expect(hasRoom(cell, settle(cell, START + SECOND), 2)).toBe(false);
  });

  it("count leases until they expire", () => {
    const cell = freshCell(1_000_000, 1000);
    settle(cell, START);
    charge(cell, 0, 50);
    expect(unitsLeft(cell, settle(cell, START + WINDOW))).toBe(950, "the refill stops below the lease");
    expect(unitsLeft(cell, settle(cell, START + 2 * WINDOW - 1))).toBe(950);
    expect(unitsLeft(cell, settle(cell, START + 2 * WINDOW))).toBe(950, "it expires with what it held");
    expect(unitsLeft(cell, settle(cell, START + 3 * WINDOW))).toBe(1000);
  });

  it("lease at most a quarter, an eighth of the burst, and what a window refills", () => {
    const cell = freshCell(1_000_000, 1000);
    const moment = settle(cell, START);
    expect(leaseSize(cell, moment, 1, 1000)).toBe(50, "50 ms of 1,000 a second");
    expect(leaseSize(cell, moment, 1, 7)).toBe(7, "no more than wanted");
    charge(cell, 980, 0);
    expect(leaseSize(cell, moment, 1, 1000)).toBe(4, "a quarter of 19");
    const small = freshCell(1_000_000, 16);
    expect(leaseSize(small, settle(small, START), 1, 1000)).toBe(2, "an eighth of 16");
    const slow = freshCell(SECOND, 1000);
    expect(leaseSize(slow, settle(slow, START), 1, 1000)).toBe(0, "less than one in a window");
  });

  it("keep the used share over an edit, and no decision counts as earlier", () => {
    const cell = freshCell(SECOND, 10);
    settle(cell, START);
    charge(cell, 5, 0);
    rewrite(cell, START, SECOND, 100);
    expect(settle(cell, START - 1000)).toBe(START);
    expect(unitsLeft(cell, START)).toBe(49, "rounded down by a nanosecond");
    expect(cell.generation).toBe(1);
  });
});

describe("leases", () => {
  it("pay in part, expire, and take back", () => {
    memory.fill(leaseAt, 0, 40);
    const lease = changetype<Lease>(leaseAt);
    extend(lease, 5, START + 100);
    expect(payable(lease, START, 3)).toBe(3);
    expect(payable(lease, START, 8)).toBe(5);
    expect(payable(lease, START + 100, 3)).toBe(0);
    spend(lease, 3);
    expect(lease.left).toBe(2);
    unspend(lease, START + 100, 1);
    expect(lease.left).toBe(3);
    unspend(lease, START + 99, 1);
    expect(lease.left).toBe(3, "of another lease");
    extend(lease, 4, START + 100);
    expect(lease.left).toBe(7);
    extend(lease, 4, START + 200);
    expect(lease.left).toBe(4, "older tokens keep their expiry");
  });

  it("want what was used in a window", () => {
    memory.fill(leaseAt, 0, 40);
    const lease = changetype<Lease>(leaseAt);
    noteUse(lease, START, 10);
    noteUse(lease, START + WINDOW, 3);
    expect(wantedTokens(lease, START + WINDOW)).toBe(10);
    expect(wantedTokens(lease, START + 2 * WINDOW)).toBe(3);
    expect(wantedTokens(lease, START + 4 * WINDOW)).toBe(0);
  });
});

describe("pages", () => {
  it("hold ten keys with their rates", () => {
    const page = freshPage();
    for (let key: u64 = 1; key <= 10; key++) {
      const entry = claimEntry(page, key << 16, START, 86_400 * SECOND, 4_000_000_000, true);
      expect(entry !== null && !evicted).toBe(true);
      if (entry !== null) chargeEntry(entry, START, <i64>key);
    }
    for (let key: u64 = 1; key <= 10; key++) {
      const entry = findEntry(page, key << 16);
      expect(entry !== null).toBe(true);
      if (entry === null) continue;
      expect(entry.spacing).toBe(86_400 * SECOND);
      expect(entry.burst).toBe(4_000_000_000);
      expect(entry.tat).toBe(START + <i64>key * 86_400 * SECOND);
    }
    expect(findEntry(page, 11 << 16) === null).toBe(true);
    expect(nextFree(page)).toBe(START + 86_400 * SECOND);
  });

  it("forget the bucket nearest to full, and no protected one", () => {
    const page = freshPage();
    for (let key: u64 = 1; key <= 10; key++) {
      const entry = claimEntry(page, key << 16, START, SECOND, 100, key > 2);
      if (entry !== null) chargeEntry(entry, START, <i64>key);
    }
    expect(claimEntry(page, 11 << 16, START, SECOND, 100, false) === null).toBe(true, "may not evict");
    expect(claimEntry(page, 11 << 16, START, SECOND, 100, true) !== null && evicted).toBe(true);
    expect(findEntry(page, 3 << 16) === null).toBe(true, "the least used that is not protected");
    expect(findEntry(page, 1 << 16) !== null).toBe(true, "protected");
  });

  it("give a full bucket's place away and raise the horizon", () => {
    const page = freshPage();
    for (let key: u64 = 1; key <= 10; key++) {
      const entry = claimEntry(page, key << 16, START, SECOND, 100, true);
      if (entry !== null) chargeEntry(entry, START, <i64>key);
    }
    const entry = claimEntry(page, 11 << 16, START + SECOND, SECOND, 100, true);
    expect(entry !== null && !evicted).toBe(true);
    expect(page.horizon).toBe(START + SECOND);
  });

  it("split by the next bit of the tag", () => {
    const page = freshPage();
    for (let key: u64 = 1; key <= 10; key++) {
      const entry = claimEntry(page, key << 16, START, SECOND, 100, true);
      if (entry !== null) chargeEntry(entry, START, 1);
    }
    const upper = changetype<Page>(upperAt);
    splitPage(page, upper);
    expect(isPage(upperAt, PAGE_SIZE)).toBe(true);
    expect(page.level).toBe(1);
    for (let key: u64 = 1; key <= 10; key++) {
      expect(pageIndex(key << 16, 1)).toBe(<u32>(key & 1));
      expect(findEntry(page, key << 16) !== null).toBe((key & 1) === 0);
      expect(findEntry(upper, key << 16) !== null).toBe((key & 1) === 1);
    }
  });

  it("are as many as make the keys half of the entries", () => {
    expect(levelFor(1)).toBe(0);
    expect(levelFor(5)).toBe(0);
    expect(levelFor(6)).toBe(1);
    expect(levelFor(10_000)).toBe(11);
    expect(levelFor(1_000_000)).toBe(18);
  });
});

describe("memory of refusals", () => {
  it("says how long a cost has to wait, for 100 ms", () => {
    const refusal = changetype<Refusal>(refusalAt);
    remember(refusal, 5, START, SECOND, START);
    expect(remembered(refusal, 5, START, 1)).toBe(SECOND);
    expect(remembered(refusal, 5, START + 1000, 2)).toBe(2 * SECOND - 1000);
    expect(remembered(refusal, 6, START, 1)).toBe(0, "another key");
    expect(remembered(refusal, 5, START + MEMORY_NS, 1)).toBe(0, "too old");
  });
});
