// The release module of the rate limit filter in host/, with many workers over one store: every order of their
// shared-data calls on small limits, long virtual time, and what configuring does to shared data.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { projectRoot } from "../envoy/root.ts";
import { type CompiledModule, compileModule, Host, type Outcome, Random } from "../host/index.ts";
import { explore, suspendable } from "../host/interleave.ts";
import type { RateLimit, RateLimitConfig } from "../schema/generated/types.ts";
import { type Admission, overBound } from "./rate-limit-kit.ts";

const SECOND = 1_000_000_000n;

let module: CompiledModule;
before(async () => {
  module = await compileModule(await readFile(join(projectRoot, "build/filters/rate_limit.wasm")));
});

const limits = (...list: RateLimit[]): RateLimitConfig => ({ policies: [{ name: "ns/p", limits: list }] });

function started(
  options: { workers: number; module?: CompiledModule; seed?: number },
  config: RateLimitConfig,
): Host {
  const host = new Host({
    module: options.module ?? module,
    workers: options.workers,
    seed: options.seed ?? 1,
  });
  configure(host, config);
  return host;
}

function configure(host: Host, config: RateLimitConfig): void {
  const { ok, refusal } = host.configure(JSON.stringify(config));
  assert.ok(ok, JSON.stringify(refusal));
}

const isAdmitted = (outcome: Outcome): boolean => {
  assert.equal(outcome.trap, undefined);
  return outcome.action === "continue";
};

function ask(host: Host, worker: number, headers: [string, string][] = []): boolean {
  const stream = host.workers[worker]?.request({
    headers: [[":method", "GET"], [":path", "/"], [":authority", "a"], ...headers],
  });
  assert.ok(stream !== undefined);
  const outcome = stream.requestHeaders();
  stream.end();
  return isAdmitted(outcome);
}

describe("every order of shared-data calls", () => {
  const rows = [
    {
      name: "2 workers, one unit",
      workers: 2,
      config: limits({ name: "a", requests: 1, per: "1h" }),
      admitted: 1,
    },
    {
      name: "3 workers, one unit",
      workers: 3,
      config: limits({ name: "a", requests: 1, per: "1h" }),
      admitted: 1,
    },
    {
      name: "3 workers, two units",
      workers: 3,
      config: limits({ name: "a", requests: 2, per: "1h" }),
      admitted: 2,
    },
    {
      name: "3 workers, one key",
      workers: 3,
      config: limits({ name: "a", key: [{ header: "uid" }], requests: 2, per: "1h", maxKeys: 10 }),
      admitted: 2,
    },
    {
      name: "2 workers, two limits, of which one gives back",
      workers: 2,
      config: limits({ name: "a", requests: 5, per: "1h" }, { name: "b", requests: 1, per: "1h" }),
      admitted: 1,
    },
    {
      name: "2 workers, a key and a limit without",
      workers: 2,
      config: limits(
        { name: "a", key: [{ header: "uid" }], requests: 5, per: "1h", maxKeys: 10 },
        { name: "b", requests: 1, per: "1h" },
      ),
      admitted: 1,
    },
  ];
  for (const row of rows)
    test(row.name, async () => {
      const paused = await suspendable(module);
      const headers = [
        [":method", "GET"],
        [":path", "/"],
        [":authority", "a"],
        ["uid", "1"],
      ] as const;
      const { orders, complete } = explore({
        make: () => started({ workers: row.workers, module: paused }, row.config),
        requests: (host) => host.workers.map((worker) => worker.request({ headers })),
        check: (_, outcomes, order) =>
          assert.equal(outcomes.filter(isAdmitted).length, row.admitted, `order ${order.join("")}`),
        limit: 3000,
      });
      assert.ok(complete || orders === 3000, `${orders} orders`);
      assert.ok(orders >= 6);
    });
});

