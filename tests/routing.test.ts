// The sample mesh on real traffic: what VirtualService says, and what a HeaderRoutingPolicy changes about it.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { projectRoot } from "../envoy/root.ts";
import { type Headers, startTestMesh, type TestMesh } from "./support/mesh.ts";

const meshYaml = (await readFile(join(projectRoot, "examples/ficool/mesh.yaml"), "utf8")).replace(
  /\b1808([123])\b/g,
  "{v$1}",
);

let mesh: TestMesh;
const versionFor = async (headers: Headers = {}): Promise<string> =>
  (await mesh.request({ headers })).echo().version;

/** How many of `total` requests each version answered, 50 at a time. */
async function share(
  total: number,
  headers: (index: number) => Headers = () => ({}),
): Promise<Record<string, number>> {
  const counts: Record<string, number> = { v1: 0, v2: 0, v3: 0 };
  for (let from = 0; from < total; from += 50) {
    const versions = await Promise.all(
      Array.from({ length: Math.min(50, total - from) }, (_, index) => versionFor(headers(from + index))),
    );
    for (const version of versions) counts[version] = (counts[version] ?? 0) + 1;
  }
  return counts;
}

/** Fails unless `count` of `total` lies within four standard deviations of the share. */
function assertShare(count: number, total: number, expected: number): void {
  const deviation = 4 * Math.sqrt(total * expected * (1 - expected));
  assert.ok(
    Math.abs(count - total * expected) <= deviation,
    `${count} of ${total} is not ${expected} within ${deviation.toFixed(0)}`,
  );
}

describe("the sample mesh", () => {
  before(async () => {
    mesh = await startTestMesh({ files: { "mesh.yaml": meshYaml } });
  });
  after(() => mesh.close());

  test("uid 0 always reaches v3", async () => {
    assert.deepEqual(await share(200, () => ({ uid: "0" })), { v1: 0, v2: 0, v3: 200 });
  });

  test("without uid, v1 and v2 share by halves", async () => {
    const { v1 = 0, v2 = 0, v3 } = await share(2000);
    assert.equal(v1 + v2, 2000);
    assert.equal(v3, 0);
    assertShare(v1, 2000, 0.5);
  });

  test("header names are case-insensitive, values are not and are compared whole", async () => {
    assert.equal(await versionFor({ UID: "0" }), "v3");
    assert.notEqual(await versionFor({ uid: "00" }), "v3");
    assert.notEqual(await versionFor({ uid: "" }), "v3");
    assert.notEqual(await versionFor({ uid: "0 0" }), "v3");
  });

  test("repeated values of a header are tried one by one", async () => {
    assert.equal(await versionFor({ uid: ["1", "0"] }), "v3");
    assert.equal(await versionFor({ uid: ["0", "1"] }), "v3");
    assert.notEqual(await versionFor({ uid: ["1", "2"] }), "v3");
  });

  test("a service answers by its full name, name with port and short names; strangers get 404", async () => {
    for (const host of [
      "go-search-service.ficool.svc.cluster.local",
      "go-search-service.ficool.svc.cluster.local:80",
      "go-search-service.ficool",
      "go-search-service",
    ]) {
      assert.equal((await mesh.request({ host })).status, 200, host);
    }
    assert.equal((await mesh.request({ host: "stranger.example" })).status, 404);
  });

  test("a client's own x-envoy headers change nothing", async () => {
    const echo = (
      await mesh.request({ headers: { "x-envoy-upstream-rq-timeout-ms": "12345", uid: "0" } })
    ).echo();
    const names = echo.headers.map(([name, value]) => `${name}: ${value}`);
    assert.ok(!names.includes("x-envoy-expected-rq-timeout-ms: 12345"), names.join("\n"));
    assert.ok(!names.includes("x-envoy-internal: true"), names.join("\n"));
  });

  test("the service sees the request as it was sent, and no header of ours", async () => {
    const echo = (await mesh.request({ path: "/a/b?c=d", headers: { "x-own": "1" } })).echo();
    assert.equal(echo.path, "/a/b?c=d");
    assert.ok(echo.headers.some(([name, value]) => name === "x-own" && value === "1"));
    assert.ok(!echo.headers.some(([name]) => name.startsWith("x-sluice")));
  });
});

const policy = (rules: string, extra = ""): string => `
apiVersion: sluice.traffic/v1alpha1
kind: HeaderRoutingPolicy
metadata: {namespace: ficool, name: canary}
spec:
  targetRefs:
  - {group: networking.istio.io, kind: VirtualService, name: go-search-service, sectionName: default_v1_v2}
${extra}  rules:
${rules}`;

const canary = (weight: number): string =>
  policy(`
  - name: beta
    match: [{cookies: {beta: {exact: "yes"}}}]
    destination: {subset: v3}
  - name: canary
    destinations: [{subset: v3, weight: ${weight}}, {subset: v1, weight: 95}]
    stickyBy: {header: uid}
`);

