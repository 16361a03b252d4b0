// Rate limits in a real Envoy with four workers: never over the bound, and close to it under overload.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import asc from "assemblyscript/asc";
import { projectRoot } from "../envoy/root.ts";
import type { RateLimitConfig } from "../schema/generated/types.ts";
import { type LimitedEnvoy, startLimited } from "./rate-limit-envoy.ts";
import { type Answers, flood, floodHttp2 } from "./rate-limit-flood.ts";
import { waitFor } from "./support/wait.ts";

const policy = (requests: number, more: object = {}, name = "all"): RateLimitConfig => ({
  policies: [{ name: "ns/p", limits: [{ name, requests, per: "1s", ...more }] }],
});

const admitted = (answers: Pick<Answers, "byStatus">): number => answers.byStatus.get(200) ?? 0;

/** Every answer is a 200 or a refusal, and no more were let through than burst and rate allow. */
function assertWithin(answers: Omit<Answers, "admitted">, burst: number, rate: number): number {
  const others = [...answers.byStatus].filter(([status]) => status !== 200 && status !== 429);
  assert.deepEqual(others, []);
  const bound = burst + answers.seconds * rate;
  assert.ok(admitted(answers) <= bound, `${admitted(answers)} admitted, the bound is ${bound}`);
  return admitted(answers) / bound;
}

describe("overload in Envoy with 4 workers", () => {
  let limited: LimitedEnvoy;
  before(async () => {
    limited = await startLimited(policy(200, { burst: 100 }), { concurrency: 4 });
  });
  after(() => limited.close());

  test("ten times the limit over HTTP/1.1: within the bound, and at least 97 % of it", async () => {
    const answers = await flood({ port: limited.port, connections: 48, perSecond: 2000, seconds: 8 });
    const share = assertWithin(answers, 100, 200);
    assert.ok(share >= 0.97, `${admitted(answers)} in ${answers.seconds} s are ${share} of the bound`);
  });

  test("over HTTP/2: within the bound", async () => {
    await limited.configure(policy(200, { burst: 100 }, "http2"));
    const answers = await floodHttp2({ port: limited.port, connections: 8, perSecond: 1000, seconds: 5 });
    assertWithin(answers, 100, 200);
    assert.ok(admitted(answers) >= 100 + 5 * 200 * 0.9, `${admitted(answers)} admitted`);
  });

  test("while the policy is edited: within the larger bound, nothing fails, state is kept", async () => {
    await limited.configure(policy(200, { burst: 100 }, "edited"));
    const load = flood({ port: limited.port, connections: 32, perSecond: 1500, seconds: 6 });
    for (let edit = 0; edit < 6; edit++)
      await limited.configure(
        policy(edit % 2 === 0 ? 100 : 200, { burst: edit % 2 === 0 ? 50 : 100 }, "edited"),
      );
    const answers = await load;
    assertWithin(answers, 100, 200);
    assert.ok(admitted(answers) >= 50 + 6 * 100 * 0.97, `${admitted(answers)} admitted`);
  });

  test("a module that is configured anew finds the state that was there", async () => {
    await limited.configure({
      policies: [{ name: "ns/p", limits: [{ name: "day", requests: 30, per: "24h" }] }],
    });
    const once = (requests: number) => flood({ port: limited.port, connections: 4, requests });
    assert.equal(admitted(await once(20)), 20);
    await limited.configure({ policies: [] });
    await limited.configure({
      policies: [{ name: "ns/p", limits: [{ name: "day", requests: 30, per: "24h" }] }],
    });
    // The workers follow the main thread: until they do, nothing is limited there.
    await waitFor("a worker counts again", async () => admitted(await once(4)) < 4, 20_000);
  });
});

