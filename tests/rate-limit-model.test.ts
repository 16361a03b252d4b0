// The promise of docs/rate-limiting.md over interleavings: each worker is a coroutine that stops before every reading
// of the clock, every read and every compare-and-set, and a schedule says who goes on next and when time passes.

import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { Random } from "../host/index.ts";
import { type Admission, compileKit, type Kit, overBound, Shared } from "./rate-limit-kit.ts";

let kit: Kit;
before(async () => {
  kit = await compileKit();
});

const START = 3_600_000_000_000n;
const SECOND = 1_000_000_000n;
// Records of the model, far above what the kit's own data take.
const BASE = 65_536;
const LEASE = 48;

/** The world of one schedule: cells, time, and what was admitted. */
class World {
  now = START;
  readonly cells: Shared[] = [];
  readonly admitted: Admission[] = [];
  refused = 0;
  /** What one bucket, asked once per arrival, would have admitted. */
  ideal = 0;
  sharedCalls = 0;
  readonly #kit: Kit;

  constructor(limits: { spacing: bigint; burst: bigint }[]) {
    this.#kit = kit;
    new Uint8Array(kit.memory.buffer).fill(0, BASE, BASE + 32_768);
    for (const [i, limit] of limits.entries()) {
      this.#kit.newCell(BASE + i * 128, START, limit.spacing, limit.burst);
      this.cells.push(new Shared(kit, BASE + i * 128, kit.cellSize.value));
    }
  }

  cell(index: number): Shared {
    const cell = this.cells[index];
    assert.ok(cell !== undefined);
    return cell;
  }
}

interface Place {
  copy: number;
  lease: number;
  refusal: number;
}

/** Addresses of a worker's copy, lease and memory of refusals of a cell; without leases, of one that stays empty. */
function place(worker: number, cell: number, leases: boolean): Place {
  const at = BASE + 1024 + worker * 1024 + cell * 256;
  const lease = at + 128;
  if (!leases) new Uint8Array(kit.memory.buffer).fill(0, lease, lease + LEASE);
  return { copy: at, lease, refusal: lease + LEASE };
}

type Steps = Generator<void, void, void>;

/** What a request has charged to one cell. */
interface Charge {
  cell: number;
  generation: number;
  moment: bigint;
  spent: bigint;
  until: bigint;
  charged: bigint;
}

/** A request of one worker on cells 0..limits-1, step by step as the filter takes them. */
function* request(world: World, worker: number, cost: bigint, limits: number, settings: Settings): Steps {
  let now = world.now;
  const versions: number[] = [];
  const moments: bigint[] = [];
  const places = Array.from({ length: limits }, (_, i) => place(worker, i, settings.leases));
  for (const p of places) {
    const rest = cost - kit.payableBy(p.lease, now, cost);
    if (!settings.remembers || rest === 0n || !kit.isRemembered(p.refusal, now, rest)) continue;
    world.refused += 1;
    return;
  }
  function* look(i: number, p: Place): Generator<void, boolean, void> {
    yield;
    world.sharedCalls += 1;
    versions[i] = world.cell(i).read(p.copy);
    moments[i] = kit.lookAtCell(p.copy, now, world.now, cost, p.lease, p.refusal);
    return (moments[i] ?? 0n) >= 0n;
  }
  for (const [i, p] of places.entries()) {
    if (kit.payableBy(p.lease, now, cost) === cost || (yield* look(i, p))) continue;
    world.refused += 1;
    return;
  }
  const charges: Charge[] = [];
  for (const [i, p] of places.entries()) {
    for (let tries = 0; ; tries++) {
      if (kit.payableBy(p.lease, now, cost) === cost) {
        const until = kit.spendLease(p.lease, cost);
        charges.push({ cell: i, generation: 0, moment: now, spent: cost, until, charged: 0n });
        break;
      }
      const moment = moments[i] ?? 0n;
      const spent = kit.payableBy(p.lease, moment, cost);
      const tokens = kit.chargeCell(p.copy, moment, cost, p.lease);
      yield;
      world.sharedCalls += 1;
      if (world.cell(i).replace(p.copy, versions[i] ?? 0)) {
        const until = kit.spendLease(p.lease, spent);
        if (settings.leases) kit.extendLease(p.lease, p.copy, tokens);
        charges.push({
          cell: i,
          generation: kit.generationOf(p.copy),
          moment,
          spent,
          until,
          charged: cost - spent,
        });
        break;
      }
      now = world.now;
      if (tries < 256 && (yield* look(i, p))) continue;
      for (const charge of charges) yield* undo(world, place(worker, charge.cell, settings.leases), charge);
      world.refused += 1;
      return;
    }
  }
  if (settings.leases) for (const p of places) kit.noteLeaseUse(p.lease, now, cost);
  settings.onAdmitted?.(charges.map((charge) => charge.moment));
  world.admitted.push({ moment: charges[0]?.moment ?? now, cost });
}

