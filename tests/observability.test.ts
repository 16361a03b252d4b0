// Access logs of a real Envoy: one line per request, with what our filters decided about it, and no field that
// docs/observability.md does not list.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { projectRoot } from "../envoy/root.ts";
import { accessLogFields } from "../server/istio/access-log.ts";
import { startTestMesh, type TestMesh } from "./support/mesh.ts";
import { observedMesh } from "./support/observed.ts";
import { waitFor } from "./support/wait.ts";

interface Line {
  [field: string]: unknown;
  path: string;
  sluice: Record<string, string | null>;
}

const host = "go-search-service.ficool.svc.cluster.local";
const cluster = (version: string): string => `outbound|80|${version}|${host}`;

describe("access logs", () => {
  let mesh: TestMesh;
  const lines: Line[] = [];
  before(async () => {
    mesh = await startTestMesh({
      files: await observedMesh(),
      observability: { accessLog: true },
      onOutput: (line) => lines.push(JSON.parse(line) as Line),
    });
    await mesh.request({ path: "/plain?token=secret", headers: { "user-agent": "curl \"'" } });
    await mesh.request({ path: "/insider", headers: { user: "insider" } });
    await mesh.request({ path: "/forged", headers: { "x-sluice-destination": "default_v1_v2/v3" } });
    await mesh.request({ path: "/admitted", headers: { user: "greedy" } });
    await mesh.request({ path: "/limited", headers: { user: "greedy" } });
    await mesh.request({ path: "/abort" });
    await mesh.request({ path: "/slow" });
    await mesh.request({ path: "/nowhere", host: "nowhere.example" });
    await waitFor("a line for each of the 8 requests", () => lines.length >= 8);
  });
  after(() => mesh.close());

  /** Sends these bytes, and closes when they are with Envoy. */
  function say(bytes: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = connect(mesh.port, "127.0.0.1", () => socket.end(bytes, "latin1"));
      socket.on("error", reject).on("close", () => resolve());
      socket.resume();
    });
  }

  function logOf(path: string): Line {
    const found = lines.filter((line) => line.path === path);
    assert.equal(found.length, 1, `lines for ${path}`);
    return found[0] as Line;
  }

  test("one line per request, each with every field", () => {
    assert.equal(lines.length, 8);
    for (const line of lines) {
      assert.deepEqual(Object.keys(line).sort(), Object.keys(accessLogFields).sort());
      assert.match(String(line.time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      assert.equal(typeof line.duration_ms, "number");
      assert.match(String(line.request_id), /^[0-9a-f-]{36}$/);
    }
  });

  test("an ordinary request: what was asked, where it went, how it ended; the query is left out", () => {
    const line = logOf("/plain");
    assert.ok(!JSON.stringify(line).includes("secret"));
    assert.deepEqual(
      [line.method, line.authority, line.protocol, line.client, line.user_agent],
      ["GET", host, "HTTP/1.1", "127.0.0.1", "curl \"'"],
    );
    assert.deepEqual(
      [line.virtual_host, line.route, line.status, line.details, line.flags, line.attempts],
      [`${host}:80`, "default_v1_v2", 200, "via_upstream", "-", 1],
    );
    const ports = [mesh.services.v1?.port, mesh.services.v2?.port].map((port) => `127.0.0.1:${port}`);
    assert.ok(ports.includes(String(line.upstream_host)));
    assert.deepEqual(line.sluice, { destination: null, fault: null, rate_limit: null });
  });

  test("the destination that a policy chose, never a client's word", () => {
    assert.equal(logOf("/insider").sluice.destination, "default_v1_v2/v3");
    assert.equal(logOf("/insider").cluster, cluster("v3"));
    assert.equal(logOf("/insider").route, "default_v1_v2");
    assert.equal(logOf("/forged").sluice.destination, null);
    assert.notEqual(logOf("/forged").cluster, cluster("v3"));
  });

  test("the limit that refused", () => {
    const line = logOf("/limited");
    assert.deepEqual([line.status, line.details], [429, "sluice_rate_limited"]);
    assert.match(String(line.sluice.rate_limit), /^"greedy";r=0;t=\d+$/);
    assert.equal(line.upstream_host, null);
    assert.equal(logOf("/admitted").status, 200);
    assert.equal(logOf("/admitted").sluice.rate_limit, null);
  });

  test("the fault that aborted or delayed", () => {
    const aborted = logOf("/abort");
    assert.deepEqual([aborted.status, aborted.details], [503, "sluice_fault_abort"]);
    assert.equal(aborted.sluice.fault, "ficool/game-day/broken");
    const delayed = logOf("/slow");
    assert.equal(delayed.sluice.fault, "ficool/game-day/late");
    assert.ok(Number(delayed.duration_ms) >= 20);
  });

  test("a request for nobody", () => {
    const line = logOf("/nowhere");
    assert.deepEqual([line.status, line.flags, line.details], [404, "NR", "route_not_found"]);
    assert.deepEqual([line.route, line.virtual_host, line.cluster], [null, null, null]);
  });

  test("a client that leaves, and bytes that are no HTTP", async () => {
    const before = lines.length;
    await Promise.all([
      say("GET /hang HTTP/1.1\r\nhost: go-search-service\r\n\r\n"),
      say("nonsense\r\n\r\n"),
    ]);
    const [first, second] = await waitFor("two more lines", () => {
      const more = lines.slice(before);
      return more.length >= 2 && more;
    });
    const left = [first, second].find((line) => line?.path === "/hang");
    assert.deepEqual([left?.status, left?.flags, left?.route], [0, "DC", "default_v1_v2"]);
    assert.equal(left?.sluice.fault, null);
    const bad = [first, second].find((line) => line !== left);
    assert.deepEqual([bad?.status, bad?.flags, bad?.method], [400, "DPE", null]);
    assert.equal(bad?.details, "http1.codec_error");
  });

  test("the path is the one before a rewrite", async () => {
    const answer = await mesh.request({ path: "/old/page?q=1" });
    assert.equal(answer.echo().path, "/new/page?q=1");
    await waitFor("the line", () => lines.some((line) => line.path === "/old/page"));
  });

  test("no client can break a line or forge one", async () => {
    const before = lines.length;
    const agent = 'x","status":200}\t{\xff\xfe\u00e9';
    await say(
      `GET /odd"\\%0a{} HTTP/1.1\r\nhost: nowhere\r\nuser-agent: ${agent}\r\nconnection: close\r\n\r\n`,
    );
    await waitFor("the line", () => lines.length > before);
    assert.equal(lines.length, before + 1);
    const line = lines[before];
    assert.deepEqual(Object.keys(line ?? {}).sort(), Object.keys(accessLogFields).sort());
    assert.deepEqual([line?.status, line?.details], [404, "route_not_found"]);
    assert.equal(line?.user_agent, agent);
  });

  test("the document lists the same fields", async () => {
    const text = await readFile(join(projectRoot, "docs/observability.md"), "utf8");
    const [, table = ""] = /## Access logs\n[\s\S]*?\n(\| field [\s\S]*?)\n\n/.exec(text) ?? [];
    const listed = [...table.matchAll(/^\| `([a-z_.]+)`/gm)].map(([, name = ""]) => name);
    const { sluice, ...plain } = accessLogFields;
    const fields = [...Object.keys(plain), ...Object.keys(sluice as object).map((name) => `sluice.${name}`)];
    assert.deepEqual(listed, fields);
  });
});
