// The dashboard's page for everybody: a hundred services, a proxy that refuses, a phone, a keyboard, less
// motion, and contrast. The server behind it is ours with made-up traffic; no Envoy is needed.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { projectRoot } from "../envoy/root.ts";
import { resourcesOf } from "../server/fixture.ts";
import { type HttpServer, startHttpServer } from "../server/http/server.ts";
import type { ServerView } from "../server/http/view.ts";
import { reportTraffic, type TrafficReport } from "../server/metrics-service/report.ts";
import type { Samples } from "../server/metrics-service/samples.ts";
import { Traffic } from "../server/metrics-service/traffic.ts";
import { type NodeIdentity, type ProxyState, typeUrls } from "../server/model.ts";
import { build, loadModules } from "../server/snapshot.ts";
import { openPage, seen, startBrowser } from "./support/browser.ts";
import { waitFor } from "./support/wait.ts";

const services = 100;
const nameOf = (i: number): string => `service-${String(i).padStart(3, "0")}`;
const hostOf = (i: number): string => `${nameOf(i)}.shop.svc.cluster.local`;
const reason =
  "Proto constraint validation failed (ClusterValidationError.ConnectTimeout: value must be > 0s)";

const mesh = [
  ...Array.from(
    { length: services },
    (_, i) => `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {namespace: shop, name: ${nameOf(i)}}
spec:
  hosts: [${hostOf(i)}]
  ports: [{number: 80, name: http, protocol: HTTP}]
  location: MESH_INTERNAL
  resolution: STATIC
  endpoints: [{address: 127.0.0.1, ports: {http: 8080}}]`,
  ),
  `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {namespace: shop, name: first}
spec:
  hosts: [${hostOf(0)}]
  http:
  - name: only
    match: [{uri: {prefix: /search}, headers: {uid: {exact: "0"}}}]
    route: [{destination: {host: ${hostOf(0)}}}]`,
  `
apiVersion: sluice.traffic/v1alpha1
kind: RateLimitPolicy
metadata: {namespace: shop, name: limit}
spec:
  targetRefs: [{group: networking.istio.io, kind: VirtualService, name: first}]
  limits: [{name: everybody, requests: 10, per: 1s}]`,
].join("\n---");

const node = (id: string): NodeIdentity => ({
  id,
  cluster: "c",
  role: "gateway",
  namespace: "",
  labels: {},
  envoyVersion: "1.40.0",
});

/** What one gateway has pushed after so many rounds. */
function samples(round: number): Samples {
  const clusters = Array.from({ length: services }, (_, i) => `outbound|80||${hostOf(i)}`);
  const latency = { bounds: [1, 5, 10, 100], counts: [50, 30, 19, 1] };
  return {
    answers: new Map(
      clusters.map((cluster, i) => [
        cluster,
        new Map([
          ["2", round * (services - i) * 5],
          ["5", i === 3 ? round * 40 : 0],
        ]),
      ]),
    ),
    latencies: new Map(clusters.map((cluster) => [cluster, latency])),
    endpoints: new Map(clusters.map((cluster, i) => [cluster, { total: 2, healthy: i === 5 ? 1 : 2 }])),
    downstream: new Map([
      ["2", round * 9000],
      ["4", round * 300],
      ["5", round * 40],
    ]),
    downstreamLatency: latency,
    decisions: [
      ...(["allowed", "limited", "shadow_limited"] as const).map((outcome, i) => ({
        kind: "rateLimit" as const,
        policy: "shop/limit",
        name: "everybody",
        outcome,
        value: round * (30 - 10 * i),
      })),
      ...["_other", "alice", "bob", "<b>carol</b>", "dave", "erin", "frank"].map((outcome, i) => ({
        kind: "refusedKey" as const,
        policy: "shop/limit",
        name: "everybody",
        outcome,
        value: round * (70 - 10 * i),
      })),
    ],
  };
}

