// The fault filter's promises in host/, where time and chance are the test's: shares, waiting in great numbers, edits
// meanwhile, and no tick while nothing waits.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Host, type Stream } from "../host/index.ts";
import type { Fault } from "../schema/generated/types.ts";
import { begin, configure, counter, gauge, hold, module, start } from "./support/fault-host.ts";

const drawn = 100_000;
const deviations = 4;

/** The whole of a request that is not held; whether the filter answered it. */
function isAborted(host: Host): boolean {
  const stream = begin(host);
  const aborted = stream.state === "replied";
  if (!aborted) stream.response({ headers: [[":status", "200"]] });
  stream.end();
  return aborted;
}

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

  test("a thousand that are due at once go on in small groups, which the host's stack has room for", () => {
    const host = start(hold(20));
    const streams = Array.from({ length: 1_000 }, () => begin(host));
    let before = 0;
    for (let ms = 0; ms < 100; ms++) {
      host.advance(1);
      const gone = streams.filter(({ state }) => state === "continued").length;
      assert.ok(gone - before <= 64, `${gone - before} within a millisecond`);
      before = gone;
    }
    assert.equal(before, streams.length);
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
