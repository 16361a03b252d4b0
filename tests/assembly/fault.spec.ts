import {
  Delay,
  delayNs,
  FIXED,
  NORMAL,
  normalQuantile,
  PARETO,
  PERCENTILES,
  Quantile,
  UNIFORM,
} from "../../filters/fault/delay";
import { hits, stickyBits, unit } from "../../filters/fault/dice";
import { isActive, minuteOfDay, Schedule, Window } from "../../filters/fault/schedule";
import { exp, ln } from "../../filters/fault/math";
import {
  enterWheel,
  leaveWheel,
  msUntilNext,
  takeDue,
  Waiting,
  waitingCount,
} from "../../filters/fault/wheel";
import { randomU64, seedRandom } from "../../assembly/random";

const MS: f64 = 1_000_000.0;
const block: usize = memory.data(4096, 8);
const points: usize = memory.data(4096, 8);
const entries: usize = memory.data(65_536, 8);

function delay(form: u32, base: f64, spread: f64, cap: f64): Delay {
  const record = changetype<Delay>(block);
  record.form = form;
  record.base = base * MS;
  record.spread = form === PARETO ? spread : spread * MS;
  record.cap = cap * MS;
  return record;
}

function point(index: u32, share: f64, ms: f64): void {
  const record = changetype<Quantile>(points + index * offsetof<Quantile>());
  record.share = share;
  record.value = ms * MS;
}

function msAt(record: Delay, u: f64): f64 {
  return <f64>delayNs(record, u) / MS;
}

/** How many of 100,000 draws are at most `ms`, in percent. */
function shareAtMost(record: Delay, ms: f64): f64 {
  seedRandom(7);
  let count = 0;
  for (let i = 0; i < 100_000; i++) if (msAt(record, unit(randomU64())) <= ms) count += 1;
  return <f64>count / 1000.0;
}

describe("delays", () => {
  it("are what is asked for at the edges", () => {
    expect(msAt(delay(FIXED, 20, 0, 0), 0.3)).toBe(20);
    const uniform = delay(UNIFORM, 10, 30, 0);
    expect(msAt(uniform, 0.0000001)).toBeCloseTo(10, 3);
    expect(msAt(uniform, 0.5)).toBe(20);
    expect(msAt(uniform, 0.9999999)).toBeCloseTo(30, 3);
  });

  it("show the percentiles of the table", () => {
    const table = delay(PERCENTILES, 0, 0, 0);
    table.points = points;
    table.count = 3;
    point(0, 0.5, 20);
    point(1, 0.9, 100);
    point(2, 0.99, 1000);
    expect(shareAtMost(table, 20)).toBeCloseTo(50, 0);
    expect(shareAtMost(table, 100)).toBeCloseTo(90, 0);
    expect(shareAtMost(table, 999.999)).toBeCloseTo(99, 0);
    expect(msAt(table, 0.9999)).toBe(1000, "above the last point: the last value");
    expect(msAt(table, 0.0000001)).toBeCloseTo(10, 3);
  });

  it("are normal and pareto within their caps", () => {
    expect(normalQuantile(0.975)).toBeCloseTo(1.959964, 5);
    expect(normalQuantile(0.001)).toBeCloseTo(-3.090232, 5);
    expect(normalQuantile(0.5)).toBeCloseTo(0, 9);
    const normal = delay(NORMAL, 100, 20, 130);
    expect(msAt(normal, 0.5)).toBeCloseTo(100, 3);
    expect(msAt(normal, 0.99999)).toBe(130);
    expect(msAt(delay(NORMAL, 1, 100, 1000), 0.01)).toBe(0, "never negative");
    const pareto = delay(PARETO, 10, 1.0, 500);
    expect(msAt(pareto, 0.5)).toBeCloseTo(20, 3);
    expect(msAt(pareto, 0.999)).toBe(500);
  });
});

describe("dice", () => {
  it("hit within four standard deviations", () => {
    seedRandom(11);
    const shares: StaticArray<u32> = [1_000, 10_000, 500_000, 999_000];
    for (let s = 0; s < shares.length; s++) {
      const p = <f64>shares[s] / 1e6;
      let count = 0;
      for (let i = 0; i < 100_000; i++) if (hits(randomU64(), shares[s])) count += 1;
      const deviation = Math.abs(<f64>count - 100_000.0 * p);
      expect(deviation).toBeLessThan(4.0 * Math.sqrt(100_000.0 * p * (1.0 - p)), shares[s].toString());
    }
  });

  it("never hit at 0 and always at 100 %", () => {
    expect(hits(0, 0)).toBe(false);
    expect(hits(u64.MAX_VALUE, 1_000_000)).toBe(true);
    expect(hits(u64.MAX_VALUE, 999_999)).toBe(false);
  });

  it("are independent for one key", () => {
    let both = 0;
    for (let key: u64 = 0; key < 40_000; key++)
      if (hits(stickyBits(key, 0), 500_000) && hits(stickyBits(key, 1), 500_000)) both += 1;
    expect(Math.abs(<f64>both - 10_000.0)).toBeLessThan(350);
    expect(stickyBits(42, 1)).toBe(stickyBits(42, 1));
  });
});