describe("virtual time", () => {
  /** Requests at random on random workers; every admission with the moment of its decision. */
  function run(
    config: RateLimitConfig,
    options: { workers: number; requests: number; pauseNs: number; stepsWall?: boolean },
  ) {
    const host = started({ workers: options.workers }, config);
    const random = new Random(11);
    const admissions: Admission[] = [];
    let now = 0n;
    for (let i = 0; i < options.requests; i++) {
      const pause = BigInt(random.below(2 * options.pauseNs));
      host.skip(pause);
      now += pause;
      if (options.stepsWall === true && i % 500 === 0) host.stepWall(i % 1000 === 0 ? 3_600_000 : -3_600_000);
      if (ask(host, random.below(options.workers))) admissions.push({ moment: now, cost: 1n });
    }
    return { admissions, now };
  }

  test("days at ten times a limit of 1,000 a day", () => {
    const { admissions, now } = run(limits({ name: "a", requests: 1000, per: "24h" }), {
      workers: 4,
      requests: 30_000,
      pauseNs: 8_640_000_000,
    });
    assert.equal(overBound(admissions, 86_400_000_000n, 1000n), undefined);
    const bound = 1000 + Number(now / 86_400_000_000n);
    assert.ok(admissions.length >= bound - 3, `${admissions.length} of ${bound}`);
  });

  test("a wall clock that steps by an hour makes no difference", () => {
    const options = { workers: 3, requests: 5000, pauseNs: 500_000 };
    const config = limits({ name: "a", requests: 1000, per: "1s", burst: 200 });
    const steady = run(config, options);
    const stepped = run(config, { ...options, stepsWall: true });
    assert.deepEqual(stepped.admissions, steady.admissions);
    assert.equal(overBound(steady.admissions, SECOND / 1000n, 200n), undefined);
  });

  test("with 1, 2 and 4 workers at ten times the limit: within the bound, at least 97 % of it", () => {
    for (const workers of [1, 2, 4]) {
      const { admissions, now } = run(limits({ name: "a", requests: 1000, per: "1s", burst: 100 }), {
        workers,
        requests: 40_000,
        pauseNs: 100_000,
      });
      assert.equal(overBound(admissions, SECOND / 1000n, 100n), undefined);
      const bound = 100 + Number(now) / 1e6;
      assert.ok(admissions.length >= 0.97 * bound, `${workers} workers: ${admissions.length} of ${bound}`);
    }
  });

  test("below the limit nothing is refused, and few requests touch shared data", () => {
    const host = started({ workers: 4 }, limits({ name: "a", requests: 20_000, per: "1s" }));
    const random = new Random(3);
    for (let i = 0; i < 2000; i++) {
      host.skip(BigInt(random.below(200_000)));
      assert.ok(ask(host, i % 4));
    }
    host.resetCounts();
    for (let i = 0; i < 10_000; i++) {
      host.skip(BigInt(random.below(200_000)));
      assert.ok(ask(host, i % 4));
    }
    const reads = host.counts().proxy_get_shared_data?.calls ?? 0;
    assert.ok(reads < 1500, `${reads} reads in 10,000 requests`);
  });
});

