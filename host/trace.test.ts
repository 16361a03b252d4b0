// What a module tells of its decisions, and that it does so for hosts that ask only.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { projectRoot } from "../envoy/root.ts";
import {
  bytesReturning,
  type CompiledModule,
  compileModule,
  Host,
  type Pair,
  type TraceRecord,
} from "./index.ts";

const configuration = {
  policies: [
    {
      name: "shop/beta",
      attach: [{ route: "main" }],
      rules: [
        {
          name: "insiders",
          match: [
            { cookies: { beta: { exact: "1" } } },
            { method: { exact: "POST" }, headers: { "x-beta": {} }, withoutHeaders: { "x-stable": {} } },
          ],
          destination: { subset: "v3" },
        },
        {
          name: "canary",
          destinations: [
            { subset: "v2", weight: 0 },
            { subset: "v1", weight: 1 },
          ],
          stickyBy: { header: "uid" },
        },
      ],
    },
    {
      name: "shop/all",
      attach: [{ route: "main" }],
      rules: [{ name: "never", match: [{ queryParams: { on: {} } }], destination: { subset: "v9" } }],
    },
  ],
};

const plain: Pair[] = [
  [":method", "POST"],
  [":path", "/?on=1"],
  [":authority", "shop"],
];

for (const folder of ["build/filters", "build/filters/debug"]) describe(folder, () => trace(folder));

function trace(folder: string): void {
  let module: CompiledModule;
  before(async () => {
    module = await compileModule(await readFile(join(projectRoot, folder, "header_routing.wasm")));
  });

  function makeHost(traceRecords: number): Host {
    const host = new Host({ module, traceRecords });
    assert.ok(host.configure(JSON.stringify(configuration)).ok);
    return host;
  }

  function ask(host: Host, headers: readonly Pair[]) {
    const stream = host.workers[0].request({ headers, route: { name: "main", virtualHost: "shop:80" } });
    return stream.requestHeaders();
  }

  /** Without the stream's id. */
  const told = (records: readonly TraceRecord[]) => records.map(({ stream, ...rest }) => rest);

  test("every condition of every rule is told, then the choice", () => {
    const host = makeHost(100);
    ask(host, [...plain, ["uid", "7"]]);
    const first = { policy: 0, rule: 0 };
    assert.deepEqual(told(host.trace()), [
      { ...first, kind: "condition", entry: 0, condition: 0, holds: false },
      { ...first, kind: "condition", entry: 1, condition: 0, holds: true },
      { ...first, kind: "condition", entry: 1, condition: 1, holds: false },
      { ...first, kind: "condition", entry: 1, condition: 2, holds: true },
      { ...first, kind: "rule", met: false },
      { policy: 0, rule: 1, kind: "rule", met: true },
      { policy: 1, rule: 0, kind: "condition", entry: 0, condition: 0, holds: true },
      { policy: 1, rule: 0, kind: "rule", met: true },
      { policy: 0, rule: 1, kind: "choice", destination: 1, by: "header" },
    ]);
    assert.deepEqual(host.trace(), [], "told once");
  });

  test("the reason of a choice is the one that made it", () => {
    const host = makeHost(100);
    const choice = (headers: readonly Pair[]) => {
      ask(host, headers);
      return told(host.trace()).at(-1);
    };
    assert.deepEqual(choice(plain), { policy: 0, rule: 1, kind: "choice", destination: 1, by: "drawn" });
    const insider = choice([...plain, ["cookie", "beta=1"]]);
    assert.deepEqual(insider, { policy: 0, rule: 0, kind: "choice", destination: 0, by: "only" });
  });

  test("a trace changes no decision, and costs nothing where it is off", () => {
    const [off, on] = [makeHost(0), makeHost(16)];
    for (const headers of [plain, [...plain, ["cookie", "beta=1"]], [...plain, ["x-beta", ""]]] as Pair[][]) {
      const [expected, actual] = [ask(off, headers), ask(on, headers)];
      assert.deepEqual(actual.headers, expected.headers);
      assert.equal(bytesReturning(expected.counts), 2);
    }
    assert.deepEqual(off.trace(), []);
  });

  test("the ring keeps the newest records", () => {
    const host = makeHost(3);
    ask(host, plain);
    const kinds = host.trace().map(({ kind }) => kind);
    assert.deepEqual(kinds, ["condition", "rule", "choice"]);
  });

  test("records name their streams, and take no more memory over time", () => {
    const host = makeHost(64);
    ask(host, plain);
    const streams = new Set(host.trace().map(({ stream }) => stream));
    const { memoryBytes } = host.workers[0];
    for (let i = 0; i < 1000; i++) ask(host, plain);
    const later = new Set(host.trace().map(({ stream }) => stream));
    assert.equal(streams.size, 1);
    assert.equal(
      [...streams].some((stream) => later.has(stream)),
      false,
    );
    assert.equal(host.workers[0].memoryBytes, memoryBytes);
  });

  test("limits tell what they decided, and why", async () => {
    const limiter = await compileModule(await readFile(join(projectRoot, folder, "rate_limit.wasm")));
    const host = new Host({ module: limiter, traceRecords: 100 });
    const limits = [
      { name: "posts", match: [{ method: { exact: "POST" } }], requests: 1, per: "1h" },
      {
        name: "users",
        key: [{ header: "uid" }],
        whenKeyMissing: "deny",
        requests: 5,
        per: "1h",
        enforce: false,
      },
    ];
    const { ok } = host.configure(JSON.stringify({ policies: [{ name: "shop/limits", limits }] }));
    assert.ok(ok);
    ask(host, plain);
    const posts = { policy: 0, rule: 0 };
    const users = { policy: 0, rule: 1 };
    const asked = [
      { ...posts, kind: "condition", entry: 0, condition: 0, holds: true },
      { ...posts, kind: "rule", met: true },
      { ...users, kind: "rule", met: true },
    ];
    const denied = { ...users, kind: "limit", decision: "shadow_limited", by: "key missing" };
    assert.deepEqual(told(host.trace()), [
      ...asked,
      { ...posts, kind: "limit", decision: "allowed", by: "bucket" },
      denied,
    ]);
    ask(host, plain);
    assert.deepEqual(told(host.trace()), [
      ...asked,
      { ...posts, kind: "limit", decision: "limited", by: "bucket" },
      denied,
    ]);
  });

  test("faults tell what befell the request", async () => {
    const injector = await compileModule(await readFile(join(projectRoot, folder, "fault.wasm")));
    const host = new Host({ module: injector, traceRecords: 100 });
    const faults = [
      { name: "never", percentage: 0, abort: { httpStatus: 503 } },
      { name: "always", match: [{ headers: { uid: {} } }], percentage: 100, abort: { httpStatus: 500 } },
    ];
    const { ok } = host.configure(JSON.stringify({ policies: [{ name: "shop/faults", faults }] }));
    assert.ok(ok);
    ask(host, [...plain, ["uid", "7"]]);
    const always = { policy: 0, rule: 1 };
    assert.deepEqual(told(host.trace()), [
      { policy: 0, rule: 0, kind: "rule", met: true },
      { ...always, kind: "condition", entry: 0, condition: 0, holds: true },
      { ...always, kind: "rule", met: true },
      { ...always, kind: "fault", type: "abort", by: "fault" },
    ]);
  });
}
