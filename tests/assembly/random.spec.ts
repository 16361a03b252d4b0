import { randomBelow, randomF64, randomU64, seedRandom } from "../../assembly/random";

describe("random", () => {
  it("repeats itself under the same seed only", () => {
    seedRandom(7);
    const first = randomU64();
    const second = randomU64();
    seedRandom(7);
    expect(randomU64()).toBe(first);
    expect(randomU64()).toBe(second);
    seedRandom(8);
    expect(randomU64()).not.toBe(first);
  });

  it("works from a seed of 0", () => {
    seedRandom(0);
    expect(randomU64() | randomU64()).not.toBe(0);
  });

  it("is even below a bound", () => {
    seedRandom(1);
    const counts = new StaticArray<i32>(6);
    for (let i = 0; i < 60_000; i++) {
      const value = randomBelow(6);
      if (value >= 6) expect(value).toBeLessThan(6, "within the bound");
      counts[value] += 1;
    }
    // 4 standard deviations of a binomial with n = 60,000 and p = 1/6.
    for (let i = 0; i < 6; i++) expect(abs(counts[i] - 10_000)).toBeLessThan(366, "share of one value");
  });

  it("obeys the smallest and the largest bounds", () => {
    seedRandom(2);
    let highest: u32 = 0;
    for (let i = 0; i < 100; i++) {
      if (randomBelow(1) !== 0) expect(false).toBe(true, "below 1 is 0");
      if (randomBelow(0) !== 0) expect(false).toBe(true, "no bound is 0");
      highest = max(highest, randomBelow(u32.MAX_VALUE));
    }
    expect(highest).toBeGreaterThan(0xe0000000);
  });

  it("fills the unit interval", () => {
    seedRandom(3);
    let sum: f64 = 0;
    let smallest: f64 = 1;
    let largest: f64 = 0;
    for (let i = 0; i < 100_000; i++) {
      const value = randomF64();
      sum += value;
      smallest = min(smallest, value);
      largest = max(largest, value);
    }
    expect(smallest).toBeGreaterThanOrEqual(0);
    expect(smallest).toBeLessThan(0.001);
    expect(largest).toBeLessThan(1);
    expect(largest).toBeGreaterThan(0.999);
    // 4 standard deviations of a mean of 100,000.
    expect(abs(sum / 100_000 - 0.5)).toBeLessThan(0.0037);
  });
});