describe("shared data", () => {
  const keysOf = (host: Host): string[] => [...host.sharedData().entries()].map(([key]) => key);

  test("renaming limits 1,000 times leaves shared data and memory constant", () => {
    const host = started({ workers: 2 }, limits({ name: "limit-0", requests: 10, per: "1s" }));
    const rename = (i: number) => {
      configure(host, limits({ name: `limit-${i}`, requests: 10, per: "1s" }));
      assert.ok(ask(host, i % 2));
      host.skip(SECOND);
    };
    for (let i = 1; i <= 50; i++) rename(i);
    const keys = keysOf(host).length;
    const memory = host.workers.map((worker) => worker.memoryBytes);
    for (let i = 51; i <= 1000; i++) rename(i);
    assert.equal(keysOf(host).length, keys);
    assert.deepEqual(
      host.workers.map((worker) => worker.memoryBytes),
      memory,
    );
  });

  test("a limit that comes back within ten seconds has its state", () => {
    const config = limits({ name: "a", requests: 3, per: "24h" });
    const host = started({ workers: 2 }, config);
    assert.deepEqual(
      [0, 1, 0, 1].map((worker) => ask(host, worker)),
      [true, true, true, false],
    );
    configure(host, limits({ name: "b", requests: 3, per: "24h" }));
    assert.ok(ask(host, 0));
    host.skip(5n * SECOND);
    configure(host, config);
    // A return to an older configuration is taken for one after two seconds at most; the cell is there at once.
    assert.equal(ask(host, 0), false);
  });

  test("a return to older rates within two seconds is in force when they are over", () => {
    const few = limits({ name: "a", requests: 10, per: "1s" });
    const host = started({ workers: 1 }, few);
    configure(host, limits({ name: "a", requests: 1000, per: "1s" }));
    configure(host, few);
    host.skip(3n * SECOND);
    let admitted = 0;
    for (let i = 0; i < 30; i++) if (ask(host, 0)) admitted += 1;
    assert.equal(admitted, 10);
  });

  test("the pool doubles without forgetting a key", () => {
    const keyed = (maxKeys: number) =>
      limits({ name: "a", key: [{ header: "uid" }], requests: 1, per: "24h", maxKeys });
    const host = started({ workers: 2 }, keyed(400));
    for (let i = 0; i < 200; i++) assert.ok(ask(host, 0, [["uid", `${i}`]]), `key ${i}`);
    for (const maxKeys of [900, 5000, 20_000]) {
      configure(host, keyed(maxKeys));
      for (let i = 0; i < 200; i++)
        assert.equal(ask(host, i % 2, [["uid", `${i}`]]), false, `key ${i} of ${maxKeys}`);
    }
  });

  test("a cell of another shape refuses and counts, and never traps", () => {
    const host = started({ workers: 1 }, limits({ name: "a", requests: 3, per: "1h" }));
    const cell = keysOf(host).find((key) => key.startsWith("sluice.1.rl.c"));
    assert.ok(cell !== undefined);
    for (const value of ["", "x", "x".repeat(80), "\0".repeat(80), "x".repeat(5000)]) {
      host.sharedData().set(cell, value);
      assert.equal(ask(host, 0), false);
    }
    assert.equal(host.metrics().counters["sluice_filter_errors_total\x1freason=bad_cell"], 5);
  });

  test("a race that is lost 256 times is refused and counted", () => {
    const host = started({ workers: 1 }, limits({ name: "a", requests: 3, per: "1h" }));
    host.inject("proxy_set_shared_data", () => 8);
    assert.equal(ask(host, 0), false);
    const name = "sluice_rate_limit_contended_total\x1fpolicy=ns/p\x1flimit=a";
    assert.equal(host.metrics().counters[name], 1);
  });

  test("no room for a key: evicted where the limit says so, refused where it says that", () => {
    const keyed = (onFull: "evict" | "refuse") =>
      limits({ name: "a", key: [{ header: "uid" }], requests: 2, per: "24h", maxKeys: 1, onFull });
    // One page of ten entries.
    const evicting = started({ workers: 1 }, keyed("evict"));
    assert.ok(ask(evicting, 0, [["uid", "victim"]]) && ask(evicting, 0, [["uid", "victim"]]));
    for (let i = 0; i < 100; i++) assert.ok(ask(evicting, 0, [["uid", `${i}`]]));
    const evicted = "sluice_rate_limit_evicted_total\x1fpolicy=ns/p\x1flimit=a";
    assert.equal(evicting.metrics().counters[evicted], 91);
    assert.equal(ask(evicting, 0, [["uid", "victim"]]), false, "who has used most is forgotten last");
    const refusing = started({ workers: 1 }, keyed("refuse"));
    const admitted = Array.from({ length: 100 }, (_, i) => ask(refusing, 0, [["uid", `${i}`]]));
    assert.equal(admitted.filter((one) => one).length, 10);
    assert.equal(refusing.metrics().counters["sluice_filter_errors_total\x1freason=no_room_for_key"], 90);
  });

  test("a flood of refusals touches nothing shared", () => {
    for (const key of [undefined, [{ header: "uid" }]]) {
      const limit = { name: "a", requests: 2, per: "1h", ...(key === undefined ? {} : { key, maxKeys: 10 }) };
      const host = started({ workers: 1 }, limits(limit));
      for (let i = 0; i < 3; i++) ask(host, 0, [["uid", "1"]]);
      host.resetCounts();
      for (let i = 0; i < 1000; i++) assert.equal(ask(host, 0, [["uid", "1"]]), false);
      assert.equal(host.counts().proxy_get_shared_data?.calls ?? 0, 0);
    }
  });
});