describe("a HeaderRoutingPolicy on default_v1_v2", () => {
  const users = Array.from({ length: 200 }, (_, index) => `user-${index}`);
  const homes = async (): Promise<string[]> => Promise.all(users.map((uid) => versionFor({ uid })));

  before(async () => {
    mesh = await startTestMesh({ files: { "mesh.yaml": meshYaml, "policy.yaml": canary(5) } });
  });
  after(() => mesh.close());

  test("sends a cookie's owner to v3, and nobody else by that rule", async () => {
    assert.deepEqual(await share(100, () => ({ cookie: "a=b; beta=yes", uid: "user-1" })), {
      v1: 0,
      v2: 0,
      v3: 100,
    });
    const { v2, v3 = 0 } = await share(200, (index) => ({ cookie: "beta=no", uid: `no-${index}` }));
    assert.equal(v2, 0, "the policy's rule takes every request of the route");
    assert.ok(v3 < 60, `${v3} of 200 users on a canary of 5 %`);
  });

  test("leaves the other route alone", async () => {
    assert.equal(await versionFor({ uid: "0", cookie: "beta=no" }), "v3");
  });

  test("keeps each of 200 users on one version over 10,000 requests", async () => {
    const home = await homes();
    for (let round = 0; round < 49; round += 1) assert.deepEqual(await homes(), home);
    assertShare(home.filter((version) => version === "v3").length, users.length, 0.05);
  });

  test("moves users only towards the raised side when the weight goes from 5 to 20", async () => {
    const before = await homes();
    const mover = async (): Promise<boolean> =>
      (await homes()).some((version, index) => version !== before[index]);
    await mesh.apply("policy.yaml", canary(20), mover);
    const now = await homes();
    now.forEach((version, index) => {
      if (version !== before[index])
        assert.equal(version, "v3", `${users[index]} moved away from the raised side`);
    });
    assertShare(now.filter((version) => version === "v3").length, users.length, 20 / 115);
  });

  test("a forged steering header changes neither the destination nor the policy", async () => {
    const real = "default_v1_v2/v3";
    const forged: Headers[] = [
      { "x-sluice-destination": real },
      { "X-SLUICE-Destination": real },
      { "x-sluice-destination": [real, real] },
      { "x-sluice-destination": ["uid_0_v3/", real, "default_v1_v2/v1"] },
      { "x-sluice-destination": "" },
    ];
    const home = await homes();
    for (const headers of forged) {
      const answers = await Promise.all(
        users.slice(0, 40).map((uid) => mesh.request({ headers: { ...headers, uid } as Headers })),
      );
      answers.forEach((answer, index) => {
        assert.equal(answer.echo().version, home[index], `${JSON.stringify(headers)} moved ${users[index]}`);
        assert.ok(!answer.echo().headers.some(([name]) => name === "x-sluice-destination"));
      });
      assert.equal(await versionFor({ ...headers, uid: "0" } as Headers), "v3");
    }
  });

  test("a cookie that is absent is set once and then keeps its bearer", async () => {
    const sticky = policy(`
  - name: by-cookie
    destinations: [{subset: v1, weight: 50}, {subset: v2, weight: 50}]
    stickyBy: {cookie: {name: arm, ttl: 1h}}
`);
    await mesh.apply(
      "policy.yaml",
      sticky,
      async () => (await mesh.request()).headers["set-cookie"] !== undefined,
    );
    for (let client = 0; client < 20; client += 1) {
      const first = await mesh.request();
      const set = String(first.headers["set-cookie"]);
      assert.match(set, /^arm=[^;]+; .*Max-Age=3600/i);
      const cookie = set.split(";")[0] ?? "";
      for (let round = 0; round < 5; round += 1) {
        const next = await mesh.request({ headers: { cookie } });
        assert.equal(next.echo().version, first.echo().version);
        assert.equal(next.headers["set-cookie"], undefined);
      }
    }
  });

  test("headers are changed in both directions, and a change does not send the request elsewhere", async () => {
    const changing = policy(`
  - name: stamp
    headers:
      request: {set: {uid: "0", x-stamp: "in"}, remove: [x-drop]}
      response: {set: {x-stamp: out}, remove: [content-type]}
`);
    await mesh.apply(
      "policy.yaml",
      changing,
      async () => (await mesh.request()).headers["x-stamp"] === "out",
    );
    for (let round = 0; round < 20; round += 1) {
      const answer = await mesh.request({ headers: { "x-drop": "1" } });
      const echo = answer.echo();
      assert.notEqual(echo.version, "v3", "uid: 0 was set by the rule, and must not choose the route");
      assert.deepEqual(
        echo.headers.filter(([name]) => ["uid", "x-stamp", "x-drop"].includes(name)),
        [
          ["uid", "0"],
          ["x-stamp", "in"],
        ],
      );
      assert.equal(answer.headers["x-stamp"], "out");
      assert.equal(answer.headers["content-type"], undefined);
    }
  });
});