function* undo(world: World, p: Place, charge: Charge): Steps {
  if (charge.spent > 0n) kit.unspendLease(p.lease, charge.until, charge.spent);
  for (let tries = 0; charge.charged > 0n && tries < 256; tries++) {
    yield;
    world.sharedCalls += 1;
    const version = world.cell(charge.cell).read(p.copy);
    yield;
    kit.giveBackToCell(p.copy, world.now, charge.moment, charge.charged, charge.generation);
    yield;
    world.sharedCalls += 1;
    if (world.cell(charge.cell).replace(p.copy, version)) return;
  }
}

const chance = (random: Random) => random.below(1 << 30) / (1 << 30);

interface Settings {
  leases: boolean;
  remembers: boolean;
  onAdmitted?: (moments: bigint[]) => void;
}

interface Run {
  steps: Steps[];
  /** All do the same: the second starts after the first, and so on, which loses no schedule but renamings. */
  areAlike: boolean;
  ticks: number;
  tick(): void;
  check(schedule: number[]): void;
}

/**
 * Runs every schedule: at each point a worker that is not done takes a step, or time passes while `ticks` last.
 * Returns how many there are. Schedules are replayed from the start, in the order of their choices.
 */
function everySchedule(make: () => Run): number {
  const choices: number[] = [];
  const options: number[] = [];
  for (let schedules = 1; ; schedules++) {
    const run = make();
    const waiting = run.areAlike ? [...run.steps] : [];
    const live: Steps[] = run.areAlike ? [] : [...run.steps];
    let ticks = run.ticks;
    let depth = 0;
    while (live.length + waiting.length > 0) {
      const choice = choices[depth] ?? 0;
      choices[depth] = choice;
      const starts = waiting.length > 0 ? 1 : 0;
      options[depth] = live.length + starts + (ticks > 0 ? 1 : 0);
      depth += 1;
      const next = waiting[0];
      if (choice < live.length) {
        if (live[choice]?.next().done) live.splice(choice, 1);
      } else if (choice === live.length && next !== undefined) {
        waiting.shift();
        if (!next.next().done) live.push(next);
      } else {
        run.tick();
        ticks -= 1;
      }
    }
    run.check(choices);
    choices.length = depth;
    while (choices.length > 0) {
      const last = choices.length - 1;
      choices[last] = (choices[last] ?? 0) + 1;
      if ((choices[last] ?? 0) < (options[last] ?? 0)) break;
      choices.pop();
    }
    if (choices.length === 0) return schedules;
  }
}

function* series(...parts: Steps[]): Steps {
  for (const part of parts) yield* part;
}

