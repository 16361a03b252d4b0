// The fault filter's promises in host/, where time and chance are the test's: shares, waiting in great numbers,
// edits meanwhile, the bound over all workers, and no tick while nothing waits.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { projectRoot } from "../envoy/root.ts";
import { type CompiledModule, compileModule, Host, type Stream } from "../host/index.ts";
import { explore, suspendable } from "../host/interleave.ts";
import type { Fault, FaultConfig } from "../schema/generated/types.ts";

const drawn = 100_000;
const deviations = 4;

let module: CompiledModule;
before(async () => {
  module = await compileModule(await readFile(join(projectRoot, "build/filters/fault.wasm")));
});

type Policy = Omit<FaultConfig["policies"][number], "name">;

function start(policy: Policy, options: { workers?: number; module?: CompiledModule } = {}): Host {
  const host = new Host({ module: options.module ?? module, workers: options.workers ?? 1 });
  configure(host, policy);
  return host;
}

function configure(host: Host, policy: Policy, more: Partial<FaultConfig> = {}): void {
  const result = host.configure(JSON.stringify({ policies: [{ name: "ns/p", ...policy }], ...more }));
  assert.ok(result.ok, JSON.stringify(result));
}

function request(host: Host, headers: Record<string, string> = {}, worker = 0): Stream {
  const of = host.workers[worker];
  assert.ok(of !== undefined);
  return of.request({
    headers: [[":method", "GET"], [":path", "/"], [":authority", "a"], ...Object.entries(headers)],
  });
}

/** A request up to where the filter lets it go, holds it or answers it. */
function begin(host: Host, headers: Record<string, string> = {}, worker = 0): Stream {
  const stream = request(host, headers, worker);
  assert.equal(stream.requestHeaders().trap, undefined);
  return stream;
}

/** The whole of a request that is not held; whether the filter answered it. */
function isAborted(host: Host): boolean {
  const stream = begin(host);
  const aborted = stream.state === "replied";
  if (!aborted) stream.response({ headers: [[":status", "200"]] });
  stream.end();
  return aborted;
}

const hold = (ms: number): Policy => ({
  faults: [{ name: "slow", percentage: 100, delay: { fixed: `${ms}ms` } }],
});

describe("shares", () => {
  for (const percentage of [0.1, 1, 50, 99.9]) {
    test(`${percentage} % of ${drawn} requests, within ${deviations} standard deviations`, () => {
      const host = start({ faults: [{ name: "f", percentage, abort: { httpStatus: 503 } }] });
      let hit = 0;
      for (let i = 0; i < drawn; i++) if (isAborted(host)) hit++;
      const p = percentage / 100;
      const off = Math.abs(hit - drawn * p);
      assert.ok(off <= deviations * Math.sqrt(drawn * p * (1 - p)), `${hit} of ${drawn}`);
    });
  }

  test("delay and abort of one fault roll dice of their own", () => {
    const fault: Fault = { name: "f", percentage: 50, delay: { fixed: "1ms" }, abort: { httpStatus: 503 } };
    const host = start({ faults: [fault] });
    const outcomes: Record<string, number> = {};
    for (let i = 0; i < 4_000; i++) {
      const stream = begin(host);
      const isHeld = stream.state === "held";
      if (isHeld) host.advance(2);
      const outcome = `${isHeld ? "held, " : ""}${stream.state}`;
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
      stream.end();
    }
    for (const [outcome, count] of Object.entries(outcomes))
      assert.ok(Math.abs(count - 1000) < 4 * Math.sqrt(4_000 * 0.25 * 0.75), `${outcome}: ${count}`);
    assert.deepEqual(Object.keys(outcomes).sort(), [
      "continued",
      "held, continued",
      "held, replied",
      "replied",
    ]);
  });
});

