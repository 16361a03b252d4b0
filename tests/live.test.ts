// A folder edited while a real Envoy serves it under load: nothing fails and nothing drains.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import {
  assertNothingDrained,
  type LiveMesh,
  startLiveMesh,
  startLoad,
  tester,
  testersPolicy,
  versionOf,
} from "./live-mesh.ts";
import { waitFor } from "./support/wait.ts";

describe("edits under load", () => {
  let mesh: LiveMesh;
  before(async () => {
    mesh = await startLiveMesh();
  });
  after(() => mesh?.close());

  test("500 requests a second for 20 s, 20 edits: none fails, no listener drains", async () => {
    const envoy = await mesh.envoy("edited");
    await mesh.inSync("edited");
    const load = startLoad(envoy.port, 500);
    const versions = new Set<string>([mesh.server.state().version]);
    const start = performance.now();
    for (let edit = 0; edit < 20; edit++) {
      await edits[edit % edits.length]?.(mesh, edit);
      await mesh.inSync("edited");
      assert.deepEqual(mesh.server.state().diagnostics, []);
      versions.add(mesh.server.state().version);
      await delay(Math.max(0, start + (edit + 1) * 1000 - performance.now()));
    }
    const { sent, failures } = await load.stop();
    assert.deepEqual(failures, []);
    assert.ok(sent >= 9_900, `only ${sent} requests were sent`);
    assert.ok(versions.size > edits.length, "the edits changed something");
    await assertNothingDrained(envoy);
  });

  test("a policy saved twice is in force the second time, and gone when its file is", async () => {
    const envoy = await mesh.envoy("policed");
    const version = (): Promise<string> => versionOf(envoy.port, tester);
    await mesh.put("mesh.yaml", mesh.meshYaml);
    await mesh.put("policy.yaml", testersPolicy("v3"));
    await mesh.inSync("policed");
    await waitFor("testers on v3", async () => (await version()) === "v3");
    for (const subset of ["v1", "v2"]) {
      await mesh.put("policy.yaml", testersPolicy(subset));
      await mesh.inSync("policed");
      await waitFor(`testers on ${subset}`, async () => {
        const seen = new Set(await Promise.all(Array.from({ length: 8 }, () => version())));
        return seen.size === 1 && seen.has(subset);
      });
    }
    await mesh.remove("policy.yaml");
    await mesh.inSync("policed");
    await waitFor("testers on both again", async () => {
      const seen = new Set(await Promise.all(Array.from({ length: 16 }, () => version())));
      return seen.has("v1") && seen.has("v2");
    });
    await assertNothingDrained(envoy);
  });
});

type Edit = (mesh: LiveMesh, edit: number) => Promise<void>;

const edits: readonly Edit[] = [
  (mesh, edit) =>
    mesh.put("mesh.yaml", mesh.meshYaml.replace(/weight: 50/, "weight: 20").replace("60s", `${60 + edit}s`)),
  (mesh) => mesh.put("extra.yaml", extra),
  (mesh, edit) => mesh.put("policy.yaml", testersPolicy(edit % 2 === 0 ? "v3" : "v2")),
  (mesh) => mesh.remove("extra.yaml"),
  // The route moves to v3 alone, and the subset v1 is no more.
  (mesh) => mesh.put("mesh.yaml", withoutV1(mesh.meshYaml)),
];

const extra = `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: extra, namespace: ficool}
spec:
  hosts: [extra.example]
  ports: [{number: 80, name: http, protocol: HTTP}]
  resolution: STATIC
  endpoints: [{address: 127.0.0.1, ports: {http: 9}}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: extra, namespace: ficool}
spec:
  hosts: [extra.example]
  http: [{name: extra, route: [{destination: {host: extra.example}}]}]
`;

function withoutV1(yaml: string): string {
  return yaml
    .replace(/^ {4}- destination:\n.*\n {8}subset: v1\n {6}weight: 50\n/m, "")
    .replace("      weight: 50\n", "")
    .replace(/^ {2}- name: v1\n.*\n/m, "");
}