describe("all interleavings of one limit", () => {
  const plain: Settings = { leases: false, remembers: true };
  const rows = [
    { name: "2 workers, 2 requests each, burst 2", workers: 2, requests: 2, burst: 2n, ticks: 1, least: 2 },
    { name: "3 workers, burst 1", workers: 3, requests: 1, burst: 1n, ticks: 1, least: 1 },
    { name: "3 workers, burst 2", workers: 3, requests: 1, burst: 2n, ticks: 1, least: 2 },
    { name: "4 workers, burst 1", workers: 4, requests: 1, burst: 1n, ticks: 0, least: 1 },
  ];
  for (const row of rows)
    it(row.name, () => {
      const spacing = SECOND;
      const schedules = everySchedule(() => {
        const world = new World([{ spacing, burst: row.burst }]);
        const steps = Array.from({ length: row.workers }, (_, worker) =>
          series(...Array.from({ length: row.requests }, () => request(world, worker, 1n, 1, plain))),
        );
        return {
          steps,
          areAlike: true,
          ticks: row.ticks,
          tick: () => {
            world.now += SECOND;
          },
          check: (schedule) => {
            const over = overBound(world.admitted, spacing, row.burst);
            assert.equal(over, undefined, `over the bound in schedule ${schedule}`);
            assert.ok(world.admitted.length >= row.least, `a full bucket gives its burst: ${schedule}`);
          },
        };
      });
      assert.ok(schedules > 1000, `${schedules} schedules`);
    });
});

describe("all interleavings of two limits with give-backs", () => {
  it("2 workers race for the last unit of the second limit", () => {
    const spacings = [SECOND, 3n * SECOND];
    let voided = 0;
    const schedules = everySchedule(() => {
      const world = new World([
        { spacing: SECOND, burst: 2n },
        { spacing: 3n * SECOND, burst: 1n },
      ]);
      const byLimit: Admission[][] = [[], []];
      const settings: Settings = {
        leases: false,
        remembers: false,
        onAdmitted: (moments) => {
          for (const [i, moment] of moments.entries()) byLimit[i]?.push({ moment, cost: 1n });
        },
      };
      const steps = [0, 1].map((worker) => request(world, worker, 1n, 2, settings));
      return {
        steps,
        areAlike: true,
        ticks: 2,
        tick: () => {
          world.now += SECOND / 2n;
        },
        check: (schedule) => {
          assert.equal(
            overBound(byLimit[0] ?? [], spacings[0] ?? 0n, 2n),
            undefined,
            `first limit: ${schedule}`,
          );
          assert.equal(
            overBound(byLimit[1] ?? [], spacings[1] ?? 0n, 1n),
            undefined,
            `second limit: ${schedule}`,
          );
          assert.equal(world.admitted.length, 1, `one is admitted: ${schedule}`);
          // Whoever lost has given everything back that the first limit had not refilled.
          const left = kit.tokensIn(BASE, world.now);
          if (world.now - START < SECOND)
            assert.equal(left, 1n, `what was charged in vain is back: ${schedule}`);
          voided += 1;
        },
      };
    });
    assert.ok(schedules > 1000 && voided === schedules, `${schedules} schedules`);
  });
});