function madeUpTraffic(): TrafficReport {
  const traffic = new Traffic();
  const live = traffic.open(node("edge-1"));
  const gone = traffic.open(node("edge-2"));
  const start = Date.now();
  for (let round = 1; round <= 4; round++) {
    live?.receive(samples(round), start + round * 1000);
    gone?.receive(samples(round), start + round * 1000);
  }
  gone?.close();
  return reportTraffic(traffic, start + 4000);
}

function proxy(): ProxyState {
  return {
    node: node("edge-1"),
    peer: "127.0.0.1:1",
    connectedAt: new Date().toISOString(),
    variant: "delta",
    version: "v1",
    types: {
      [typeUrls.cluster]: { acknowledged: "v1", sent: "v2", state: "nacked", error: reason },
    },
  };
}

/** Set by the test of a pinned version. */
let pinned: { version: string; at: string } | undefined;
let server: HttpServer;
let browser: Browser;
const url = (hash = ""): string => `http://127.0.0.1:${server.port}/${hash}`;
const views = [
  ["", ".node.service"],
  ["#routes", ".route"],
  ["#configuration", ".diagnostics"],
  ["#proxies", ".proxy"],
] as const;

before(async () => {
  const resources = await resourcesOf(mesh);
  const modules = loadModules(join(projectRoot, "build/filters"));
  const built = build(resources, { listen: { host: "127.0.0.1", port: 10000 }, modules, delivery: "inline" });
  const report = madeUpTraffic();
  const view: ServerView = {
    version: "test",
    modules: {},
    xds: { streamsOpened: 1, counts: () => new Map() },
    xdsAddress: "127.0.0.1:18000",
    configuration: () => ({
      directory: "mesh",
      version: "v2",
      builtAt: "2026-01-01T00:00:00.000Z",
      isLastGood: true,
      isFromState: false,
      resources: { ServiceEntry: services },
      diagnostics: [
        {
          file: "mesh/a.yaml",
          line: 3,
          column: 5,
          severity: "error",
          resource: "VirtualService shop/first",
          path: "spec.hosts",
          message: "is missing",
        },
        { file: "mesh/a.yaml", line: 9, column: 1, severity: "warning", path: "", message: "never matches" },
      ],
      attempts: 2,
      failures: 1,
      ...(pinned === undefined ? {} : { pinned }),
    }),
    proxies: () => [proxy()],
    wantedVersion: () => "v2",
    resourceCounts: () => ({ cluster: services }),
    mesh: () => built.mesh,
    traffic: {
      report: () => report,
      history: () =>
        Array.from({ length: 60 }, (_, i) => ({ at: report.at - (60 - i) * 1000, ...report.total })),
      watch: (watcher) => {
        const timer = setInterval(() => watcher({ ...report, at: Date.now() }), 1000);
        return () => clearInterval(timer);
      },
    },
  };
  server = await startHttpServer(view, { host: "127.0.0.1", port: 0 });
  browser = await startBrowser();
});

after(async () => {
  await browser?.close();
  await server?.close();
});

const count = (page: Page, selector: string): Promise<number> => page.locator(selector).count();

/** An expression in the page. */
const inPage = <Result>(page: Page, expression: string): Promise<Result> => page.evaluate<Result>(expression);

