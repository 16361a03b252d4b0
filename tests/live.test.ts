// A folder edited while a real Envoy serves it under load: nothing fails, nothing drains, and what is wrong
// changes nothing and is told.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { ProxiesReport, SnapshotReport } from "../server/http/proxies.ts";
import type { Variant } from "../server/xds/protocol.ts";
import { projectRoot } from "../envoy/root.ts";
import { type LiveEnvoy, type LiveMesh, startLiveMesh, startLoad, stats, versionOf } from "./live-mesh.ts";
import { waitFor } from "./support/wait.ts";

const variants: readonly Variant[] = ["delta", "sotw"];

async function assertNothingDrained(envoy: LiveEnvoy): Promise<void> {
  const counts = await stats(
    envoy,
    "^listener_manager\\.(total_listeners_draining|total_filter_chains_draining|listener_stopped|listener_modified|listener_removed|listener_in_place_updated|lds\\.update_rejected)$",
  );
  assert.ok(Object.keys(counts).length >= 6, JSON.stringify(counts));
  for (const [name, value] of Object.entries(counts)) assert.equal(value, 0, name);
}

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
    const version = (tester: string): Promise<string> => versionOf(envoy.port, { "x-tester": tester });
    await mesh.put("mesh.yaml", mesh.meshYaml);
    await mesh.put("policy.yaml", policy("v3"));
    await mesh.inSync("policed");
    await waitFor("testers on v3", async () => (await version("1")) === "v3");
    for (const subset of ["v1", "v2"]) {
      await mesh.put("policy.yaml", policy(subset));
      await mesh.inSync("policed");
      await waitFor(`testers on ${subset}`, async () => {
        const seen = new Set(await Promise.all(Array.from({ length: 8 }, () => version("1"))));
        return seen.size === 1 && seen.has(subset);
      });
    }
    await mesh.remove("policy.yaml");
    await mesh.inSync("policed");
    await waitFor("testers on both again", async () => {
      const seen = new Set(await Promise.all(Array.from({ length: 16 }, () => version("1"))));
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
  (mesh, edit) => mesh.put("policy.yaml", policy(edit % 2 === 0 ? "v3" : "v2")),
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

function policy(subset: string): string {
  return `
apiVersion: sluice.traffic/v1alpha1
kind: HeaderRoutingPolicy
metadata: {name: testers, namespace: ficool}
spec:
  targetRefs:
  - {group: networking.istio.io, kind: VirtualService, name: go-search-service, sectionName: default_v1_v2}
  rules:
  - name: testers
    match: [{headers: {x-tester: {}}}]
    destination: {subset: ${subset}}
`;
}

describe("a route moved between two clusters, the old one removed", () => {
  for (const variant of variants) {
    test(`${variant}: 10 moves, no failure`, async () => {
      const mesh = await startLiveMesh();
      try {
        const port = /http: (\d+)/.exec(mesh.meshYaml)?.[1] ?? "";
        await mesh.put("moving.yaml", moving("red", port));
        const envoy = await mesh.envoy("mover", { variant });
        await mesh.inSync("mover");
        const load = startLoad(envoy.port, 500, { host: "moving.example" });
        for (let move = 0; move < 10; move++) {
          await delay(200);
          await mesh.put("moving.yaml", moving(move % 2 === 0 ? "blue" : "red", port));
          await mesh.inSync("mover");
        }
        await delay(200);
        const { sent, failures } = await load.stop();
        assert.deepEqual(failures, []);
        assert.ok(sent > 1_000, `only ${sent} requests were sent`);
        const clusters = await envoy.admin("/clusters");
        assert.match(clusters, /red\.example/);
        assert.doesNotMatch(clusters, /blue\.example/);
        await assertNothingDrained(envoy);
      } finally {
        await mesh.close();
      }
    });
  }
});

function moving(colour: string, port: string): string {
  return `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: ${colour}, namespace: ficool}
spec:
  hosts: [${colour}.example]
  ports: [{number: 80, name: http, protocol: HTTP}]
  resolution: STATIC
  endpoints: [{address: 127.0.0.1, ports: {http: ${port}}}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: moving, namespace: ficool}
spec:
  hosts: [moving.example]
  http: [{name: moving, route: [{destination: {host: ${colour}.example}}]}]
`;
}

describe("a policy whose destination changes under load", () => {
  for (const variant of variants) {
    test(`${variant}: 10 changes, every request goes to the old or the new one, none to the base route`, async () => {
      const mesh = await startLiveMesh();
      try {
        await mesh.put("mesh.yaml", onlyV1(mesh.meshYaml));
        await mesh.put("policy.yaml", policy("v2"));
        const envoy = await mesh.envoy("steered", { variant });
        await mesh.inSync("steered");
        await waitFor("the policy in force", async () => (await versionOf(envoy.port, tester)) === "v2");
        assert.equal(await versionOf(envoy.port), "v1");
        const load = startLoad(envoy.port, 500, {
          headers: tester,
          check: (body) => (/"version":"v[23]"/.test(body) ? undefined : body),
        });
        for (let change = 0; change < 10; change++) {
          await delay(200);
          await mesh.put("policy.yaml", policy(change % 2 === 0 ? "v3" : "v2"));
          await mesh.inSync("steered");
        }
        await delay(200);
        const { sent, failures } = await load.stop();
        assert.deepEqual(failures, []);
        assert.ok(sent > 1_000, `only ${sent} requests were sent`);
        await assertNothingDrained(envoy);
      } finally {
        await mesh.close();
      }
    });
  }
});

const tester = { "x-tester": "1" };

function onlyV1(yaml: string): string {
  return yaml
    .replace(/^ {4}- destination:\n.*\n {8}subset: v2\n {6}weight: 50\n/m, "")
    .replace("      weight: 50\n", "");
}

describe("a change of a cluster alone", () => {
  for (const variant of variants) {
    test(`${variant}: its timeout is in force without waiting for endpoints that never come`, async () => {
      const mesh = await startLiveMesh();
      try {
        const envoy = await mesh.envoy("tuned", { variant });
        await mesh.inSync("tuned");
        await mesh.put(
          "mesh.yaml",
          mesh.meshYaml.replace("maxConnections: 100", "maxConnections: 100\n          connectTimeout: 3s"),
        );
        await mesh.inSync("tuned");
        // A cluster that is not told of its endpoints again warms for 15 s.
        const active = "/config_dump?resource=dynamic_active_clusters";
        await waitFor(
          "3 s in force",
          async () => (await envoy.admin(active)).includes('"connect_timeout": "3s"'),
          5_000,
        );
        const timeouts = await stats(envoy, "init_fetch_timeout$");
        for (const [name, value] of Object.entries(timeouts)) assert.equal(value, 0, name);
      } finally {
        await mesh.close();
      }
    });
  }
});

describe("an invalid edit", () => {
  let mesh: LiveMesh;
  let envoy: LiveEnvoy;
  let served = "";
  before(async () => {
    mesh = await startLiveMesh();
    envoy = await mesh.envoy("steady");
    await mesh.inSync("steady");
    served = mesh.server.state().version;
    await mesh.put("mesh.yaml", mesh.meshYaml.replace("timeout: 60s", "timeuot: 60s"));
    await mesh.server.rebuild();
  });
  after(() => mesh?.close());

  const line = (): number => mesh.meshYaml.split("\n").findIndex((one) => one.includes("timeout: 60s")) + 1;
  const place = (): string => `${join(mesh.directory, "mesh.yaml")}:${line()}:5`;

  test("changes nothing for the proxy", async () => {
    assert.equal(mesh.server.proxies()[0]?.version, served);
    assert.equal(await versionOf(envoy.port, { uid: "0" }), "v3");
    assert.match(await envoy.admin("/config_dump?resource=dynamic_route_configs"), /"60s"/);
  });

  test("is told in the log with file, line and column", () => {
    const entry = mesh.log.find((one) => one.event === "diagnostic");
    assert.deepEqual(
      [entry?.level, entry?.file, entry?.line, entry?.column],
      ["error", join(mesh.directory, "mesh.yaml"), line(), 5],
    );
    assert.ok(String(entry?.msg).startsWith(`${place()}: `), String(entry?.msg));
  });

  test("is told by /api/v1/snapshot", async () => {
    const report = (await (await api("snapshot")).json()) as SnapshotReport;
    assert.deepEqual([report.version, report.lastGood, report.errors], [served, true, 1]);
    assert.ok(report.diagnostics[0]?.text.startsWith(`${place()}: error: `), report.diagnostics[0]?.text);
  });

  test("is told by `sluice status`, whose exit code is 1", async () => {
    const { code, output } = await status(mesh.server.httpPort);
    assert.equal(code, 1);
    assert.match(output, /the last good version/);
    assert.ok(output.includes(`${place()}: error: `), output);
    assert.match(output, new RegExp(`^steady +1\\.40\\.0 +gateway +${served} +ACK$`, "m"));
  });

  test("is forgotten when mended", async () => {
    await mesh.put("mesh.yaml", mesh.meshYaml);
    await mesh.inSync("steady");
    assert.deepEqual([mesh.server.state().diagnostics, mesh.server.state().version], [[], served]);
    assert.equal((await status(mesh.server.httpPort)).code, 0);
  });

  const api = (name: string): Promise<Response> =>
    fetch(`http://127.0.0.1:${mesh.server.httpPort}/api/v1/${name}`);
});

describe("two Envoys, one of which refuses", () => {
  test("the other goes on, and status says which, what and why", async () => {
    const mesh = await startLiveMesh();
    try {
      await mesh.envoy("willing");
      // It takes no regular expression of more than one instruction.
      const strict = await mesh.envoy("strict", { runtime: { "re2.max_program_size.error_level": 1 } });
      await mesh.inSync("willing");
      await mesh.inSync("strict");
      const before = mesh.server.state().version;
      await mesh.put("mesh.yaml", mesh.meshYaml.replace('exact: "0"', 'regex: "[0-9]+0"'));
      await mesh.inSync("willing");
      const wanted = mesh.server.state().version;
      assert.notEqual(wanted, before);
      const report = await waitFor("the refusal", async () => {
        const answer = await fetch(`http://127.0.0.1:${mesh.server.httpPort}/api/v1/proxies`);
        const { proxies } = (await answer.json()) as ProxiesReport;
        return proxies.some((one) => one.state === "nacked") ? proxies : undefined;
      });
      assert.deepEqual(
        report.map((one) => [one.node.id, one.state, one.version, one.wantedVersion]),
        [
          ["strict", "nacked", before, wanted],
          ["willing", "synced", wanted, wanted],
        ],
      );
      assert.match(report[0]?.types.routes?.error ?? "", /regex .* RE2 program size/i);
      const { code, output } = await status(mesh.server.httpPort);
      assert.equal(code, 1);
      assert.match(output, /^strict .* NACK/m);
      assert.match(output, /^ {2}NACK of routes, version \w+: .*RE2 program size/m);
      assert.match(output, /^willing .* ACK$/m);
      const nacks = mesh.log.filter((one) => one.event === "nack");
      assert.deepEqual(
        nacks.map((one) => [one.node, one.type, one.level]),
        [["strict", "routes", "error"]],
      );
      // What it had goes on.
      assert.equal(await versionOf(strict.port, { uid: "0" }), "v3");

      await mesh.put("mesh.yaml", mesh.meshYaml);
      await mesh.inSync("strict");
      assert.equal((await status(mesh.server.httpPort)).code, 0);
    } finally {
      await mesh.close();
    }
  });
});

async function status(httpPort: number): Promise<{ code: number; output: string }> {
  const child = spawn(
    process.execPath,
    [
      "--import",
      "tsx",
      join(projectRoot, "cli", "main.ts"),
      "status",
      "--server",
      `http://127.0.0.1:${httpPort}`,
    ],
    { stdio: ["ignore", "pipe", "inherit"], cwd: projectRoot },
  );
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, "close")]);
  return { code, output };
}
