// Parity with istiod: the corpus behind a gateway that the real istiod configures, and behind one that our server
// configures; every request must have the same outcome. docs/istio-differences.md tells what is known to differ.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Agent } from "undici";
import { ask } from "../support/mesh.ts";
import { startTestMesh, type TestMesh } from "../support/mesh.ts";
import { waitFor } from "../support/wait.ts";
import { type Backend, startBackend } from "./backend.ts";
import {
  type CorpusCase,
  type CorpusRequest,
  corpusYaml,
  type Filling,
  readCorpus,
  requestsOf,
} from "./corpus.ts";
import { type Lab, startLab } from "./lab.ts";
import { outcome, type Outcome } from "./outcome.ts";

const cases = readCorpus();
let lab: Lab;
let ours: TestMesh;
let backends: Backend[];
let theirs: Filling;
let own: Filling;
const agent = new Agent({ connections: 4 });

before(async () => {
  backends = await Promise.all(["v1", "v2", "v3"].map(startBackend));
  const ports = Object.fromEntries(backends.map(({ version, port }) => [version, port]));
  lab = await startLab({ services: [] });
  const [a = 0, b = 0, c = 0, d = 0] = await lab.ports(4);
  theirs = { side: "istiod", port: a, otherPort: b, backends: ports };
  own = { side: "ours", port: c, otherPort: d, backends: ports };
  await lab.apply(corpusYaml(cases, theirs));
  await lab.proxy({ name: "gw", labels: { istio: "gw" }, address: "127.0.9.1" });
  ours = await startTestMesh({ files: { "corpus.yaml": corpusYaml(cases, own) }, services: [] });
  for (const { port } of [theirs, own]) {
    const serves = async () =>
      (await ask(agent, port, { host: "uri-exact.example" }).catch(() => undefined))?.status === 200;
    await waitFor(`port ${port} serves`, serves, 60_000);
  }
});
after(async () => {
  await agent.close();
  await ours?.close();
  await lab?.close();
  for (const backend of backends ?? []) await backend.close();
});

async function outcomes(request: CorpusRequest, { port }: Filling): Promise<Outcome[]> {
  const all: Outcome[] = [];
  for (let i = 0; i < request.repeat; i++) all.push(outcome(await ask(agent, port, request), port));
  return all;
}

const seenBy = (version: string, id: string): number =>
  backends.find((backend) => backend.version === version)?.seen(id) ?? 0;

for (const one of cases) {
  test(one.name, async () => {
    const requests = requestsOf(one, theirs);
    for (const [i, request] of requests.entries()) {
      const mine = requestsOf(one, own)[i] ?? request;
      const [expected, actual] = [await outcomes(request, theirs), await outcomes(mine, own)];
      if (request.repeat === 1)
        assert.deepEqual(actual, expected, `${request.method} ${request.host}${request.path}`);
      else compareShares(one, actual, expected);
      for (const [version, id] of Object.entries(request.seen))
        await compareSeen(version, id, mine.seen[version] ?? "");
    }
  });
}

/** A copy goes its own way, and may come after the answer. */
async function compareSeen(version: string, theirId: string, ownId: string): Promise<void> {
  await waitFor(`${version} has seen as many`, () => seenBy(version, theirId) === seenBy(version, ownId));
}

/** The same outcomes, each about as often: within five standard deviations of the difference. */
function compareShares(
  { sticky }: CorpusCase,
  actual: readonly Outcome[],
  expected: readonly Outcome[],
): void {
  const [a, b] = [countBy(actual), countBy(expected)];
  if (sticky === true) {
    assert.deepEqual([a.size, b.size], [1, 1]);
    return;
  }
  assert.deepEqual([...a.keys()].sort(), [...b.keys()].sort());
  for (const [key, count] of a) {
    const other = b.get(key) ?? 0;
    const share = (count + other) / (2 * actual.length);
    const deviation = Math.sqrt(2 * actual.length * share * (1 - share));
    assert.ok(
      Math.abs(count - other) <= 5 * deviation + 1,
      `${key}: ${count} and ${other} of ${actual.length}`,
    );
  }
}

function countBy(all: readonly Outcome[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { status, echo } of all) {
    const key = `${status} ${echo?.version ?? ""}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}