/** Runs requests of `workers` at random, each interleaved with others at every step, and time passing in between. */
function randomRun(options: {
  seed: number;
  workers: number;
  spacing: bigint;
  burst: bigint;
  requests: number;
  /** Mean pause of the whole system between two arrivals, in nanoseconds. */
  pauseNs: number;
  cost?: (random: Random) => bigint;
  worker?: (random: Random, now: bigint) => number;
  pause?: (random: Random, now: bigint) => bigint;
  leases?: boolean;
  /** Something else that happens on the way, in steps of its own. */
  interrupt?: { after: number; steps: (world: World) => Steps };
}): World {
  const random = new Random(options.seed);
  const world = new World([{ spacing: options.spacing, burst: options.burst }]);
  const settings: Settings = { leases: options.leases ?? true, remembers: true };
  // A worker has one thread: its requests run one after the other.
  const running: (Steps | undefined)[] = new Array(options.workers + 1).fill(undefined);
  let left = options.requests;
  let idealTat = START;
  const exponential = () => BigInt(Math.round(-Math.log(1 - chance(random)) * options.pauseNs));
  while (left > 0 || running.some((steps) => steps !== undefined)) {
    const busy = running.flatMap((steps, i) => (steps === undefined ? [] : [i]));
    if (left > 0 && (busy.length === 0 || chance(random) < 0.25)) {
      world.now += options.pause?.(random, world.now) ?? exponential();
      const worker = options.worker?.(random, world.now) ?? random.below(options.workers);
      left -= 1;
      if (left === options.interrupt?.after) running[options.workers] = options.interrupt.steps(world);
      if (running[worker] !== undefined) continue;
      const cost = options.cost?.(random) ?? 1n;
      running[worker] = request(world, worker, cost, 1, settings);
      const after = (idealTat > world.now ? idealTat : world.now) + cost * options.spacing;
      if (after > world.now + options.burst * options.spacing) continue;
      idealTat = after;
      world.ideal += Number(cost);
      continue;
    }
    const worker = busy[random.below(busy.length)] ?? 0;
    if (running[worker]?.next().done) running[worker] = undefined;
    if (chance(random) < 0.05) world.now += BigInt(random.below(20_000));
  }
  return world;
}

describe("random interleavings with leases", () => {
  const rows = [
    { name: "half of the rate, evenly", rate: 10_000n, burst: 10_000n, load: 0.5 },
    { name: "just below the rate", rate: 10_000n, burst: 10_000n, load: 0.95 },
    { name: "ten times the rate", rate: 10_000n, burst: 1_000n, load: 10 },
    { name: "a small burst", rate: 1_000n, burst: 20n, load: 2 },
    { name: "a million a second", rate: 1_000_000n, burst: 100_000n, load: 3 },
  ];
  for (const [index, row] of rows.entries())
    for (const workers of [2, 3, 4])
      it(`${row.name}, ${workers} workers`, () => {
        const spacing = kit.spacing(row.rate, SECOND);
        const world = randomRun({
          seed: 100 * index + workers,
          workers,
          spacing,
          burst: row.burst,
          requests: 60_000,
          pauseNs: 1e9 / (Number(row.rate) * row.load),
        });
        assert.equal(overBound(world.admitted, spacing, row.burst), undefined, "over the bound");
        const lost = Math.min(Number(row.rate) * 0.1, Number(row.burst) / 4) + 0.001 * world.ideal + 2;
        if (row.load < 1) assert.equal(world.refused, 0, "nothing is refused below the rate");
        const admitted = world.admitted.length;
        assert.ok(
          admitted >= world.ideal - lost,
          `${admitted} of ${world.ideal}, at most ${lost} may be lost`,
        );
      });

  it("touches shared data for few requests below the rate", () => {
    const world = randomRun({
      seed: 7,
      workers: 4,
      spacing: kit.spacing(100_000n, SECOND),
      burst: 100_000n,
      requests: 60_000,
      pauseNs: 1e9 / 40_000,
    });
    assert.equal(world.refused, 0);
    const perRequest = world.sharedCalls / world.admitted.length;
    assert.ok(perRequest < 0.1, `${perRequest} shared calls per request`);
  });

  it("gives the whole burst after a rest", () => {
    const spacing = kit.spacing(1000n, SECOND);
    const world = randomRun({
      seed: 9,
      workers: 4,
      spacing,
      burst: 500n,
      requests: 3000,
      pauseNs: 1e9 / 700,
    });
    world.now += 2n * SECOND;
    const before = world.admitted.length;
    const settings: Settings = { leases: true, remembers: true };
    for (let i = 0; i < 501; i++) for (const _ of request(world, i % 4, 1n, 1, settings));
    assert.equal(world.admitted.length - before, 500);
  });
});