test("while workers' VMs are killed by traps and rebuilt: within the bound", async () => {
  const folder = await mkdtemp(join(tmpdir(), "sluice-trap-"));
  const module = join(folder, "trap.wasm");
  const config = ["--config", "asconfig.json", "--target", "release", "-o", module, "--baseDir", projectRoot];
  const { error, stderr } = await asc.main(["tests/assembly/fixtures/rate_limit_trap.ts", ...config]);
  assert.equal(error, null, stderr.toString());
  const limited = await startLimited(policy(200, { burst: 100 }), { concurrency: 4, module });
  try {
    // Every 1,500th request kills the VM that decides it; until it is rebuilt its worker answers 503.
    const path = (n: number) => (n % 1500 === 1499 ? "/trap" : "/");
    const load = { port: limited.port, connections: 32, perSecond: 1500, seconds: 6 };
    const answers = await flood({ ...load, path });
    const bound = 100 + answers.seconds * 200;
    const failed = answers.byStatus.get(503) ?? 0;
    assert.ok(failed > 0, "VMs have been killed");
    assert.ok(admitted(answers) <= bound, `${admitted(answers)} admitted, the bound is ${bound}`);
    assert.ok(admitted(answers) >= 0.5 * bound, "the others went on");
    await waitFor("all workers are back", async () => {
      const after = await flood({ port: limited.port, connections: 16, requests: 200 });
      return (after.byStatus.get(503) ?? 0) === 0;
    });
    const again = await flood({ port: limited.port, connections: 32, perSecond: 1500, seconds: 3 });
    assertWithin(again, 100, 200);
  } finally {
    await limited.close();
    await rm(folder, { recursive: true });
  }
});

describe("keys in Envoy", () => {
  const keys = Number(process.env.SLUICE_RATE_LIMIT_KEYS ?? 20_000);

  test(`${keys} distinct keys: memory stays, and a victim's bucket is not forgotten`, async (t) => {
    const limit = { name: "user", key: [{ header: "uid" }], requests: 5, per: "24h", maxKeys: keys + 10_000 };
    const limited = await startLimited({ policies: [{ name: "ns/p", limits: [limit] }] }, { concurrency: 4 });
    try {
      const victim = () =>
        flood({ port: limited.port, connections: 1, requests: 8, headers: () => "uid: victim\r\n" });
      assert.equal(admitted(await victim()), 5);
      // The first thousand requests make connections and buffers.
      const some = (count: number, from: number) =>
        flood({
          port: limited.port,
          connections: 32,
          requests: count,
          headers: (n) => `uid: u${from + n}\r\n`,
        });
      await some(5000, keys);
      const before = await limited.residentMb();
      const answers = await some(keys, 0);
      const after = await limited.residentMb();
      t.diagnostic(`resident: ${before.toFixed(1)} MB before, ${after.toFixed(1)} MB after ${keys} keys`);
      assert.equal(admitted(answers), keys);
      assert.ok(after - before < 4, `${before} MB before, ${after} MB after`);
      assert.equal(admitted(await victim()), 0, "the victim's bucket is still empty");
    } finally {
      await limited.close();
    }
  });

  test("the 21st client makes Envoy's own limit forget the first; ours does not", async () => {
    const native = await startLimited({ filters: [localRateLimit] });
    const limit = { name: "user", key: [{ header: "uid" }], requests: 2, per: "1h", maxKeys: 1000 };
    const ours = await startLimited({ policies: [{ name: "ns/p", limits: [limit] }] });
    try {
      const ask = (envoy: LimitedEnvoy, uid: string, requests: number) =>
        flood({ port: envoy.port, connections: 1, requests, headers: () => `uid: ${uid}\r\n` });
      for (const envoy of [native, ours]) {
        assert.equal(admitted(await ask(envoy, "first", 4)), 2);
        for (let client = 2; client <= 21; client++) await ask(envoy, `client-${client}`, 1);
      }
      assert.equal(admitted(await ask(native, "first", 4)), 2, "a full bucket again, an hour too early");
      assert.equal(admitted(await ask(ours, "first", 4)), 0);
    } finally {
      await native.close();
      await ours.close();
    }
  });
});

const descriptorActions = {
  rate_limits: [{ actions: [{ request_headers: { header_name: "uid", descriptor_key: "uid" } }] }],
};

const localRateLimit = {
  name: "envoy.filters.http.local_ratelimit",
  typed_config: {
    "@type": "type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit",
    stat_prefix: "native",
    token_bucket: { max_tokens: 1_000_000, tokens_per_fill: 1_000_000, fill_interval: "1s" },
    filter_enabled: { default_value: { numerator: 100, denominator: "HUNDRED" } },
    filter_enforced: { default_value: { numerator: 100, denominator: "HUNDRED" } },
    rate_limits: descriptorActions.rate_limits,
    descriptors: [
      {
        entries: [{ key: "uid" }],
        token_bucket: { max_tokens: 2, tokens_per_fill: 2, fill_interval: "3600s" },
      },
    ],
  },
};