describe("a hundred services", () => {
  test("the busiest at a glance, all when asked, one by its name", async () => {
    const { page } = await openPage(browser, url());
    await seen(page, ".node.service");
    assert.equal(await count(page, ".node.service"), 12);
    assert.equal(await count(page, `[data-node="service ${hostOf(0)}"]`), 1);
    await page.getByRole("button", { name: "88 more services: show all" }).click();
    await waitFor("all are drawn", async () => (await count(page, ".node.service")) === services);
    await page.getByRole("searchbox").fill("service-077");
    await waitFor("one is left", async () => (await count(page, ".node.service")) === 1);
    await page.getByRole("button", { name: "Table" }).click();
    await seen(page, 'tr.service:has-text("service-077")');
    assert.equal(await count(page, "tr.service"), 1);
    await page.context().close();
  });

  test("the keys that a limit refuses most stand under it, the most refused first", async () => {
    const { page } = await openPage(browser, url());
    await seen(page, '[data-key="alice"]');
    const keys = page.locator('[data-policy="shop/limit"] .refused-keys');
    assert.deepEqual(await keys.locator("code").allTextContents(), [
      "alice",
      "bob",
      "<b>carol</b>",
      "dave",
      "erin",
    ]);
    assert.match((await keys.locator(".soft").first().textContent()) ?? "", /^[\d.,]+(\/s)?$/);
    await page.context().close();
  });

  test("a pinned version is told on every view", async () => {
    pinned = { version: "v1", at: "2026-01-01T00:00:00.000Z" };
    try {
      for (const [hash] of views) {
        const { page } = await openPage(browser, url(hash));
        await seen(page, '.banner:has-text("is pinned")');
        await page.context().close();
      }
    } finally {
      pinned = undefined;
    }
  });

  test("trouble is told by words as well as by colour", async () => {
    const { page } = await openPage(browser, url());
    await seen(page, `[data-node="service ${hostOf(3)}"].bad :text("% err")`);
    await seen(page, `[data-node="service ${hostOf(5)}"] :text("1/2 up")`);
    await page.context().close();
  });
});

test("a refusal (NACK) stands there with its reason, and a proxy that is gone as gone", async () => {
  const { page } = await openPage(browser, url("#proxies"));
  await seen(page, 'nav a:has-text("Proxies") .count.bad');
  await seen(page, '[data-proxy="edge-1"] .pill:text("refuses")');
  assert.equal(await page.locator('[data-proxy="edge-1"] .nack pre').textContent(), reason);
  await seen(page, '[data-proxy="edge-2"].gone .pill:text("gone")');
  await page.context().close();
});

test("routes with their conditions and policies, found by name", async () => {
  const { page } = await openPage(browser, url("#routes"));
  await seen(page, '[data-route="only"] .badge:has-text("shop/limit")');
  const conditions = await page.locator('[data-route="only"] .conditions code').allTextContents();
  assert.deepEqual(conditions, ["path /search*", "uid = 0"]);
  await page.getByRole("button", { name: "Effective values on only" }).click();
  await seen(page, `.effective .fields:has-text("limits[everybody]")`);
  await page.getByRole("searchbox").fill("shop/limit");
  await waitFor("one route is left", async () => (await count(page, ".route")) === 1);
  assert.equal(new URL(page.url()).hash, "#routes?shop%2Flimit");
  await page.context().close();
});

describe("the keyboard", () => {
  const focused = "document.activeElement?.getAttribute('data-node') ?? document.activeElement?.textContent";

  test("goes through everything, and what has the focus shows it", async () => {
    const { page } = await openPage(browser, url());
    await seen(page, ".node.service");
    const passed: string[] = [];
    const outlines = new Set<string>();
    for (let i = 0; i < 40 && !passed.includes(`service ${hostOf(11)}`); i++) {
      await page.keyboard.press("Tab");
      passed.push(await inPage<string>(page, focused));
      outlines.add(await inPage<string>(page, "getComputedStyle(document.activeElement).outlineStyle"));
    }
    assert.equal(passed[0], "To the content");
    for (const stop of [
      "Routes",
      "Pause",
      "Table",
      "clients",
      `service ${hostOf(0)}`,
      `service ${hostOf(11)}`,
    ]) {
      assert.ok(passed.includes(stop), `${stop}: ${passed.join(" | ")}`);
    }
    assert.ok(!outlines.has("none"), [...outlines].join());
    await page.keyboard.press("Enter");
    await seen(page, `.details h2:text("${nameOf(11)}")`);
    await page.context().close();
  });

  test("has keys for the views, the search, the theme, and says so", async () => {
    const { page } = await openPage(browser, url(), { colorScheme: "dark" });
    await seen(page, ".node.service");
    assert.equal(await inPage(page, "document.documentElement.dataset.theme"), "dark");
    await page.keyboard.press("t");
    await waitFor("it is light", () =>
      inPage<boolean>(page, "document.documentElement.dataset.theme === 'light'"),
    );
    await page.keyboard.press("?");
    await seen(page, "dialog[open]");
    await page.keyboard.press("Escape");
    await waitFor("the dialog is closed", async () => (await count(page, "dialog")) === 0);
    await page.keyboard.press("2");
    await seen(page, 'nav a[aria-current="page"]:has-text("Routes")');
    await page.keyboard.press("/");
    assert.equal(await inPage(page, "document.activeElement.type"), "search");
    await page.keyboard.type("p2");
    assert.equal(await page.getByRole("searchbox").inputValue(), "p2");
    await page.context().close();
  });
});