describe("waiting", () => {
  test("10,000 at once, half of the clients leaving: all others go on, memory stays as it was", () => {
    const host = start({
      faults: [{ name: "slow", percentage: 100, delay: { uniform: { min: "1s", max: "3s" } } }],
    });
    const round = (): void => {
      const streams = Array.from({ length: 10_000 }, () => begin(host));
      assert.ok(streams.every((stream) => stream.state === "held"));
      for (const [i, stream] of streams.entries()) if (i % 2 === 0) stream.end();
      host.advance(3_010);
      for (const [i, stream] of streams.entries()) {
        if (i % 2 === 0) continue;
        assert.equal(stream.state, "continued");
        stream.response({ headers: [[":status", "200"]] });
        stream.end();
      }
      assert.equal(gauge(host), 0);
    };
    round();
    const settled = host.workers[0].memoryBytes;
    round();
    assert.equal(host.workers[0].memoryBytes, settled);
    assert.equal(host.workers[0].contexts, 1);
  });

  test("never early, and at most a tick late", () => {
    const host = start(hold(137));
    const stream = begin(host);
    host.advance(136.9);
    assert.equal(stream.state, "held");
    host.advance(2);
    assert.equal(stream.state, "continued");
  });

  test("one that is due before all others is not kept waiting by them", () => {
    const host = start({
      faults: [
        { name: "long", percentage: 100, match: [{ headers: { long: {} } }], delay: { fixed: "60s" } },
        { name: "short", percentage: 100, delay: { fixed: "7ms" } },
      ],
    });
    const long = begin(host, { long: "1" });
    host.advance(1_003);
    const short = begin(host);
    host.advance(8);
    assert.equal(short.state, "continued");
    host.advance(58_900);
    assert.equal(long.state, "held");
    host.advance(110);
    assert.equal(long.state, "continued");
  });

  test("no tick while nothing waits, and never one on the main thread", () => {
    const host = start(hold(20));
    host.advance(5_000);
    assert.equal(host.callbacks().proxy_on_tick, undefined);
    const gone = begin(host);
    gone.end();
    host.advance(1_000);
    const afterwards = host.callbacks().proxy_on_tick ?? 0;
    assert.ok(afterwards <= 1, `${afterwards} ticks`);
    host.advance(60_000);
    assert.equal(host.callbacks().proxy_on_tick ?? 0, afterwards);
    assert.equal(host.main.nextDueNs(), undefined);
  });

  test("an edit meanwhile: they finish under the old configuration", () => {
    const host = start({
      faults: [
        { name: "old", percentage: 100, delay: { fixed: "1s" }, abort: { httpStatus: 418, body: "old" } },
      ],
    });
    const before = begin(host);
    for (let edit = 0; edit < 20; edit++) {
      configure(host, { faults: [{ name: `new-${edit}`, percentage: 100, abort: { httpStatus: 500 } }] });
      assert.equal(begin(host).localReply?.status, 500);
    }
    host.advance(999);
    assert.equal(before.state, "held");
    host.advance(3);
    assert.equal(before.localReply?.status, 418);
    assert.equal(before.localReply?.body, "old");
    before.end();
    assert.equal(gauge(host), 0);
  });

  test("the kill switch lets those that wait finish", () => {
    const host = start(hold(50));
    const before = begin(host);
    configure(host, hold(50), { disabled: true });
    assert.equal(begin(host).state, "continued");
    host.advance(52);
    assert.equal(before.state, "continued");
  });

  test("a full table of streams: what finds no place passes, and is counted", () => {
    const host = new Host({ module });
    configure(host, hold(50), { maxStreams: 64 });
    const streams = Array.from({ length: 70 }, () => begin(host));
    assert.equal(streams.filter((stream) => stream.state === "held").length, 64);
    assert.equal(counter(host, "slow", "overflow"), 6);
    for (const stream of streams) stream.end();
    assert.equal(begin(host).state, "held");
  });
});

describe("maxActive", () => {
  for (const { workers, maxActive, limit } of [
    { workers: 2, maxActive: 1, limit: 100_000 },
    { workers: 3, maxActive: 2, limit: 400 },
  ]) {
    test(`is never passed by ${workers} workers, in any order of their calls`, async () => {
      const interruptible = await suspendable(module);
      const policy: Policy = { ...hold(1_000), maxActive };
      const { orders, complete } = explore({
        make: () => start(policy, { workers, module: interruptible }),
        requests: (host) => host.workers.map((_, worker) => request(host, {}, worker)),
        check: (_host, outcomes) => {
          const held = outcomes.filter(({ action }) => action === "stop").length;
          assert.ok(held <= maxActive && held >= 1, `${held} held`);
        },
        limit,
      });
      assert.ok(complete || orders === limit, `${orders} orders`);
    });
  }

  test("frees a place with the end of the delay, and with a client that leaves", () => {
    const host = start({ ...hold(100), maxActive: 2 }, { workers: 2 });
    const [first, second] = [begin(host, {}, 0), begin(host, {}, 1)];
    assert.equal(begin(host, {}, 0).state, "continued");
    assert.equal(counter(host, "slow", "overflow"), 1);
    first.end();
    const third = begin(host, {}, 1);
    assert.equal(third.state, "held");
    host.advance(102);
    assert.equal(second.state, "continued");
    assert.equal(begin(host, {}, 0).state, "held");
    assert.equal(begin(host, {}, 1).state, "held");
    assert.equal(begin(host, {}, 1).state, "continued");
  });

  test("outlives an edit", () => {
    const host = start({ ...hold(1_000), maxActive: 1 });
    const stream = begin(host);
    configure(host, { ...hold(2_000), maxActive: 1 });
    assert.equal(begin(host).state, "continued");
    stream.end();
    assert.equal(begin(host).state, "held");
  });

  test("a VM that has trapped gives its share back after five seconds", () => {
    const host = start({ ...hold(60_000), maxActive: 2 }, { workers: 2 });
    begin(host, {}, 0);
    begin(host, {}, 0);
    host.inject("proxy_get_header_map_pairs", ({ thread }) => (thread === "worker 0" ? "trap" : undefined));
    assert.notEqual(request(host, {}, 0).requestHeaders().trap, undefined);
    host.inject("proxy_get_header_map_pairs", undefined);
    assert.equal(begin(host, {}, 1).state, "continued");
    host.advance(5_100);
    assert.equal(begin(host, {}, 1).state, "held");
  });

  test("a worker that lives keeps its share however long it waits", () => {
    const host = start({ ...hold(60_000), maxActive: 1 }, { workers: 2 });
    begin(host, {}, 0);
    host.advance(30_000);
    assert.equal(begin(host, {}, 1).state, "continued");
  });

  test("a throttled response counts until its end", () => {
    const fault: Fault = { name: "thin", percentage: 100, throttle: { kibPerSecond: 1 } };
    const host = start({ faults: [fault], maxActive: 1 }, { workers: 2 });
    const stream = begin(host);
    stream.response({ headers: [[":status", "200"]] });
    host.advance(20_000);
    const other = begin(host, {}, 1);
    assert.equal(counter(host, "thin", "overflow"), 1);
    other.end();
    stream.end();
    begin(host, {}, 1);
    assert.equal(counter(host, "thin", "throttle"), 2);
  });
});

