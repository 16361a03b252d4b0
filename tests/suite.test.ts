// The suite over time: streams that wait while a part goes, explanations when there is room for no more, and whose
// decisions a trace holds.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { projectRoot } from "../envoy/root.ts";
import { type CompiledModule, compileModule, Host, type Pair } from "../host/index.ts";

const headers: readonly Pair[] = [
  [":authority", "search"],
  [":path", "/"],
  [":method", "GET"],
  [":scheme", "http"],
];
const route = { name: "base", virtualHost: "search:80" };
const token = "correct-horse-battery-staple";
const asking: readonly Pair[] = [...headers, ["sluice-explain", token]];
const slow = {
  policies: [{ name: "ns/f", faults: [{ name: "slow", percentage: 100, delay: { fixed: "1s" } }] }],
};
const limits = { policies: [{ name: "ns/l", limits: [{ name: "all", requests: 1000, per: "1s" }] }] };
const routing = {
  policies: [{ name: "ns/r", rules: [{ name: "v3", destination: { subset: "v3" } }] }],
};

describe("the suite over time", () => {
  let module: CompiledModule;
  before(async () => {
    module = await compileModule(await readFile(join(projectRoot, "build/filters/suite.wasm")));
  });

  test("a stream that waits is let go when its time comes, though the configuration has no faults any more", () => {
    const host = new Host({ module });
    assert.ok(host.configure(JSON.stringify({ fault: slow })).ok);
    const held = host.workers[0].request({ headers, route });
    held.requestHeaders();
    assert.equal(held.state, "held");
    for (const text of [{ metrics: { policies: [] } }, { rateLimit: limits }]) {
      host.advance(200);
      assert.ok(host.configure(JSON.stringify(text)).ok);
    }
    const next = host.workers[0].request({ headers, route });
    next.requestHeaders();
    assert.equal(next.state, "continued");
    host.advance(500);
    assert.equal(held.state, "held");
    host.advance(300);
    assert.equal(held.state, "continued");
    held.response({ headers: [[":status", "200"]] });
    assert.equal(held.end().trap, undefined);
  });

  test("at most 16 requests wait for an explanation; one more goes without, and is counted", () => {
    const host = new Host({ module });
    const explainTokenSha256 = createHash("sha256").update(token).digest("hex");
    assert.ok(host.configure(JSON.stringify({ fault: { ...slow, explainTokenSha256 } })).ok);
    const worker = host.workers[0];
    const ask = () => {
      const stream = worker.request({ headers: asking, route });
      stream.requestHeaders();
      return stream;
    };
    const explained = (stream: ReturnType<typeof ask>) => {
      const answer = stream.response({ headers: [[":status", "200"]] }).headers;
      stream.end();
      return answer.some(([name]) => name === "sluice-explanation");
    };
    const before = worker.memoryBytes;
    const first = Array.from({ length: 17 }, ask);
    host.advance(1100);
    assert.deepEqual(first.map(explained), [...Array(16).fill(true), false]);
    const counter = Object.entries(host.metrics().counters).find(([name]) =>
      name.includes("explanations_full"),
    );
    assert.equal(counter?.[1], 1);
    // A client that leaves gives its place back too.
    const left = Array.from({ length: 16 }, ask);
    for (const stream of left) stream.end();
    const again = Array.from({ length: 16 }, ask);
    host.advance(1100);
    assert.ok(again.every(explained));
    assert.equal(worker.memoryBytes, before);
  });

  test("a trace says whose each decision is", () => {
    const host = new Host({ module, traceRecords: 64 });
    assert.ok(host.configure(JSON.stringify({ rateLimit: limits, headerRouting: routing, fault: slow })).ok);
    host.workers[0].request({ headers, route }).requestHeaders();
    assert.deepEqual(
      host.trace().map(({ part, kind }) => `${part} ${kind}`),
      [
        "rateLimit rule",
        "rateLimit limit",
        "headerRouting rule",
        "headerRouting choice",
        "fault rule",
        "fault fault",
      ],
    );
  });
});
