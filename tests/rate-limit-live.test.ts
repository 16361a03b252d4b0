// A RateLimitPolicy through the config server to a real Envoy: attached to one route, edited, and removed.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { projectRoot } from "../envoy/root.ts";
import { startTestMesh, type TestMesh } from "./support/mesh.ts";

const meshYaml = (await readFile(join(projectRoot, "examples/ficool/mesh.yaml"), "utf8")).replace(
  /\b1808([123])\b/g,
  "{v$1}",
);

const policy = (limits: string): string => `
apiVersion: sluice.traffic/v1alpha1
kind: RateLimitPolicy
metadata: {namespace: ficool, name: search}
spec:
  targetRefs: [{group: networking.istio.io, kind: VirtualService, name: go-search-service, sectionName: default_v1_v2}]
  limits: ${limits}
  response: {body: "%LIMIT%: try again in %RETRY_AFTER% s", when: always}
`;

describe("RateLimitPolicy in the mesh", () => {
  let mesh: TestMesh;
  before(async () => {
    const file = policy("[{name: per-user, key: [{header: user}], requests: 3, per: 24h, maxKeys: 100}]");
    mesh = await startTestMesh({ files: { "mesh.yaml": meshYaml, "limit.yaml": file } });
  });
  after(() => mesh.close());

  const statuses = async (count: number, headers: Record<string, string>): Promise<number[]> => {
    const all: number[] = [];
    for (let i = 0; i < count; i++) all.push((await mesh.request({ headers })).status);
    return all;
  };

  test("each user has a bucket on the route, and the answers say what is left", async () => {
    assert.deepEqual(await statuses(4, { user: "a" }), [200, 200, 200, 429]);
    const admitted = await mesh.request({ headers: { user: "b" } });
    assert.equal(admitted.headers.ratelimit, '"per-user";r=2;t=28800');
    const refused = await mesh.request({ headers: { user: "a" } });
    assert.match(refused.body, /^per-user: try again in 2\d{4} s$/);
    assert.match(String(refused.headers["retry-after"]), /^2\d{4}$/);
    assert.equal(refused.headers["ratelimit-policy"], '"per-user";q=3;w=86400');
  });

  test("the route beside it is not limited", async () => {
    // uid 0 takes the VirtualService's other route.
    assert.deepEqual(await statuses(5, { user: "a", uid: "0" }), [200, 200, 200, 200, 200]);
  });

  test("an edit keeps what has been used", async () => {
    await mesh.apply(
      "limit.yaml",
      policy("[{name: per-user, key: [{header: user}], requests: 6, per: 24h, maxKeys: 100}]"),
      async () =>
        String((await mesh.request({ headers: { user: "probe" } })).headers["ratelimit-policy"]).includes(
          "q=6",
        ),
    );
    // One of three is two of six.
    assert.deepEqual(await statuses(5, { user: "b" }), [200, 200, 200, 200, 429]);
    assert.deepEqual(await statuses(1, { user: "a" }), [429]);
  });

  test("metrics have real labels", async () => {
    const text = await mesh.envoy.admin("/stats/prometheus?filter=sluice_rate_limit");
    assert.match(text, /sluice_rate_limit_decisions_total\{[^}]*policy="ficool\/search"[^}]*\} \d+/);
    assert.match(text, /sluice_rate_limit_decisions_total\{[^}]*decision="limited"[^}]*\} \d+/);
    assert.match(text, /sluice_rate_limit_decisions_total\{[^}]*limit="per-user"[^}]*\} \d+/);
  });

  test("without the policy there is no limit", async () => {
    await mesh.apply(
      "limit.yaml",
      "",
      async () => (await mesh.request({ headers: { user: "a" } })).status === 200,
    );
    assert.deepEqual(await statuses(3, { user: "a" }), [200, 200, 200]);
  });
});
