// A policy after the other edited under load in a real Envoy, as fast as people and pipelines save: no request fails,
// nothing drains, each edit is in force on every worker, and what the limits have counted stays.
//
// `npm test` makes a few; SLUICE_EDITS=200 is the minute that the documents tell of.

import assert from "node:assert/strict";
import { after, before, describe, type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { Client } from "undici";
import {
  assertNothingDrained,
  host,
  type LiveEnvoy,
  type LiveMesh,
  startLiveMesh,
  startLoad,
  stats,
} from "./live-mesh.ts";

const edits = Number(process.env.SLUICE_EDITS ?? 8);
const perSecond = 500;
const periodMs = 300;
/** What the limit of the proof lets through in a day, however often it is edited. */
const allowance = Math.max(2, Math.floor(edits / 4));
/** Envoy spreads them over its two workers. */
const connections = 8;

const targets = `[{group: networking.istio.io, kind: VirtualService, name: go-search-service}]`;

const policy = (kind: string, name: string, spec: string): string => `
apiVersion: sluice.traffic/v1alpha1
kind: ${kind}
metadata: {name: ${name}, namespace: ficool}
spec:
  targetRefs: ${targets}
${spec}`;

/** The limit keeps its name and its rate; its answer says by which edit. */
const limits = (edit: number): string =>
  policy(
    "RateLimitPolicy",
    "limits",
    `  limits:
  - {name: proof, match: [{headers: {x-proof: {}}}], requests: ${allowance}, per: 24h}
  - {name: probe, match: [{headers: {x-probe: {exact: limit}}}], requests: 1, per: 24h}
  - {name: wide, requests: ${900_000 + edit}, per: 1s}
  response: {headers: {x-edit: "${edit}"}}
`,
  );

const routing = (edit: number): string =>
  policy(
    "HeaderRoutingPolicy",
    "routing",
    `  rules:
  - name: probe
    match: [{headers: {x-probe: {exact: routing}}}]
    headers: {response: {set: {x-edit: "${edit}"}}}
`,
  );

const faults = (edit: number): string =>
  policy(
    "FaultPolicy",
    "faults",
    `  faults:
  - name: probe
    match: [{headers: {x-probe: {exact: fault}}}]
    percentage: 100
    abort: {httpStatus: 418, headers: {x-edit: "${edit}"}}
`,
  );

const kinds = [
  { file: "limits.yaml", text: limits, probe: "limit" },
  { file: "routing.yaml", text: routing, probe: "routing" },
  { file: "faults.yaml", text: faults, probe: "fault" },
] as const;

describe("policies edited under load", () => {
  let mesh: LiveMesh;
  let envoy: LiveEnvoy;
  const clients: Client[] = [];
  before(async () => {
    mesh = await startLiveMesh();
    for (const { file, text } of kinds) await mesh.put(file, text(0));
    envoy = await mesh.envoy("edited");
    await mesh.inSync("edited");
    for (let i = 0; i < connections; i++) clients.push(new Client(`http://127.0.0.1:${envoy.port}`));
  });
  after(async () => {
    await Promise.all(clients.map((client) => client.close()));
    await mesh?.close();
  });

  /** Status of one request, and the edit that its answer carries. */
  async function ask(client: Client, headers: Record<string, string>): Promise<[number, string | undefined]> {
    const answer = await client.request({ path: "/", method: "GET", headers: { host, ...headers } });
    await answer.body.dump();
    return [answer.statusCode, answer.headers["x-edit"]?.toString()];
  }

  async function inForce(client: Client, probe: string, edit: number): Promise<void> {
    let last: unknown;
    for (const end = performance.now() + 20_000; performance.now() < end; await delay(2)) {
      last = await ask(client, { "x-probe": probe });
      if ((last as [number, string?])[1] === String(edit)) return;
    }
    throw new Error(`edit ${edit} of ${probe} is not in force: ${JSON.stringify(last)}`);
  }

  test(`${edits} edits at ${perSecond} requests a second: none fails, each is in force, limits keep their state`, async (context: TestContext) => {
    const [first = clients[0]] = clients;
    assert.ok(first !== undefined);
    // The probe of the limit is refused from now on.
    await ask(first, { "x-probe": "limit" });
    const reloads = await stats(envoy, "vm_reload");
    const load = startLoad(envoy.port, perSecond);
    const times: number[] = [];
    let admitted = 0;
    const start = performance.now();
    let outcome: Awaited<ReturnType<typeof load.stop>>;
    try {
      for (let edit = 1; edit <= edits; edit++) {
        const { file, text, probe } = kinds[edit % kinds.length] ?? kinds[0];
        const saved = performance.now();
        await mesh.put(file, text(edit));
        await Promise.all(clients.map((client) => inForce(client, probe, edit)));
        times.push(performance.now() - saved);
        const [status] = await ask(first, { "x-proof": "1" });
        if (status === 200) admitted += 1;
        await delay(Math.max(0, start + edit * periodMs - performance.now()));
      }
    } finally {
      outcome = await load.stop();
    }
    const { sent, failures } = outcome;
    times.sort((a, b) => a - b);
    context.diagnostic(
      `${edits} edits, ${sent} requests: saved to in force median ${at(times, 0.5)} ms, 99th percentile ${at(times, 0.99)} ms`,
    );
    assert.deepEqual(failures, []);
    assert.equal(admitted, Math.min(edits, allowance));
    await assertNothingDrained(envoy);
    assert.deepEqual(await stats(envoy, "vm_reload"), reloads, "no VM was started again");
  });
});

function at(sorted: readonly number[], share: number): string {
  return (sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? 0).toFixed(0);
}
