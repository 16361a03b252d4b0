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

/** Addresses of a worker's copies, leases and memories of refusals, one per cell. */
const place = (worker: number, cell: number) => {
  const at = BASE + 1024 + worker * 1024 + cell * 256;
  return { copy: at, lease: at + 128, refusal: at + 128 + LEASE };
};

type Steps = Generator<void, void, void>;

/** A request of one worker on cells 0..limits-1, step by step as the filter takes them. */
function* request(world: World, worker: number, cost: bigint, limits: number, settings: Settings): Steps {
  const now = world.now;
  const versions: number[] = [];
  const moments: bigint[] = [];
  const untils: bigint[] = [];
  if (settings.remembers)
    for (let i = 0; i < limits; i++) {
      const p = place(worker, i);
      if (kit.isRemembered(p.refusal, now, cost)) {
        world.refused += 1;
        return;
      }
    }
  const onLease = (i: number) =>
    settings.leases && world.now >= 0n && leaseHas(place(worker, i).lease, now, cost);
  function* look(i: number): Generator<void, boolean, void> {
    const p = place(worker, i);
    yield;
    world.sharedCalls += 1;
    versions[i] = world.cell(i).read(p.copy);
    const moment = kit.lookAtCell(p.copy, now, cost, p.refusal);
    moments[i] = moment;
    return moment >= 0n;
  }
  for (let i = 0; i < limits; i++) {
    if (onLease(i)) continue;
    if (!(yield* look(i))) {
      world.refused += 1;
      return;
    }
  }
  const charged: { cell: number; generation: number }[] = [];
  for (let i = 0; i < limits; i++) {
    const p = place(worker, i);
    const until = settings.leases ? kit.spendLease(p.lease, now, cost) : 0n;
    untils[i] = until;
    if (until > 0n) {
      moments[i] = now;
      charged.push({ cell: i, generation: 0 });
      continue;
    }
    let tries = 0;
    for (;;) {
      const moment = moments[i] ?? 0n;
      const tokens = settings.leases
        ? kit.chargeCell(p.copy, moment, cost, p.lease, now)
        : chargePlain(p.copy, moment, cost, now);
      yield;
      world.sharedCalls += 1;
      if (world.cell(i).replace(p.copy, versions[i] ?? 0)) {
        if (settings.leases) kit.extendLease(p.lease, p.copy, tokens);
        charged.push({ cell: i, generation: kit.generationOf(p.copy) });
        break;
      }
      tries += 1;
      if (tries < 256 && (yield* look(i))) continue;
      yield* undo(world, worker, cost, charged, moments, untils);
      world.refused += 1;
      return;
    }
  }
  for (let i = 0; i < limits; i++) if (settings.leases) kit.noteLeaseUse(place(worker, i).lease, now, cost);
  settings.onAdmitted?.(moments);
  world.admitted.push({ moment: moments[0] ?? now, cost });
}

const NO_LEASE = BASE + 28_672;

function chargePlain(copy: number, moment: bigint, cost: bigint, now: bigint): bigint {
  new Uint8Array(kit.memory.buffer).fill(0, NO_LEASE, NO_LEASE + LEASE);
  return kit.chargeCell(copy, moment, cost, NO_LEASE, now);
}

function leaseHas(lease: number, now: bigint, cost: bigint): boolean {
  const view = new DataView(kit.memory.buffer);
  return now < view.getBigInt64(lease + 8, true) && view.getBigInt64(lease, true) >= cost;
}

function* undo(
  world: World,
  worker: number,
  cost: bigint,
  charged: { cell: number; generation: number }[],
  moments: bigint[],
  untils: bigint[],
): Steps {
  for (const { cell, generation } of charged) {
    const p = place(worker, cell);
    if ((untils[cell] ?? 0n) > 0n) {
      kit.unspendLease(p.lease, untils[cell] ?? 0n, cost);
      continue;
    }
    for (let tries = 0; tries < 256; tries++) {
      yield;
      world.sharedCalls += 1;
      const version = world.cell(cell).read(p.copy);
      yield;
      kit.giveBackToCell(p.copy, world.now, moments[cell] ?? 0n, cost, generation);
      yield;
      world.sharedCalls += 1;
      if (world.cell(cell).replace(p.copy, version)) break;
    }
  }
}

const chance = (random: Random) => random.below(1 << 30) / (1 << 30);

interface Settings {
  leases: boolean;
  remembers: boolean;
  onAdmitted?: (moments: bigint[]) => void;
}

interface Run {
  /** Workers, all alike: the second starts after the first, and so on, which loses no schedule but renamings. */
  steps: Steps[];
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
    const waiting = [...run.steps];
    const live: Steps[] = [];
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
}): World {
  const random = new Random(options.seed);
  const world = new World([{ spacing: options.spacing, burst: options.burst }]);
  const settings: Settings = { leases: options.leases ?? true, remembers: true };
  // A worker has one thread: its requests run one after the other.
  const running: (Steps | undefined)[] = new Array(options.workers).fill(undefined);
  let left = options.requests;
  const exponential = () => BigInt(Math.round(-Math.log(1 - chance(random)) * options.pauseNs));
  while (left > 0 || running.some((steps) => steps !== undefined)) {
    const busy = running.flatMap((steps, i) => (steps === undefined ? [] : [i]));
    if (left > 0 && (busy.length === 0 || chance(random) < 0.25)) {
      world.now += options.pause?.(random, world.now) ?? exponential();
      const worker = options.worker?.(random, world.now) ?? random.below(options.workers);
      left -= 1;
      running[worker] ??= request(world, worker, options.cost?.(random) ?? 1n, 1, settings);
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
        const seconds = Number(world.now - START) / 1e9;
        const left = Number(kit.tokensIn(BASE, world.now));
        const bound = Number(row.burst) + seconds * Number(row.rate) - left;
        if (row.load < 1) assert.equal(world.refused, 0, "nothing is refused below the rate");
        const admitted = world.admitted.length;
        // Only where it was offered more than the bound all along.
        if (admitted + world.refused > 1.5 * bound) {
          const lost = Math.min(Number(row.rate) * 0.1, Number(row.burst) / 4) + 0.001 * bound + 2;
          assert.ok(admitted >= bound - lost, `${admitted} of ${bound}, at most ${lost} may be lost`);
        }
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
  const bounded = (world: World) => assert.equal(overBound(world.admitted, spacing, burst), undefined);

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
    bounded(world);
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
    bounded(world);
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
    bounded(world);
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
    bounded(world);
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
    const bound = 100 + Number((world.now - START) / SECOND) / 36 - Number(kit.tokensIn(BASE, world.now));
    assert.ok(world.admitted.length > bound - 2, `${world.admitted.length} of ${bound}`);
  });
});
