// The game-day recipes of docs/fault-injection.md, as they are printed there, in a real Envoy; and the example.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { projectRoot } from "../envoy/root.ts";
import { startTestMesh, type TestMesh } from "./support/mesh.ts";

const read = (path: string) => readFile(join(projectRoot, path), "utf8");

/** The yaml block under a heading. */
function recipe(document: string, heading: string): string {
  const section = document.split(/^### /m).find((text) => text.startsWith(`${heading}\n`));
  const block = /^```yaml\n([\s\S]*?)^```$/m.exec(section ?? "")?.[1];
  assert.ok(block !== undefined, `docs/fault-injection.md has no recipe "${heading}"`);
  return block;
}

describe("game-day recipes", () => {
  let world: TestMesh;
  let document: string;
  const ask = (headers: Record<string, string> = {}) => world.request({ headers });
  const faultOf = async (headers: Record<string, string>) => (await ask(headers)).headers["x-sluice-fault"];

  before(async () => {
    document = await read("docs/fault-injection.md");
    const mesh = await read("examples/fault-injection/mesh.yaml");
    const ported = mesh.replace(/http: 1808([123])/g, "http: {v$1}");
    const policy = await read("examples/fault-injection/policy.yaml");
    world = await startTestMesh({ files: { "mesh.yaml": ported, "policy.yaml": policy } });
  });
  after(() => world?.close());

  test("the example: down and thin on demand, one user in ten slow", async () => {
    const down = await ask({ "x-try": "down" });
    assert.deepEqual([down.status, down.body], [503, "search is down\n"]);
    assert.equal(await faultOf({ "x-try": "thin" }), "ficool/search-faults/thin");
    assert.equal(await faultOf({}), undefined);
    assert.equal(await faultOf({ "x-try": "down", uid: "0" }), undefined, "another route");
  });

  test("a slow dependency: the same tenth of the users, each time", async () => {
    await world.apply("policy.yaml", recipe(document, "A slow dependency"), async () => {
      const [proxy] = world.server.proxies();
      return proxy !== undefined && (await ask({ "x-try": "down" })).status === 200;
    });
    const users = Array.from({ length: 300 }, (_, i) => `user-${i}`);
    const hit = async () => {
      const slow: string[] = [];
      for (const uid of users) if ((await faultOf({ uid })) !== undefined) slow.push(uid);
      return slow;
    };
    const first = await hit();
    assert.ok(first.length > 10 && first.length < 52, `${first.length} of ${users.length}`);
    assert.deepEqual(await hit(), first);
  });

  test("a dependency that is down: three in ten, and the switch", async () => {
    const seen = async (count: number) => {
      let failed = 0;
      for (let i = 0; i < count; i++) if ((await ask()).status === 503) failed++;
      return failed;
    };
    const holds = async () => (await seen(20)) > 0;
    await world.apply("policy.yaml", recipe(document, "A dependency that is down"), holds);
    const failed = await seen(400);
    assert.ok(Math.abs(failed - 120) < 4 * Math.sqrt(400 * 0.3 * 0.7), `${failed} of 400`);
    const off =
      "apiVersion: sluice.traffic/v1alpha1\nkind: FaultSwitch\nmetadata: {name: faults}\nspec: {disabled: true}\n";
    await world.apply("sluice-faults.yaml", off, async () => (await seen(20)) === 0);
    assert.equal(await seen(100), 0);
    await world.apply("sluice-faults.yaml", "# on\n", holds);
  });

  test("a thin network: testers only, and what they ask for", async () => {
    const tester = { cookie: "game-day=yes" };
    await world.apply(
      "policy.yaml",
      recipe(document, "A thin network"),
      async () => (await faultOf(tester)) === "ficool/thin-network/crawl",
    );
    assert.equal(await faultOf({}), undefined);
    assert.equal(await faultOf({ "x-envoy-fault-delay-request": "20" }), "ficool/thin-network/x-envoy-fault");
  });
});
