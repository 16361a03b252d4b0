// How exact the timers are, beside Envoy's own fault filter in one run: reported, and ours never early.

import assert from "node:assert/strict";
import { test } from "node:test";
import { findEnvoy } from "../envoy/find.ts";
import { startEnvoy } from "../envoy/process.ts";
import { anyPort, directListener, nativeFault, ourFault } from "./support/direct-listener.ts";
import { Connection } from "./support/fault-clients.ts";
import { waitFor } from "./support/wait.ts";

const delays = [1, 5, 20, 100];
const requests = 60;

test("timers beside Envoy's own fault filter", async (t) => {
  const native = nativeFault({ delay: { header_delay: {}, percentage: { numerator: 100 } } });
  const ours = ourFault({ faults: [], headerControl: { delay: true } }, "ours");
  const config = {
    node: { id: "timers", cluster: "timers" },
    admin: { address: anyPort },
    static_resources: { listeners: [directListener("native", native), directListener("ours", ours)] },
  };
  const envoy = await startEnvoy({ binary: await findEnvoy(), config, concurrency: 1 });
  try {
    await waitFor("Envoy is live", async () => (await envoy.admin("/ready")).startsWith("LIVE"), 20_000);
    for (const name of ["native", "ours"]) {
      const connection = new Connection(await envoy.listenerPort(name));
      for (const ms of delays) {
        const late: number[] = [];
        for (let i = 0; i < requests; i++) {
          const answer = await connection.ask("/", "", { "x-envoy-fault-delay-request": String(ms) });
          // Envoy's own timers go by the time at which its event loop last woke, and may be milliseconds early.
          if (name === "ours") assert.ok(answer.ms >= ms, `let go after ${answer.ms} ms`);
          late.push(answer.ms - ms);
        }
        late.sort((a, b) => a - b);
        const at = (share: number): string => (late[Math.floor(requests * share)] ?? 0).toFixed(1);
        t.diagnostic(`${name}, ${ms} ms: late by ${at(0.5)} ms (median), ${at(0.95)} (p95)`);
      }
      connection.close();
    }
  } finally {
    await envoy.stop();
  }
});