describe("idle, bursty and unequal workers", () => {
  const spacing = 100_000n;
  const burst = 10_000n;
  const bounded = (world: World, least: number) => {
    assert.equal(overBound(world.admitted, spacing, burst), undefined, "over the bound");
    const units = world.admitted.reduce((sum, { cost }) => sum + Number(cost), 0);
    assert.ok(units >= least * world.ideal, `${units} of ${world.ideal}`);
  };

  it("traffic jumps from worker to worker, so that leases are stranded", () => {
    const world = randomRun({
      seed: 21,
      workers: 4,
      spacing,
      burst,
      requests: 80_000,
      pauseNs: 50_000,
      worker: (_, now) => Number((now / 60_000_000n) % 4n),
    });
    bounded(world, 0.97);
  });

  it("one worker takes 97 %, the others the rest", () => {
    const world = randomRun({
      seed: 22,
      workers: 4,
      spacing,
      burst,
      requests: 80_000,
      pauseNs: 60_000,
      worker: (random) => (chance(random) < 0.97 ? 0 : 1 + random.below(3)),
    });
    bounded(world, 0.97);
  });

  it("bursts of thousands with rests of a fraction of a second", () => {
    const world = randomRun({
      seed: 23,
      workers: 4,
      spacing,
      burst,
      requests: 80_000,
      pauseNs: 1,
      pause: (random) =>
        chance(random) < 0.0005 ? BigInt(random.below(900_000_000)) : BigInt(random.below(20_000)),
    });
    bounded(world, 0.97);
  });

  it("costs from 1 to 40", () => {
    const world = randomRun({
      seed: 24,
      workers: 3,
      spacing,
      burst,
      requests: 40_000,
      pauseNs: 1_000_000,
      cost: (random) => BigInt(1 + random.below(40)),
    });
    bounded(world, 0.97);
  });

  it("days of a limit of 100 per hour", () => {
    const world = randomRun({
      seed: 25,
      workers: 4,
      spacing: kit.spacing(100n, 3600n * SECOND),
      burst: 100n,
      requests: 20_000,
      pauseNs: 20e9,
    });
    assert.ok(world.now - START > 3n * 86_400n * SECOND);
    assert.equal(overBound(world.admitted, kit.spacing(100n, 3600n * SECOND), 100n), undefined);
    assert.ok(world.admitted.length >= world.ideal - 2, `${world.admitted.length} of ${world.ideal}`);
  });
});

/** An edit, step by step as the filter makes it. */
function* edit(world: World, spacing: bigint, burst: bigint): Steps {
  const copy = BASE + 24_576;
  for (let tries = 0; tries < 256; tries++) {
    yield;
    const version = world.cell(0).read(copy);
    yield;
    kit.rewriteCell(copy, world.now, spacing, burst);
    yield;
    if (world.cell(0).replace(copy, version)) return;
  }
}

describe("edits", () => {
  for (const { requests, ticks } of [
    { requests: 2, ticks: 0 },
    { requests: 1, ticks: 3 },
  ])
    it(`every interleaving of an edit with ${requests} requests, time passing ${ticks} times`, () => {
      const schedules = everySchedule(() => {
        const world = new World([{ spacing: SECOND, burst: 2n }]);
        const settings: Settings = { leases: false, remembers: false };
        const steps = [edit(world, 2n * SECOND, 1n)];
        for (let i = 0; i < requests; i++) steps.push(request(world, i, 1n, 1, settings));
        return {
          steps,
          areAlike: false,
          ticks,
          tick: () => {
            world.now += SECOND / 4n;
          },
          check: (schedule) => assert.equal(overBound(world.admitted, SECOND, 2n), undefined, `${schedule}`),
        };
      });
      assert.ok(schedules > 1000);
    });

  for (const seed of [1, 2, 3, 4, 5, 6])
    it(`an edit in the middle of traffic with leases, seed ${seed}`, () => {
      const random = new Random(seed);
      const rates = [
        { spacing: 100_000n, burst: 5000n },
        { spacing: BigInt(20_000 + random.below(500_000)), burst: BigInt(100 + random.below(9000)) },
      ];
      const [from, to] = seed % 2 === 0 ? [rates[0], rates[1]] : [rates[1], rates[0]];
      assert.ok(from !== undefined && to !== undefined);
      const world = randomRun({
        seed,
        workers: 4,
        ...from,
        requests: 40_000,
        pauseNs: 40_000,
        interrupt: { after: 20_000, steps: (running) => edit(running, to.spacing, to.burst) },
      });
      const spacing = Math.min(Number(from.spacing), Number(to.spacing));
      const burst = Math.max(Number(from.burst), Number(to.burst));
      const over = overBound(world.admitted, BigInt(spacing), BigInt(burst));
      assert.equal(over, undefined, "over the larger bound");
    });
});

