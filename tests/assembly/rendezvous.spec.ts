import { choiceKey, choiceSeed, chooseWeighted, destinationId, negativeLog } from "../../assembly/rendezvous";

const STRIDE: usize = 16;

/** Memory of one array of choices, named by their letters. */
class Choices {
  bytes: ArrayBuffer;
  constructor(
    readonly names: string,
    weights: StaticArray<u32>,
  ) {
    this.bytes = new ArrayBuffer(names.length * <i32>STRIDE);
    for (let i = 0; i < names.length; i++) {
      const name = String.UTF8.encode(names.charAt(i));
      const at = changetype<usize>(this.bytes) + <usize>i * STRIDE;
      store<u64>(at, destinationId(changetype<usize>(name), name.byteLength));
      store<u32>(at, weights[i], 8);
    }
  }
  choose(key: u64): i32 {
    return chooseWeighted(key, changetype<usize>(this.bytes), this.names.length, STRIDE);
  }
  /** The letter chosen for the user with this number. */
  nameFor(user: i32, seed: u64 = 0): string {
    const text = String.UTF8.encode("user-" + user.toString());
    const index = this.choose(choiceKey(changetype<usize>(text), text.byteLength, seed));
    return index < 0 ? "" : this.names.charAt(index);
  }
}

describe("negativeLog", () => {
  it("is the logarithm to the last bits", () => {
    let bits: u64 = 0x123456789abcdef;
    for (let i = 0; i < 10_000; i++) {
      bits = bits * 6364136223846793005 + 1442695040888963407;
      const value = bits >> (i & 31);
      const u = (<f64>(value >> 12) + 0.5) / 4503599627370496.0;
      const expected = -Math.log(u) * 274877906944.0;
      const error = abs(<f64>negativeLog(value) - expected);
      // One unit of rounding down, and the rounding of both logarithms near 2^43.
      if (error > 1.01) expect(error).toBeLessThanOrEqual(1.01, "error in units of 2^-38");
    }
    expect(negativeLog(0)).toBeGreaterThan(negativeLog(1 << 12));
  });

  it("stays positive and below 2^44 at the ends", () => {
    expect(negativeLog(u64.MAX_VALUE)).toBe(1);
    expect(negativeLog(0) >> 44).toBe(0);
  });

  it("never changes", () => {
    expect(negativeLog(0)).toBe(10098134848411, "smallest u");
    expect(negativeLog(0x8000000000000000)).toBe(190530846196, "a half");
    expect(negativeLog(0x123456789abcdef0)).toBe(726642957570, "a number");
  });
});

describe("chooseWeighted", () => {
  it("never changes who is where", () => {
    const choices = new Choices("ab", [5, 95]);
    const name = String.UTF8.encode("default/canary");
    const seed = choiceSeed(changetype<usize>(name), name.byteLength);
    let chosen = "";
    for (let user = 0; user < 64; user++) chosen += choices.nameFor(user, seed);
    expect(chosen).toBe("bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbabbabbbbbbbbbbbbbbbb");
  });

  it("shares keys by weight", () => {
    const choices = new Choices("abcd", [5, 15, 30, 50]);
    const shares: StaticArray<f64> = [0.05, 0.15, 0.3, 0.5];
    const counts = new StaticArray<i32>(4);
    for (let user = 0; user < 100_000; user++) counts[choices.names.indexOf(choices.nameFor(user))] += 1;
    for (let i = 0; i < 4; i++) {
      const deviation = Math.sqrt(100_000 * shares[i] * (1 - shares[i]));
      expect(abs(<f64>counts[i] - 100_000 * shares[i])).toBeLessThan(4 * deviation, choices.names.charAt(i));
    }
  });

  it("shares keys by extreme weights", () => {
    const choices = new Choices("ab", [1_000, 999_000]);
    let rare = 0;
    for (let user = 0; user < 100_000; user++) if (choices.nameFor(user) === "a") rare += 1;
    expect(abs(rare - 100)).toBeLessThan(40);
  });

  it("moves users only to the destination whose weight rises", () => {
    const before = new Choices("abc", [5, 45, 50]);
    const after = new Choices("abc", [20, 45, 50]);
    let moved = 0;
    for (let user = 0; user < 20_000; user++) {
      const now = after.nameFor(user);
      if (before.nameFor(user) === now) continue;
      moved += 1;
      if (now !== "a") expect(now).toBe("a", "a user moves elsewhere");
    }
    // 20/115 of all against 5/100 of all.
    expect(abs(moved - 2478)).toBeLessThan(4 * 47);
  });

  it("moves users only from the destination that goes", () => {
    const before = new Choices("abc", [20, 30, 50]);
    const after = new Choices("abc", [20, 0, 50]);
    for (let user = 0; user < 20_000; user++) {
      const was = before.nameFor(user);
      const now = after.nameFor(user);
      if (was !== "b" && was !== now) expect(now).toBe(was, "a user of another destination moves");
      if (now === "b") expect(now).not.toBe("b", "weight 0 is chosen");
    }
    expect(after.nameFor(0)).not.toBe("");
  });

  it("does not see the order or a common factor", () => {
    const plain = new Choices("abcd", [2, 4, 6, 14]);
    const turned = new Choices("dbca", [14, 4, 6, 2]);
    const scaled = new Choices("abcd", [3, 6, 9, 21]);
    const large = new Choices("abcd", [149_796, 299_592, 449_388, 1_048_572]);
    for (let user = 0; user < 20_000; user++) {
      const name = plain.nameFor(user);
      if (turned.nameFor(user) !== name) expect(turned.nameFor(user)).toBe(name, "order");
      if (scaled.nameFor(user) !== name) expect(scaled.nameFor(user)).toBe(name, "factor 3/2");
      if (large.nameFor(user) !== name) expect(large.nameFor(user)).toBe(name, "factor 74,898");
    }
    expect(plain.names.length).toBe(4);
  });

  it("is drawn anew under another seed", () => {
    const choices = new Choices("ab", [50, 50]);
    let same = 0;
    for (let user = 0; user < 10_000; user++) {
      if (choices.nameFor(user, 1) === choices.nameFor(user, 2)) same += 1;
    }
    expect(abs(same - 5_000)).toBeLessThan(200);
  });

  it("chooses nothing where there is nothing", () => {
    expect(new Choices("ab", [0, 0]).choose(1)).toBe(-1, "all weights 0");
    expect(new Choices("", []).choose(1)).toBe(-1, "no destination");
    expect(new Choices("ab", [0, 1]).choose(1)).toBe(1, "one left");
  });
});
