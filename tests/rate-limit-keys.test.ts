// The keys that a limit refuses most, by name: bounded for the process, whatever clients send, and no refusal is lost.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { projectRoot } from "../envoy/root.ts";
import { type CompiledModule, compileModule, Host } from "../host/index.ts";

let module: CompiledModule;
before(async () => {
  module = await compileModule(await readFile(join(projectRoot, "build", "filters", "rate_limit.wasm")));
});

function configured(key: unknown[], limit: Record<string, unknown> = {}): Host {
  const host = new Host({ module, workers: 2 });
  configure(host, key, limit);
  return host;
}

function configure(host: Host, key: unknown[], limit: Record<string, unknown> = {}): void {
  const limits = [{ name: "each", key, requests: 1, per: "24h", showKeys: true, maxKeys: 200_000, ...limit }];
  assert.ok(host.configure(JSON.stringify({ policies: [{ name: "ns/p", limits }] })).ok);
}

function ask(host: Host, uid: string, worker = 0, address = "192.0.2.77:1234"): void {
  const stream = host.workers[worker]?.request({
    headers: [
      [":authority", "a"],
      [":path", "/"],
      [":method", "GET"],
      ["uid", uid],
    ],
    route: { name: "base", virtualHost: "a:80" },
    properties: { source: { address } },
  });
  assert.equal(stream?.requestHeaders().trap, undefined);
  stream?.end();
}

/** Refusals by key. */
function shown(host: Host): Map<string, number> {
  const found = new Map<string, number>();
  for (const [name, value] of Object.entries(host.metrics().counters)) {
    const [family, , , label] = name.split("\x1f");
    if (family === "sluice_rate_limit_refused_keys_total" && label !== undefined)
      found.set(label.slice("key=".length), value);
  }
  return found;
}

function refusals(host: Host): number {
  const name = "sluice_rate_limit_decisions_total\x1fpolicy=ns/p\x1flimit=each\x1fdecision=limited";
  return host.metrics().counters[name] ?? 0;
}

const sum = (counts: Map<string, number>): number => [...counts.values()].reduce((all, one) => all + one, 0);

describe("keys that are refused most", () => {
  test("are at most 20 on all workers together; the rest is _other, and all are counted", () => {
    const host = configured([{ header: "uid" }]);
    const size = host.workers[0].memoryBytes;
    for (let key = 0; key < 300; key++) for (let i = 0; i < 25; i++) ask(host, `user-${key}`, key % 2);
    const counts = shown(host);
    assert.equal(counts.size, 21);
    assert.ok(counts.has("_other"));
    assert.equal(sum(counts), refusals(host));
    assert.equal(host.workers[0].memoryBytes, size);
  });

  test("a spray of keys that come once or twice takes no place, and hides none that is refused often", () => {
    const host = configured([{ header: "uid" }]);
    for (let i = 0; i < 20_000; i++) {
      ask(host, `junk-${i % 10_000}`);
      if (i % 4 === 0) ask(host, "greedy");
    }
    const counts = shown(host);
    assert.deepEqual([...counts.keys()].sort(), ["_other", "greedy"]);
    assert.ok((counts.get("greedy") ?? 0) > 4_900);
    assert.equal(sum(counts), refusals(host));
  });

  test("an edit keeps them, and defines nothing anew", () => {
    const host = configured([{ header: "uid" }]);
    for (let i = 0; i < 20; i++) ask(host, "greedy");
    const before = shown(host).get("greedy") ?? 0;
    configure(host, [{ header: "uid" }], { requests: 2 });
    host.resetCounts();
    for (let i = 0; i < 20; i++) ask(host, "greedy");
    assert.ok((shown(host).get("greedy") ?? 0) - before >= 19);
    assert.equal(host.counts().proxy_define_metric?.calls ?? 0, 0);
  });

  test("a key's text: parts between commas, addresses without what does not count", () => {
    const table: [address: string, uid: string, text: string][] = [
      ["192.0.2.77:1", "a", "a,192.0.2.0"],
      ["[2001:db8::1:2]:1", "b", "b,2001:db8:0:0:0:0:0:0"],
      ["[::ffff:192.0.2.9]:1", "c", "c,192.0.2.0"],
      ["192.0.2.77:1", "x".repeat(100), "x".repeat(64)],
    ];
    for (const [address, uid, text] of table) {
      const host = configured([{ header: "uid" }, { sourceIp: { ipv4Prefix: 24 } }]);
      for (let i = 0; i < 12; i++) ask(host, uid, 0, address);
      assert.deepEqual([...shown(host).keys()].sort(), ["_other", text].sort());
    }
  });

  test("what cannot be a label is _other", () => {
    const host = configured([{ header: "uid" }]);
    for (let i = 0; i < 40; i++) ask(host, "\xff\xfe");
    assert.deepEqual([...shown(host).keys()], ["_other"]);
  });
});
