// What is wrong changes nothing and is told: an invalid edit, and an Envoy that refuses its configuration.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, describe, test } from "node:test";
import { projectRoot } from "../envoy/root.ts";
import type { ProxiesReport, SnapshotReport } from "../server/http/proxies.ts";
import { type LiveEnvoy, type LiveMesh, startLiveMesh, versionOf } from "./live-mesh.ts";
import { waitFor } from "./support/wait.ts";

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
