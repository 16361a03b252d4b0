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
import { faultConfig } from "../schema/fault.ts";
import { headerRoutingConfig } from "../schema/header-routing.ts";
import type { ObjectSchema } from "../schema/language.ts";
import { metricsConfig } from "../schema/metrics.ts";
import { rateLimitConfig } from "../schema/rate-limit.ts";
import { suiteConfig } from "../schema/suite.ts";
import { damage, Generator } from "./cases/generate.ts";
import { hostileRequest } from "./cases/hostile.ts";

const rounds = Number(process.env.SLUICE_FUZZ ?? 1_500);
const seed = Number(process.env.SLUICE_SEED ?? 1);

const schemas: Record<string, ObjectSchema> = {
  fault: faultConfig,
  header_routing: headerRoutingConfig,
  metrics: metricsConfig,
  rate_limit: rateLimitConfig,
  suite: suiteConfig,
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
        let [host, control, valid] = pair(module, schema, generator);
        let taken = 0;
        for (let round = 0; round < rounds; round++) {
          if (round % 50 === 49) [host, control, valid] = pair(module, schema, generator);
          const text = damage(valid, generator);
          const result = host.configure(text);
          host.clearLog();
          assert.equal(result.trap, undefined, `round ${round}: ${text.toString("latin1").slice(0, 2000)}`);
          if (!result.ok) {
            const told = result.refusal !== undefined && result.refusal.byte <= text.length;
            assert.ok(
              told,
              `round ${round}: refused without a reason: ${text.toString("latin1").slice(0, 2000)}`,
            );
            assert.deepEqual(answers(host.main), answers(control.main), `round ${round}: half applied`);
            continue;
          }
          taken++;
          for (let time = 0; time < 3; time++) runRequest(host.main, generator);
          [host, control, valid] = pair(module, schema, generator, valid);
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

/** Two hosts alike, one to be given damaged configurations and one that is spared them. */
function pair(
  module: CompiledModule,
  schema: ObjectSchema,
  generator: Generator,
  configuration?: Buffer,
): [host: Host, control: Host, configuration: Buffer] {
  const [host, control] = [1, 1].map(() => new Host({ module, canary: false, logLevel: "error" }));
  if (host === undefined || control === undefined) throw new Error("two hosts");
  const valid = configuration ?? validConfiguration(new Host({ module, canary: false }), schema, generator);
  for (const one of [host, control]) assert.ok(one.configure(valid).ok);
  return [host, control, valid];
}

/** What a filter decides for a few requests. */
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
