// The dashboard in a real browser, with a real Envoy behind it: what it shows is what happened.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Browser } from "playwright-core";
import { projectRoot } from "../envoy/root.ts";
import { createLogger } from "../server/log.ts";
import { loadModules } from "../server/policy/modules.ts";
import { type RunningServer, serve } from "../server/serve.ts";
import { type OpenPage, openPage, seen, startBrowser } from "./support/browser.ts";
import { startTestMesh, type TestMesh } from "./support/mesh.ts";
import { waitFor } from "./support/wait.ts";

const example = (file: string): Promise<string> =>
  readFile(join(projectRoot, "examples/sticky-canary", file), "utf8");

/** Nobody listens on port 1: every request to this service is answered 503 by Envoy. */
const broken = `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {namespace: ficool, name: broken}
spec:
  hosts: [broken.ficool.svc.cluster.local]
  ports: [{number: 80, name: http, protocol: HTTP}]
  location: MESH_INTERNAL
  resolution: STATIC
  endpoints: [{address: 127.0.0.1, ports: {http: 1}}]
`;

/** Never reaches its service. */
const aborted = `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {namespace: ficool, name: flaky}
spec:
  hosts: [flaky.ficool.svc.cluster.local]
  ports: [{number: 80, name: http, protocol: HTTP}]
  location: MESH_INTERNAL
  resolution: STATIC
  endpoints: [{address: 127.0.0.1, ports: {http: {v1}}}]
---
apiVersion: sluice.traffic/v1alpha1
kind: FaultPolicy
metadata: {namespace: ficool, name: outage}
spec:
  targetRefs: [{group: networking.istio.io, kind: ServiceEntry, name: flaky}]
  faults:
  - {name: always, percentage: 100, abort: {httpStatus: 418}}
  expiresAt: 2100-01-01T00:00:00Z
`;

const limit = (requests: number) => `
apiVersion: sluice.traffic/v1alpha1
kind: RateLimitPolicy
metadata: {namespace: ficool, name: search-limit}
spec:
  targetRefs:
  - {group: networking.istio.io, kind: VirtualService, name: go-search-service, sectionName: uid_0_v3}
  limits:
  - {name: few, requests: ${requests}, per: 1h}
`;

const search = "go-search-service.ficool.svc.cluster.local";
const node = (id: string): string => `[data-node="${id}"]`;
const version = (subset: string): string => node(`version outbound|80|${subset}|${search}`);

let mesh: TestMesh;
let browser: Browser;
let opened: OpenPage;
let restarted: RunningServer | undefined;

before(async () => {
  const ports = (text: string): string => text.replace(/\b1808([123])\b/g, "{v$1}");
  const files = {
    "mesh.yaml": ports(await example("mesh.yaml")),
    "policy.yaml": await example("policy.yaml"),
    "broken.yaml": broken,
    "aborted.yaml": aborted,
    "limit.yaml": limit(10),
  };
  mesh = await startTestMesh({ files, statsSink: true });
  browser = await startBrowser();
  opened = await openPage(browser, address(mesh.server));
});

after(async () => {
  await browser?.close();
  await restarted?.close();
  await mesh?.close();
});

const address = ({ httpPort }: RunningServer): string => `http://127.0.0.1:${httpPort}/`;

/** So many requests, one after the other. */
async function send(count: number, request: Parameters<TestMesh["request"]>[0]): Promise<void> {
  for (let i = 0; i < count; i++) await mesh.request(request);
}

/** What a screen reader is told of a node. */
const told = async (selector: string): Promise<string> =>
  (await opened.page.locator(selector).getAttribute("aria-label")) ?? "";

const hears = (selector: string, part: string): Promise<true> =>
  waitFor(`${selector} says "${part}"`, async () => {
    const text = await told(selector).catch(() => "");
    return text.split(", ").includes(part);
  });

/** What was decided in all, of a rule's or limit's outcome. */
const decided = (name: string, outcome: string): string => `[data-rule="${name}"] [data-total="${outcome}"]`;

const shows = (selector: string, text: string): Promise<true> =>
  waitFor(`${selector} shows "${text}"`, async () => {
    const found = opened.page.locator(selector);
    return (await found.count()) === 1 && (await found.textContent()) === text;
  });