describe("stopWhen", () => {
  const policy: Policy = {
    faults: [
      {
        name: "slow",
        percentage: 100,
        delay: { fixed: "1ms" },
        stopWhen: { upstreamErrorsAbove: "50%", coolDown: "60s" },
      },
    ],
  };

  /** A request that the service answers; whether it was delayed. */
  const exchange = (host: Host, worker: number, status: string): boolean => {
    const stream = begin(host, {}, worker);
    const isHeld = stream.state === "held";
    if (isHeld) host.advance(2);
    stream.response({ headers: [[":status", status]] });
    stream.end();
    return isHeld;
  };

  test("what one worker sees, all of them heed within a second, until the cool-down is over", () => {
    const host = start(policy, { workers: 3 });
    for (const worker of [0, 1, 2]) exchange(host, worker, "200");
    for (let i = 0; i < 20; i++) assert.ok(exchange(host, i % 3, "503"));
    host.advance(1_000);
    assert.ok(!exchange(host, 0, "200"), "errors of all workers are counted together");
    host.advance(1_000);
    for (const worker of [1, 2]) assert.ok(!exchange(host, worker, "200"));
    host.advance(57_000);
    for (const worker of [0, 1, 2]) assert.ok(!exchange(host, worker, "200"));
    host.advance(4_000);
    for (const worker of [0, 1, 2]) assert.ok(exchange(host, worker, "200"));
  });

  test("an edit does not end the cool-down", () => {
    const host = start(policy);
    for (let i = 0; i < 20; i++) exchange(host, 0, "503");
    host.advance(1_000);
    assert.ok(!exchange(host, 0, "200"));
    configure(host, { ...policy, responseHeader: false });
    assert.ok(!exchange(host, 0, "200"));
  });

  test("few answers say nothing, nor do errors that are fewer than the bound", () => {
    const host = start(policy);
    for (let i = 0; i < 9; i++) exchange(host, 0, "500");
    host.advance(1_000);
    assert.ok(exchange(host, 0, "200"));
    for (let i = 0; i < 30; i++) exchange(host, 0, i % 3 === 0 ? "500" : "404");
    host.advance(1_000);
    assert.ok(exchange(host, 0, "200"));
  });

  test("no tick while idle", () => {
    const host = start(policy);
    exchange(host, 0, "200");
    host.advance(1_000);
    host.resetCounts();
    host.advance(600_000);
    assert.equal(host.callbacks().proxy_on_tick, undefined);
  });
});

test("two plugins in one VM: each its own policies, and both wake what waits", () => {
  const host = new Host({ module, name: "a", rootId: "a" });
  const slow = (name: string, ms: number) => JSON.stringify({ policies: [{ name, ...hold(ms) }] });
  assert.ok(host.configure(slow("ns/a", 50)).ok);
  assert.ok(host.configure(slow("ns/b", 500), { name: "b", rootId: "b" }).ok);
  const ask = (rootId: string): Stream => {
    const headers = [
      [":method", "GET"],
      [":path", "/"],
      [":authority", "a"],
    ] as const;
    const stream = host.workers[0].request({ headers, rootId });
    assert.equal(stream.requestHeaders().trap, undefined);
    return stream;
  };
  const [a, b] = [ask("a"), ask("b")];
  host.advance(53);
  assert.deepEqual([a.state, b.state], ["continued", "held"]);
  assert.ok(host.configure(JSON.stringify({ policies: [] })).ok);
  host.advance(450);
  assert.equal(b.state, "continued");
});

function counter(host: Host, fault: string, type: string): number {
  const name = `sluice_faults_total\x1fpolicy=ns/p\x1ffault=${fault}\x1ftype=${type}`;
  return host.metrics().counters[name] ?? 0;
}

const gauge = (host: Host): number => host.metrics().gauges["sluice_faults_active\x1fpolicy=ns/p"] ?? 0;
