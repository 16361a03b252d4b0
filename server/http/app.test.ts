import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type ProxyState, typeUrls } from "../model.ts";
import type { ConfigurationState } from "../pipeline.ts";
import { TrafficFeed } from "../metrics-service/feed.ts";
import { createApp } from "./app.ts";
import { parseRange } from "./bytes.ts";
import type { ProxiesReport, SnapshotReport } from "./proxies.ts";
import type { ServerView } from "./view.ts";

const bytes = Uint8Array.from({ length: 100 }, (_, index) => index);
const sha256 = "ab".repeat(32);

const configuration: ConfigurationState = {
  directory: "mesh",
  version: "v2",
  builtAt: "2026-01-01T00:00:00.000Z",
  isLastGood: true,
  isFromState: false,
  resources: { VirtualService: 2 },
  diagnostics: [
    { file: "mesh/a.yaml", line: 3, column: 5, severity: "error", path: "spec.hosts", message: "is missing" },
    { file: "mesh/a.yaml", line: 9, column: 1, severity: "warning", path: "", message: "never matches" },
  ],
  attempts: 4,
  failures: 1,
};

function proxy(id: string, version: string, error = ""): ProxyState {
  return {
    node: { id, cluster: "c", role: "gateway", namespace: "default", labels: {}, envoyVersion: "1.40.0" },
    peer: "127.0.0.1:1",
    connectedAt: "2026-01-01T00:00:00.000Z",
    variant: "delta",
    version,
    types: {
      [typeUrls.routes]: { acknowledged: version, sent: "v2", state: error ? "nacked" : "synced", error },
    },
  };
}

const view: ServerView = {
  version: "0.1.0",
  modules: {
    header_routing: { name: "header_routing", bytes, sha256, hostcalls: ["proxy_log"], callbacks: [] },
  },
  xds: {
    streamsOpened: 3,
    counts: () =>
      new Map([[typeUrls.routes, { responses: 5, resources: 7, removals: 1, acks: 4, nacks: 1 }]]),
  },
  configuration: () => configuration,
  proxies: () => [proxy("one", "v2"), proxy('two"', "v1", "unknown cluster"), proxy("three", "")],
  wantedVersion: () => "v2",
  resourceCounts: () => ({ cluster: 4 }),
  traffic: new TrafficFeed(),
  xdsAddress: "127.0.0.1:18000",
  mesh: () => undefined,
};

const page = new TextEncoder().encode('<!doctype html><script src="/ui/main.js"></script>');
const dashboard = new Map([["index.html", { bytes: page, type: "text/html; charset=utf-8", tag: '"1"' }]]);
const app = createApp(view, { isLoopback: true, dashboard });
const get = (path: string, headers: Record<string, string> = {}): Response | Promise<Response> =>
  app.request(path, { headers });