describe("keys on pages", () => {
  const KEYS = 7;
  const burst = 3n;

  /** Requests of random keys on one page, which is split into two on the way, and its rates are edited. */
  function keyedRun(seed: number, edits: boolean): Map<bigint, Admission[]> {
    const random = new Random(seed);
    const world = new World([]);
    const memory = new Uint8Array(kit.memory.buffer);
    kit.newPage(BASE, 0);
    const pages = [new Shared(kit, BASE, 256), new Shared(kit, BASE + 256, 256)];
    const byKey = new Map<bigint, Admission[]>();
    let rates = { spacing: 1000n, burst };
    let level = 0;
    const keys = Array.from({ length: KEYS }, () => random.next64() | 1n);
    function* ask(worker: number, hash: bigint, own: { spacing: bigint; burst: bigint }): Steps {
      const now = world.now;
      const copy = BASE + 1024 + worker * 1024;
      for (let tries = 0; tries < 256; tries++) {
        yield;
        let index = kit.indexOf(hash, level);
        let version = pages[index]?.read(copy) ?? 0;
        if (kit.levelOf(copy) > level) {
          yield;
          index = kit.indexOf(hash, kit.levelOf(copy));
          version = pages[index]?.read(copy) ?? 0;
        }
        const moment = kit.lookAtPage(
          copy,
          hash,
          now,
          world.now,
          1n,
          own.spacing,
          own.burst,
          true,
          own === rates,
        );
        assert.equal(kit.hasEvicted(), 0, "seven keys fit");
        if (moment < 0n) return;
        kit.chargePage(moment, 1n);
        yield;
        if (!pages[index]?.replace(copy, version)) continue;
        const list = byKey.get(hash) ?? [];
        list.push({ moment, cost: 1n });
        byKey.set(hash, list);
        return;
      }
    }
    function* split(): Steps {
      const lower = BASE + 16_384;
      const upper = lower + 256;
      for (;;) {
        yield;
        const version = pages[0]?.read(lower) ?? 0;
        kit.split(lower, upper);
        yield;
        memory.copyWithin(BASE + 256, upper, upper + 256);
        yield;
        if (pages[0]?.replace(lower, version)) break;
      }
      level = 1;
    }
    const running: (Steps | undefined)[] = new Array(5).fill(undefined);
    for (let step = 0; step < 60_000; step++) {
      world.now += BigInt(random.below(120));
      if (step === 20_000) running[4] = split();
      if (edits && step === 40_000) rates = { spacing: 3000n, burst: 2n };
      const worker = random.below(5);
      if (running[worker] === undefined) {
        if (worker === 4) continue;
        running[worker] = ask(worker, keys[random.below(KEYS)] ?? 1n, rates);
      }
      if (running[worker]?.next().done) running[worker] = undefined;
    }
    return byKey;
  }

  for (const edits of [false, true])
    it(`each key keeps its bound while the pool doubles${edits ? " and the rates are edited" : ""}`, () => {
      for (let seed = 1; seed <= 10; seed++) {
        const byKey = keyedRun(seed, edits);
        assert.equal(byKey.size, KEYS);
        for (const [hash, admissions] of byKey)
          assert.equal(overBound(admissions, 1000n, burst), undefined, `key ${hash}, seed ${seed}`);
      }
    });
});