test("every control has a name", async () => {
  const { page } = await openPage(browser, url());
  await seen(page, ".node.service");
  for (const [hash, content] of views) {
    await page.goto(url(hash));
    await seen(page, content);
    const nameless = await inPage<string[]>(
      page,
      `[...document.querySelectorAll("a, button, input")].filter((e) =>
        !(e.textContent.trim() || e.getAttribute("aria-label") || e.closest("label"))).map((e) => e.outerHTML)`,
    );
    assert.deepEqual(nameless, []);
  }
  await page.context().close();
});

test("a phone's width needs no scrolling sideways", async () => {
  const { page } = await openPage(browser, url(), { viewport: { width: 390, height: 844 } });
  await seen(page, ".node.service");
  for (const [hash, content] of views) {
    await page.goto(url(hash));
    await seen(page, content);
    assert.equal(await inPage(page, "document.documentElement.scrollWidth"), 390, hash);
  }
  await page.context().close();
});

describe("motion", () => {
  const running = `document.getAnimations().filter((a) => a.playState === "running").length`;

  test("is there, and stands still when paused", async () => {
    const { page } = await openPage(browser, url());
    await seen(page, ".node.service");
    assert.ok((await count(page, ".dots")) > 0);
    assert.ok((await inPage<number>(page, running)) > 0);
    await page.keyboard.press("p");
    await seen(page, '.status:has-text("paused")');
    await waitFor("nothing moves", async () => (await inPage<number>(page, running)) === 0);
    await page.context().close();
  });

  test("is none where less of it is wanted", async () => {
    const { page } = await openPage(browser, url(), { reducedMotion: "reduce" });
    await seen(page, ".node.service");
    assert.ok((await count(page, ".dots")) > 0);
    assert.equal(await inPage(page, "document.getAnimations().length"), 0);
    await page.context().close();
  });
});

/** Texts with less contrast to what is behind them than WCAG's AA asks for, by its formula. */
const faint = `(() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = ([r, g, b, a], [r2, g2, b2]) => [r * a + r2 * (1 - a), g * a + g2 * (1 - a), b * a + b2 * (1 - a), 1];
  const ground = (element) => {
    const own = rgba(getComputedStyle(element).backgroundColor);
    if (own[3] === 1) return own;
    return over(own, element.parentElement ? ground(element.parentElement) : [255, 255, 255, 1]);
  };
  const light = (colour) => {
    const [r, g, b] = colour.map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  for (let text = walker.nextNode(); text; text = walker.nextNode()) {
    const element = text.parentElement;
    if (!text.data.trim() || !element.checkVisibility() || element.closest(".unseen, noscript")) continue;
    const behind = ground(element);
    const [a, b] = [light(over(rgba(getComputedStyle(element).color), behind)), light(behind)];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5) found.push(text.data.trim() + ": " + contrast.toFixed(2));
  }
  return [...new Set(found)];
})()`;

for (const colorScheme of ["light", "dark"] as const) {
  test(`text stands out enough, ${colorScheme}`, async () => {
    const { page } = await openPage(browser, url(), { colorScheme, reducedMotion: "reduce" });
    for (const [hash, content] of views) {
      await page.goto(url(hash));
      await seen(page, content);
      assert.deepEqual(await inPage(page, faint), [], hash);
    }
    await page.context().close();
  });
}
