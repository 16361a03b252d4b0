// Hostile input: damaged configurations never trap and never half apply, hostile requests never trap and leave
// memory as it was. A small sample by default; SLUICE_FUZZ=1000000 runs that many of each, SLUICE_SEED another
// sequence.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { projectRoot } from "../envoy/root.ts";
import { type CompiledModule, compileModule, Host, type Thread } from "../host/index.ts";
import { headerRoutingConfig } from "../schema/header-routing.ts";
import type { ObjectSchema } from "../schema/language.ts";
import { rateLimitConfig } from "../schema/rate-limit.ts";
import { damage, Generator } from "./cases/generate.ts";
import { hostileRequest } from "./cases/hostile.ts";

const rounds = Number(process.env.SLUICE_FUZZ ?? 4_000);
const seed = Number(process.env.SLUICE_SEED ?? 1);

const schemas: Record<string, ObjectSchema> = {
  header_routing: headerRoutingConfig,
  rate_limit: rateLimitConfig,
};

const route = { name: "default", virtualHost: "cases" };

for (const [filter, schema] of Object.entries(schemas)) {
  const path = join(projectRoot, "build", "filters", `${filter}.wasm`);
  describe(
    `${filter}: hostile input (seed ${seed})`,
    { skip: !existsSync(path) && "the filter is not built" },
    () => {
      let module: CompiledModule;
      before(async () => {
        module = await compileModule(await readFile(path));
      });

      test(`${rounds} damaged configurations never trap and never half apply`, () => {
        const generator = new Generator(seed);
        let host = new Host({ module, canary: false, logLevel: "critical" });
        let valid = validConfiguration(host, schema, generator);
        let taken = 0;
        for (let round = 0; round < rounds; round++) {
          if (round % 50 === 49) valid = validConfiguration(host, schema, generator);
          const text = damage(valid, generator);
          const before = answers(host.main);
          const result = host.configure(text);
          assert.equal(result.trap, undefined, `round ${round}: ${text.toString("latin1").slice(0, 2000)}`);
          if (!result.ok) {
            assert.deepEqual(
              answers(host.main),
              before,
              `round ${round}: a refused configuration changed answers`,
            );
            continue;
          }
          taken++;
          for (let time = 0; time < 3; time++) runRequest(host.main, generator);
          host.configure(valid);
          // A new process now and then keeps metrics and ids of a long run from piling up in the host.
          if (taken % 2_000 === 1_999) {
            host = new Host({ module, canary: false, logLevel: "critical" });
            host.configure(valid);
          }
        }
        assert.ok(taken < rounds, "no configuration was refused: the damage does not damage");
      });

      test(`${rounds} hostile requests never trap and leave memory as it was`, () => {
        const generator = new Generator(seed + 1);
        const host = new Host({ module, canary: false, logLevel: "critical" });
        for (let round = 0; round < rounds;) {
          validConfiguration(host, schema, generator);
          const memoryBytes = host.main.memoryBytes;
          for (let time = 0; time < 500 && round < rounds; time++, round++) {
            runRequest(host.main, generator);
            host.skip(BigInt(generator.random.below(2_000_000_000)));
          }
          assert.equal(host.main.memoryBytes, memoryBytes, `round ${round}: requests made memory grow`);
          assert.equal(host.main.contexts, 1, "streams are left over");
        }
      });
    },
  );
}

/** A configuration that the filter takes; it is in force afterwards. */
function validConfiguration(host: Host, schema: ObjectSchema, generator: Generator): Buffer {
  for (let tries = 0; tries < 200; tries++) {
    const text = generator.configuration(schema);
    const result = host.configure(text);
    host.clearLog();
    assert.equal(result.trap, undefined, text);
    if (result.ok) return Buffer.from(text);
  }
  throw new Error("no generated configuration is taken by the filter");
}

/** What a filter decides for a few requests; only what does not depend on chance or time. */
function answers(thread: Thread): unknown {
  return [
    ["/", "0"],
    ["/api", "v3"],
    ["/a?b=c", ""],
  ].map(([target = "", uid = ""]) => {
    const headers = [
      [":authority", "search"],
      [":path", target],
      [":method", "GET"],
      [":scheme", "http"],
      ["uid", uid],
    ] as const;
    const stream = thread.request({ headers, route });
    const { action, localReply, routeCacheCleared } = stream.requestHeaders();
    stream.end();
    return { action, routeCacheCleared, status: localReply?.status };
  });
}

function runRequest(thread: Thread, generator: Generator): void {
  const headers = hostileRequest(generator);
  const address = generator.pick(["10.0.0.1:80", "[2001:db8::1]:443", "", "nonsense", "/tmp/socket"]);
  const stream = thread.request({ headers, route, properties: { source: { address } } });
  const outcomes = [stream.requestHeaders()];
  if (stream.state === "continued" && generator.random.below(4) > 0) {
    outcomes.push(
      stream.response({
        headers: [
          [":status", "200"],
          ["set-cookie", "a=b"],
        ],
      }),
    );
  }
  outcomes.push(stream.end());
  for (const { trap } of outcomes) assert.equal(trap, undefined, JSON.stringify(headers).slice(0, 2000));
}
