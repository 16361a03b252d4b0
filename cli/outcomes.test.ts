// Many recorded requests: read from HAR and access logs, grouped by outcome, compared between two folders.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { promisify } from "node:util";
import { projectRoot } from "../envoy/root.ts";
import { changesBetween, grouped, type Outcome } from "./outcomes.ts";
import { readRecorded } from "./recorded.ts";

const directory = await mkdtemp(join(tmpdir(), "sluice-requests-"));
after(() => rm(directory, { recursive: true }));

const har = JSON.stringify({
  log: {
    entries: [
      {
        request: {
          method: "get",
          url: "http://shop/a?q=1",
          headers: [
            { name: "UID", value: "0" },
            { name: "Host", value: "shop:80" },
          ],
        },
      },
      { request: {} },
    ],
  },
});

test("a HAR file: method, URL, headers; the Host header stands before the URL's host", () => {
  const { requests, skipped, firstSkipped } = readRecorded(har);
  assert.deepEqual(requests, [
    {
      method: "GET",
      scheme: "http",
      authority: "shop:80",
      path: "/a?q=1",
      headers: [["uid", "0"]],
      sourceIp: "127.0.0.1",
      port: 80,
    },
  ]);
  assert.deepEqual([skipped, firstSkipped], [1, "entry 2: it has no request.url"]);
});

test("an access log: our own fields, and names common elsewhere", () => {
  const lines = [
    { method: "POST", authority: "shop", path: "/b", client: "10.0.0.9", user_agent: "curl", status: 200 },
    { request_method: "GET", http_host: "shop", request_uri: "/c", remote_addr: "::1" },
    { url: "https://shop:8443/d", headers: { uid: "7", accept: ["a", "b"] } },
  ].map((line) => JSON.stringify(line));
  const { requests, skipped, firstSkipped } = readRecorded(
    [...lines, "", "GET /x HTTP/1.1", '{"status":200}'].join("\n"),
  );
  assert.deepEqual(
    requests.map(({ method, authority, path, sourceIp, headers, port }) => [
      method,
      authority,
      path,
      sourceIp,
      headers,
      port,
    ]),
    [
      ["POST", "shop", "/b", "10.0.0.9", [["user-agent", "curl"]], 80],
      ["GET", "shop", "/c", "::1", [], 80],
      [
        "GET",
        "shop:8443",
        "/d",
        "127.0.0.1",
        [
          ["uid", "7"],
          ["accept", "a"],
          ["accept", "b"],
        ],
        8443,
      ],
    ],
  );
  assert.deepEqual([skipped, firstSkipped], [2, "line 5: it is no JSON object"]);
});

const one = (route: string, outcome: string, example: string): Outcome => ({
  count: 1,
  route,
  outcome,
  example,
});

test("outcomes are counted, the most frequent first, and changes likewise", () => {
  const before = [one("a", "x", "1"), one("b", "y", "2"), one("b", "y", "3")];
  assert.deepEqual(
    grouped(before).map((o) => [o.count, o.route, o.example]),
    [
      [2, "b", "2"],
      [1, "a", "1"],
    ],
  );
  const now = [one("a", "x", "1"), one("b", "z", "2"), one("b", "z", "3")];
  assert.deepEqual(changesBetween(before, now), [
    { count: 2, before: { route: "b", outcome: "y" }, after: { route: "b", outcome: "z" }, example: "2" },
  ]);
  assert.deepEqual(changesBetween(before, before), []);
});

const mesh = (destination: string): string => `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: shop}
spec:
  hosts: [shop.default.svc.cluster.local]
  resolution: STATIC
  ports: [{number: 80, name: http}]
  endpoints: [{address: 127.0.0.1, labels: {version: v1}}, {address: 127.0.0.2, labels: {version: v2}}]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: shop}
spec:
  host: shop
  subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop}
spec:
  hosts: [shop]
  http:
  - name: gone
    match: [{uri: {prefix: /old}}]
    directResponse: {status: 410}
  - name: main
    route: [{destination: {host: shop, subset: v1}}]
---
apiVersion: sluice.traffic/v1alpha1
kind: HeaderRoutingPolicy
metadata: {name: insiders}
spec:
  targetRefs: [{group: networking.istio.io, kind: VirtualService, name: shop, sectionName: main}]
  rules: [{name: zero, match: [{headers: {uid: {exact: "0"}}}], destination: {subset: ${destination}}}]
`;

const sluice = (...args: string[]) =>
  promisify(execFile)(
    process.execPath,
    ["--import", "tsx", join(projectRoot, "cli/main.ts"), "explain", ...args],
    {
      cwd: projectRoot,
    },
  );

test("a table of outcomes, and what an edit would change, by the command", async () => {
  const [old, edited, log] = ["old.yaml", "new.yaml", "access.log"].map((name) => join(directory, name));
  assert.ok(old && edited && log);
  await writeFile(old, mesh("v1"));
  await writeFile(edited, mesh("v2"));
  const request = (path: string, uid: string) =>
    JSON.stringify({ method: "GET", authority: "shop", path, headers: { uid } });
  const lines = [request("/a", "0"), request("/a", "0"), request("/a", "5"), request("/old/b", "0")];
  await writeFile(log, lines.join("\n"));
  const { stdout } = await sluice("--config", edited, "--requests", log);
  assert.equal(
    stdout,
    [
      "4 requests",
      "      2  main: forwarded to outbound|80|v2|shop.default.svc.cluster.local",
      "         such as GET http://shop/a",
      "      1  main: forwarded to outbound|80|v1|shop.default.svc.cluster.local",
      "         such as GET http://shop/a",
      "      1  gone: answered 410",
      "         such as GET http://shop/old/b",
      "",
    ].join("\n"),
  );
  const difference = await sluice("--requests", log, "--diff", old, edited, "--json");
  const { requests, changes } = JSON.parse(difference.stdout);
  assert.equal(requests, 4);
  assert.equal(changes.length, 1);
  assert.equal(changes[0].count, 2);
  assert.match(changes[0].after.outcome, /\|v2\|/);
  await assert.rejects(sluice("--diff", old, edited), /--diff needs recorded requests/);
  await assert.rejects(sluice("--requests", log, "--diff", old), /--diff takes two folders/);
  await assert.rejects(sluice(), /name a URL, or recorded requests/);
});