describe("the API", () => {
  test("/healthz", async () => {
    const response = await get("/healthz");
    assert.deepEqual([response.status, await response.text()], [200, "ok\n"]);
  });

  test("/api/v1/snapshot tells version, counts and diagnostics with their places", async () => {
    const report = (await (await get("/api/v1/snapshot")).json()) as SnapshotReport;
    assert.equal(report.version, "v2");
    assert.equal(report.lastGood, true);
    assert.deepEqual([report.errors, report.warnings], [1, 1]);
    assert.deepEqual([report.sources, report.resources], [{ VirtualService: 2 }, { cluster: 4 }]);
    assert.equal(report.diagnostics[0]?.text, "mesh/a.yaml:3:5: error: spec.hosts: is missing");
  });

  test("/api/v1/proxies tells who has what, and who refuses what and why", async () => {
    const report = (await (await get("/api/v1/proxies")).json()) as ProxiesReport;
    assert.deepEqual(
      report.proxies.map((one) => one.state),
      ["synced", "nacked", "pending"],
    );
    assert.equal(report.proxies[1]?.types.routes?.error, "unknown cluster");
  });

  test("/metrics in Prometheus' text form", async () => {
    const response = await get("/metrics");
    assert.match(response.headers.get("content-type") ?? "", /^text\/plain; version=0\.0\.4/);
    const lines = (await response.text()).split("\n");
    for (const line of [
      'sluice_snapshot_info{version="v2"} 1',
      "sluice_configuration_attempts_total 4",
      "sluice_configuration_failures_total 1",
      "sluice_serving_last_good 1",
      "sluice_source_errors 1",
      'sluice_xds_connected_proxies{variant="delta"} 3',
      "sluice_xds_proxies_behind 2",
      "sluice_xds_proxies_refusing 1",
      'sluice_xds_responses_total{type="routes"} 5',
      'sluice_xds_nacks_total{type="routes"} 1',
    ]) {
      assert.ok(lines.includes(line), line);
    }
  });

  test("/ is a page that may load nothing from elsewhere", async () => {
    const response = await get("/");
    const policy = response.headers.get("content-security-policy") ?? "";
    assert.match(policy, /default-src 'none'/);
    assert.match(policy, /connect-src 'self'/);
    assert.doesNotMatch(policy, /unsafe|https?:|\*/);
    assert.match(await response.text(), /main\.js/);
    assert.equal((await get("/", { "if-none-match": '"1"' })).status, 304);
    assert.equal((await get("/ui/main.js")).status, 404);
  });

  test("/ says how to build a page that is not there", async () => {
    const bare = createApp(view, { isLoopback: true, dashboard: new Map() });
    const response = await bare.request("/");
    assert.deepEqual([response.status, /npm run build/.test(await response.text())], [503, true]);
  });

  test("/api/v1/events begins with the state, the history and the traffic", async () => {
    const response = await get("/api/v1/events");
    assert.equal(response.headers.get("content-type"), "text/event-stream");
    const reader = response.body?.getReader();
    let text = "";
    while (!text.includes("event: traffic")) {
      const part = await reader?.read();
      assert.equal(part?.done, false, text);
      text += new TextDecoder().decode(part?.value);
    }
    await reader?.cancel();
    assert.match(text, /^event: state\ndata: \{.*"version":"v2"/);
    assert.match(text, /event: history\ndata: \[/);
  });

  test("what is not there, and what is no reading", async () => {
    assert.equal((await get("/nowhere")).status, 404);
    const response = await app.request("/api/v1/snapshot", { method: "POST" });
    assert.deepEqual([response.status, response.headers.get("allow")], [405, "GET, HEAD"]);
  });

  test("on loopback a name from elsewhere is refused", async () => {
    const table: [string, number][] = [
      ["127.0.0.1:8080", 200],
      ["localhost", 200],
      ["[::1]:8080", 200],
      ["sluice.localhost:8080", 200],
      ["evil.example", 403],
      ["127.0.0.1.evil.example:8080", 403],
    ];
    for (const [host, status] of table) assert.equal((await get("/healthz", { host })).status, status, host);
    const named = createApp(view, { isLoopback: false, names: ["mesh.example"], dashboard });
    for (const [host, status] of [
      ["mesh.example:8080", 200],
      ["localhost", 200],
      ["evil.example", 403],
    ] as const)
      assert.equal((await named.request("/healthz", { headers: { host } })).status, status, host);
    const open = createApp(view, { isLoopback: false, dashboard });
    assert.equal((await open.request("/healthz", { headers: { host: "mesh.example" } })).status, 200);
  });
});

describe("/filters", () => {
  const path = "/filters/header_routing.wasm";

  test("the index lists each module with its hash", async () => {
    const index = (await (await get("/filters/index.json")).json()) as {
      filters: { path: string; sha256: string }[];
    };
    assert.deepEqual(
      index.filters.map((one) => [one.path, one.sha256]),
      [[path, sha256]],
    );
  });

  test("a module with its hash as the entity tag", async () => {
    const response = await get(path);
    assert.equal(response.headers.get("etag"), `"${sha256}"`);
    assert.equal(response.headers.get("content-type"), "application/wasm");
    assert.deepEqual(new Uint8Array(await response.arrayBuffer()), bytes);
  });

  test("its size without its bytes", async () => {
    const head = await app.request(path, { method: "HEAD", headers: { range: "bytes=0-0" } });
    assert.deepEqual([head.status, head.headers.get("content-length"), await head.text()], [200, "100", ""]);
  });

  test("what the client has is not sent again", async () => {
    for (const tag of [`"${sha256}"`, `"other", W/"${sha256}"`, "*"]) {
      assert.equal((await get(path, { "if-none-match": tag })).status, 304, tag);
    }
    assert.equal((await get(path, { "if-none-match": '"other"' })).status, 200);
  });

  test("a part of it", async () => {
    const response = await get(path, { range: "bytes=10-19" });
    assert.deepEqual(
      [response.status, response.headers.get("content-range"), new Uint8Array(await response.arrayBuffer())],
      [206, "bytes 10-19/100", bytes.subarray(10, 20)],
    );
    const beyond = await get(path, { range: "bytes=100-" });
    assert.deepEqual([beyond.status, beyond.headers.get("content-range")], [416, "bytes */100"]);
    const changed = await get(path, { range: "bytes=10-19", "if-range": '"other"' });
    assert.equal(changed.status, 200);
  });

  test("ranges", () => {
    const table: [string, ReturnType<typeof parseRange>][] = [
      ["bytes=0-0", { from: 0, to: 0 }],
      ["bytes=95-", { from: 95, to: 99 }],
      ["bytes=95-200", { from: 95, to: 99 }],
      ["bytes=-5", { from: 95, to: 99 }],
      ["bytes=-500", { from: 0, to: 99 }],
      ["bytes=-0", "unsatisfiable"],
      ["bytes=100-100", "unsatisfiable"],
      ["bytes=20-10", "whole"],
      ["bytes=-", "whole"],
      ["bytes=0-1,5-6", "whole"],
      ["lines=0-1", "whole"],
    ];
    for (const [header, range] of table) assert.deepEqual(parseRange(header, 100), range, header);
  });

  test("a filter that is not there", async () => {
    for (const name of ["nothing", "constructor", "__proto__"]) {
      assert.equal((await get(`/filters/${name}.wasm`)).status, 404, name);
    }
    assert.equal((await get("/filters/..%2f..%2fpackage.json")).status, 404);
  });
});
