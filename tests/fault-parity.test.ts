// Our fault filter beside Envoy's own in one Envoy, on random configurations: what one request gets must be equal,
// down to the body and the gRPC mapping; where chance decides, the shares must be.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { findEnvoy } from "../envoy/find.ts";
import { type EnvoyProcess, startEnvoy } from "../envoy/process.ts";
import type { FaultSpec } from "../schema/generated/types.ts";
import { send } from "./cases/wire.ts";
import { Chance } from "./parity/generate.ts";
import { anyPort, directListener, nativeFault, ourFault } from "./support/direct-listener.ts";
import { waitFor } from "./support/wait.ts";

const seed = Number(process.env.SLUICE_SEED ?? 20_261_124);
const pairs = 40;
const requestsPerPair = Number(process.env.SLUICE_FAULTS ?? 10);

type Native = Record<string, unknown>;
interface Pair {
  native: Native;
  ours: FaultSpec;
}

const share = (numerator: number) => ({ numerator, denominator: "HUNDRED" });

/** The same fault in both languages. `certain`: chance has no say. */
function randomPair(chance: Chance, certain: boolean): Pair {
  const dice = () => (certain ? chance.one([0, 100]) : chance.one([3, 20, 50, 90]));
  const native: Native = {};
  const ours: FaultSpec = { faults: [] };
  const callers = chance.yes(40);
  if (callers) {
    const most = dice();
    const [delay, abort] = [chance.yes(60), chance.yes(80)];
    if (delay) native.delay = { header_delay: {}, percentage: share(most) };
    if (abort) native.abort = { header_abort: {}, percentage: share(most) };
    ours.headerControl = { delay, abort, maxPercentage: most };
  } else {
    const [delay, abort] = [dice(), dice()];
    if (chance.yes(40)) {
      native.delay = { fixed_delay: "0.002s", percentage: share(delay) };
      ours.faults.push({ name: "delay", percentage: delay, delay: { fixed: "2ms" } });
    }
    const answer = chance.yes(50)
      ? {
          native: { http_status: 0 },
          ours: { httpStatus: 0 },
          values: [200, 204, 304, 404, 418, 429, 500, 503, 599],
        }
      : { native: { grpc_status: 0 }, ours: { grpcCode: 0 }, values: [1, 2, 5, 8, 14, 16] };
    const value = chance.one(answer.values);
    const set = (record: object) => Object.fromEntries(Object.keys(record).map((key) => [key, value]));
    native.abort = { ...set(answer.native), percentage: share(abort) };
    ours.faults.push({ name: "abort", percentage: abort, abort: set(answer.ours) });
  }
  return { native, ours: { ...ours, responseHeader: false } };
}

/** Percentages that leave nothing to chance, and texts that are none. */
const percentages = ["0", "100", "101", "-1", "+100", " 100", "1e2", "0x64", "", "99999999999999999999"];
const statuses = ["199", "200", "204", "404", "503", "599", "600", "abc", "+503", "-503", "503 ", "5 03"];

function randomHeaders(chance: Chance): [string, string][] {
  const headers: [string, string][] = [["host", "parity"]];
  if (chance.yes(40))
    headers.push(["content-type", chance.one(["application/grpc", "application/grpc+proto", "text/plain"])]);
  const maybe = (name: string, values: readonly string[]) => {
    while (chance.yes(35)) headers.push([name, chance.one(values)]);
  };
  maybe("x-envoy-fault-delay-request", ["1", "2", "3", "-2", "x", "+2"]);
  maybe("x-envoy-fault-delay-request-percentage", percentages);
  maybe("x-envoy-fault-abort-request", statuses);
  maybe("x-envoy-fault-abort-grpc-request", ["1", "14", "16", "x", "-1", "+5"]);
  maybe("x-envoy-fault-abort-request-percentage", percentages);
  return headers;
}

/** Envoy's own counters of what was injected. */
async function injected(envoy: EnvoyProcess, prefix: string): Promise<{ delays: number; aborts: number }> {
  const { stats } = JSON.parse(await envoy.admin("/stats?format=json")) as {
    stats: { name?: string; value?: number }[];
  };
  const sum = (pattern: RegExp) =>
    stats.reduce((total, { name, value }) => (pattern.test(name ?? "") ? total + (value ?? 0) : total), 0);
  return prefix === "native"
    ? { delays: sum(/fault\.delays_injected$/), aborts: sum(/fault\.aborts_injected$/) }
    : {
        delays: sum(/^wasmcustom\.sluice_faults_total.*type=delay/),
        aborts: sum(/^wasmcustom\.sluice_faults_total.*type=abort/),
      };
}

describe("our faults beside Envoy's", () => {
  const chance = new Chance(seed);
  const certain = Array.from({ length: pairs }, () => randomPair(chance, true));
  const drawn = Array.from({ length: 6 }, () => randomPair(chance, false)).filter(
    ({ ours }) => ours.headerControl === undefined,
  );
  let envoy: EnvoyProcess;

  before(async () => {
    const all = [...certain, ...drawn];
    const config = {
      node: { id: "parity", cluster: "parity" },
      admin: { address: anyPort },
      static_resources: {
        listeners: all.flatMap(({ native, ours }, i) => [
          directListener(`native-${i}`, nativeFault(native)),
          directListener(`ours-${i}`, ourFault(ours, `ours-${i}`)),
        ]),
      },
    };
    envoy = await startEnvoy({ binary: await findEnvoy(), config, concurrency: 1 });
    await waitFor("Envoy is live", async () => (await envoy.admin("/ready")).startsWith("LIVE"), 60_000);
  });
  after(() => envoy?.stop());

  const ask = async (name: string, headers: [string, string][]) => {
    const port = await envoy.listenerPort(name);
    const answer = await send(port, { line: "GET / HTTP/1.1", headers, body: "" });
    const shown = answer.headers.filter(
      ([header]) => !["date", "server", "connection"].includes(header.toLowerCase()),
    );
    return { status: answer.status, body: answer.body, headers: shown.map((pair) => pair.join(": ")).sort() };
  };

  test(`${pairs * requestsPerPair} requests, the same answers`, async () => {
    for (const [i, pair] of certain.entries()) {
      for (let n = 0; n < requestsPerPair; n++) {
        const headers = randomHeaders(chance);
        const [native, ours] = [await ask(`native-${i}`, headers), await ask(`ours-${i}`, headers)];
        assert.deepEqual(ours, native, `seed ${seed}: ${JSON.stringify(pair)} ${JSON.stringify(headers)}`);
      }
    }
    assert.deepEqual(await injected(envoy, "ours"), await injected(envoy, "native"));
  });

  test("where chance decides, the same shares", async () => {
    const most = 600;
    for (const [n, { native, ours }] of drawn.entries()) {
      const aborted = { native: 0, ours: 0 };
      for (const kind of ["native", "ours"] as const)
        for (let request = 0; request < most; request++)
          if ((await ask(`${kind}-${pairs + n}`, [["host", "a"]])).body !== "service") aborted[kind]++;
      const p = (ours.faults.find(({ name }) => name === "abort")?.percentage as number) / 100;
      const bound = 4 * Math.sqrt(2 * most * p * (1 - p));
      assert.ok(Math.abs(aborted.native - aborted.ours) <= bound, JSON.stringify({ native, ours, aborted }));
    }
  });
});