describe("the dashboard", () => {
  test("says what to do while there is no traffic", async () => {
    await seen(opened.page, '.empty h3:text("No traffic yet")');
    assert.match(
      (await opened.page.locator(".command code").first().textContent()) ?? "",
      /^curl -H 'Host: [a-z-]+' http/,
    );
    await seen(opened.page, version("v2"));
  });

  test("shows the numbers of known traffic", async () => {
    await send(14, { headers: { uid: "0" } }); // 10 of them within the limit
    await send(9, { headers: { uid: "7", cookie: "beta=yes" } });
    await send(6, { host: "broken.ficool.svc.cluster.local" });
    await send(3, { host: "flaky.ficool.svc.cluster.local" });
    await shows('[data-tile="Requests"] small', "32 in all");
    await hears(version("v3"), "19 in all");
    await hears(node(`service ${search}`), "19 in all");
    await hears(node("service broken.ficool.svc.cluster.local"), "6 in all");
    await shows(decided("few", "allowed"), "10");
    await shows(decided("few", "limited"), "4");
    await shows(decided("beta-testers", "v3"), "9");
    await shows(decided("always", "abort"), "3");
    await hears(version("v1"), "0 in all");
    await hears(version("v1"), "1 of 1 endpoint healthy");
  });

  test("shows errors while they happen, in words too", async () => {
    const text = await waitFor("errors are told", async () => {
      await send(4, { host: "broken.ficool.svc.cluster.local" });
      const now = await told(node("service broken.ficool.svc.cluster.local"));
      return now.includes("100 % errors") && now;
    });
    assert.match(text, /^service broken, ficool, [\d.]+ requests a second, 100 % errors, /);
    await seen(opened.page, `${node("service broken.ficool.svc.cluster.local")}.bad`);
  });

  test("follows a change of the folder", async () => {
    const { page } = opened;
    await page.keyboard.press("2");
    await seen(page, '[data-route="uid_0_v3"] .badge:has-text("ficool/search-limit")');
    await mesh.write("limit.yaml", limit(10).replace("uid_0_v3", "default_v1_v2"));
    await seen(page, '[data-route="default_v1_v2"] .badge:has-text("ficool/search-limit")');
    await waitFor("the other route has lost it", async () => {
      const badges = page.locator('[data-route="uid_0_v3"] .badge');
      return (await badges.count()) === 0;
    });
  });

  test("shows what is wrong with the folder, and that the last good version is served", async () => {
    const { page } = opened;
    const good = limit(10);
    await mesh.write("limit.yaml", good.replace("requests: 10", "requests: many"));
    await seen(page, '.banner:has-text("the last good version is served")');
    await page.keyboard.press("3");
    await seen(page, ".diagnostics li.error");
    const text = (await page.locator(".diagnostics li.error").first().textContent()) ?? "";
    assert.match(text, /limit\.yaml:\d+:\d+/);
    assert.match(text, /spec\.limits\[0\]\.requests/);
    await mesh.write("limit.yaml", good);
    await seen(page, '.empty h3:text("Nothing is wrong")');
    await waitFor("the banner is gone", async () => (await page.locator(".banner").count()) === 0);
  });

  test("survives the server's restart, and its numbers go on", async () => {
    const { page } = opened;
    await page.keyboard.press("1");
    const { httpPort, xdsPort } = mesh.server;
    const expected = Number((await told(node(`service ${search}`))).match(/, (\d+) in all/)?.[1]);
    await mesh.server.close();
    await seen(page, '[data-connection="lost"]');
    await seen(page, '.banner[role="alert"]:has-text("does not answer")');
    await send(5, { headers: { uid: "7", cookie: "beta=yes" } });
    const at = (port: number) => ({ host: "127.0.0.1", port });
    restarted = await serve({
      config: mesh.directory,
      http: at(httpPort),
      xds: at(xdsPort),
      listen: at(0),
      modules: loadModules(join(projectRoot, "build/filters")),
      logger: createLogger({ level: "silent" }),
    });
    await seen(page, '[data-connection="live"]');
    await hears(node(`service ${search}`), `${expected + 5} in all`);
  });

  test("shows a proxy that is gone as gone", async () => {
    const { page } = opened;
    await page.keyboard.press("4");
    await seen(page, '[data-proxy="test"] .pill:text("in sync")');
    await mesh.envoy.stop();
    await seen(page, '[data-proxy="test"].gone .pill:text("gone")');
  });

  test("asks no other host for anything, and complains of nothing", () => {
    const { origin } = new URL(opened.page.url());
    assert.deepEqual(
      opened.asked.filter((url) => new URL(url).origin !== origin),
      [],
    );
    assert.ok(opened.asked.some((url) => url.endsWith(".woff2")));
    // That it could not connect while the server was away is no news.
    const complaints = opened.complaints.filter((text) => !text.includes("net::ERR_"));
    assert.deepEqual(complaints, []);
  });
});
