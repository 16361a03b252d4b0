// The guard rails of faults in host/: maxActive over all workers in any order of their calls, and stopWhen.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Host } from "../host/index.ts";
import { explore, suspendable } from "../host/interleave.ts";
import type { Fault } from "../schema/generated/types.ts";
import {
  begin,
  configure,
  counter,
  hold,
  module,
  type Policy,
  request,
  start,
} from "./support/fault-host.ts";

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