describe("schedules", () => {
  it("hold between two dates", () => {
    const schedule = changetype<Schedule>(block);
    schedule.fromMs = 1000;
    schedule.untilMs = 2000;
    schedule.count = 0;
    expect(isActive(schedule, 999)).toBe(false);
    expect(isActive(schedule, 1000)).toBe(true);
    expect(isActive(schedule, 2000)).toBe(false);
  });

  it("hold in windows of the week", () => {
    const schedule = changetype<Schedule>(block);
    schedule.fromMs = 0;
    schedule.untilMs = 0;
    schedule.windows = points;
    schedule.count = 1;
    const window = changetype<Window>(points);
    window.days = 1 << 1; // Tuesday
    window.startMinute = 9 * 60;
    window.endMinute = 17 * 60;
    const tuesday: u64 = 1_795_478_400_000; // 2026-11-24T00:00:00Z
    expect(isActive(schedule, tuesday + 9 * 3_600_000)).toBe(true);
    expect(isActive(schedule, tuesday + 9 * 3_600_000 - 1)).toBe(false);
    expect(isActive(schedule, tuesday + 17 * 3_600_000)).toBe(false);
    expect(isActive(schedule, tuesday + 33 * 3_600_000)).toBe(false, "Wednesday");
  });

  it("read HH:MM strictly", () => {
    const minutes = (text: string): i32 => {
      const bytes = String.UTF8.encode(text);
      return minuteOfDay(changetype<usize>(bytes), bytes.byteLength);
    };
    expect(minutes("00:00")).toBe(0);
    expect(minutes("24:00")).toBe(1440);
    expect(minutes("24:01")).toBe(-1);
    expect(minutes("9:00")).toBe(-1);
    expect(minutes("09:60")).toBe(-1);
    expect(minutes("ab:cd")).toBe(-1);
  });
});

function entry(index: u32): Waiting {
  return changetype<Waiting>(entries + index * offsetof<Waiting>());
}

describe("the wheel", () => {
  it("gives each stream when it is due, never early, and forgets those that left", () => {
    seedRandom(3);
    const start: u64 = 5_000_000_123;
    const count: u32 = 2000;
    for (let i: u32 = 0; i < count; i++) {
      entry(i).dueNs = start + (randomU64() % 20_000) * 1_000_000;
      enterWheel(entry(i), start);
    }
    expect(waitingCount).toBe(count);
    for (let i: u32 = 0; i < count; i += 2) leaveWheel(entry(i));
    leaveWheel(entry(0));
    expect(waitingCount).toBe(count / 2);
    let early = 0;
    let late = 0;
    let taken: u32 = 0;
    // Ticks of uneven length, one of them longer than a whole turn.
    for (
      let now = start;
      now < start + 21_000_000_000;
      now += now === start + 70_000_000 ? 5_000_000_000 : 7_000_000
    ) {
      const longest: u64 =
        now > start + 70_000_000 && now <= start + 5_070_000_000 ? 5_002_000_000 : 9_000_000;
      for (let due = takeDue(now); due !== null; due = takeDue(now)) {
        taken += 1;
        if (due.dueNs > now) early += 1;
        if (now - due.dueNs > longest) late += 1;
      }
    }
    expect(taken).toBe(count / 2);
    expect(early).toBe(0, "early");
    expect(late).toBe(0, "late");
    expect(waitingCount).toBe(0);
  });
});

describe("logarithm and exponential", () => {
  it("are those of the standard library, to 13 digits", () => {
    for (let x = 1e-16; x < 1e16; x *= 1.37) {
      const expected = Math.log(x);
      expect(Math.abs(ln(x) - expected)).toBeLessThan(1e-13 * Math.max(1, Math.abs(expected)), x.toString());
    }
    for (let x = -690.0; x < 690.0; x += 3.7) {
      const expected = Math.exp(x);
      expect(Math.abs(exp(x) / expected - 1)).toBeLessThan(1e-12, x.toString());
    }
    expect(exp(0)).toBe(1);
    expect(ln(1)).toBe(0);
  });

  it("stay finite at the edges", () => {
    expect(exp(5000)).toBe(exp(700));
    expect(exp(-5000)).toBe(exp(-700));
    expect(isFinite(ln(2.3e-308))).toBe(true);
  });
});

describe("looking ahead", () => {
  it("finds the next slot that holds a stream, as far as it is asked to", () => {
    const now: u64 = 9_000_000_000;
    expect(msUntilNext(now, 100)).toBe(100);
    entry(0).dueNs = now + 17_000_000;
    enterWheel(entry(0), now);
    expect(msUntilNext(now, 100)).toBe(17);
    expect(msUntilNext(now, 10)).toBe(10);
    leaveWheel(entry(0));
    expect(msUntilNext(now, 100)).toBe(100);
  });
});
