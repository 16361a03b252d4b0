// Request metrics in a real Envoy under our server: what its Prometheus page says is what the clients saw, to the
// request, however a request ends.

import assert from "node:assert/strict";
import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { type ClientHttp2Session, connect as connectHttp2, constants } from "node:http2";
import { connect as connectTcp } from "node:net";
import { after, before, describe, test } from "node:test";
import { startTestMesh, type TestMesh } from "./support/mesh.ts";
import { type MoodyService, startMoods } from "./support/moods.ts";
import { type Sample, samples, sumBy } from "./support/prometheus.ts";
import { waitFor } from "./support/wait.ts";

const host = "shop.demo.svc.cluster.local";
const requests = Number(process.env.SLUICE_REQUESTS ?? 20_000);

const shop = (port: number): string => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {namespace: demo, name: shop}
spec:
  hosts: [${host}]
  http:
  - name: limited
    match: [{uri: {prefix: /limited}}]
    rewrite: {uri: /status/200}
    route: [{destination: {host: ${host}}}]
  - name: moved
    match: [{uri: {prefix: /old/}}]
    rewrite: {uri: /new/}
    route: [{destination: {host: ${host}}}]
  - name: shop.main-1
    route: [{destination: {host: ${host}}}]
    retries: {attempts: 0}
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {namespace: demo, name: shop}
spec:
  hosts: [${host}]
  ports: [{number: 80, name: http, protocol: HTTP}]
  resolution: STATIC
  endpoints: [{address: 127.0.0.1, ports: {http: ${port}}}]
---
apiVersion: sluice.traffic/v1alpha1
kind: RateLimitPolicy
metadata: {namespace: demo, name: few}
spec:
  targetRefs: [{group: networking.istio.io, kind: VirtualService, name: shop, sectionName: limited}]
  limits: [{name: few, requests: 100, per: 1h}]
`;

interface World {
  mesh: TestMesh;
  service: MoodyService;
  session: ClientHttp2Session;
}

async function startWorld(policy: string, dimensions: readonly string[] = []): Promise<World> {
  const service = await startMoods();
  const files = { "shop.yaml": shop(service.port), "metrics.yaml": policy };
  const mesh = await startTestMesh({ files, services: [], concurrency: 2, dimensions }).catch(
    async (error) => {
      await service.close();
      throw error;
    },
  );
  const session = connectHttp2(`http://127.0.0.1:${mesh.port}`);
  session.on("error", () => {});
  return { mesh, service, session };
}

async function endWorld({ mesh, service, session }: World): Promise<void> {
  session.destroy();
  await mesh.close();
  await service.close();
}

const counters = async ({ mesh }: World): Promise<Sample[]> =>
  samples(await mesh.envoy.admin("/stats/prometheus"), "sluice_requests_total");

/** One request over HTTP/2; its status. */
async function overHttp2(
  session: ClientHttp2Session,
  path: string,
  headers: Record<string, string> = {},
): Promise<string> {
  const stream = session.request({ ":path": path, ":authority": host, ...headers });
  stream.resume().end();
  const [response] = await once(stream, "response");
  if (!stream.closed) await once(stream, "close");
  return String(response[":status"]);
}

/** Sends a request that is not answered and leaves once it has reached the service. */
async function abandon(world: World, protocol: "http1" | "http2"): Promise<void> {
  const before = world.service.waiting();
  if (protocol === "http1") {
    const request = httpRequest({
      port: world.mesh.port,
      host: "127.0.0.1",
      path: "/slow",
      headers: { host },
    });
    request.on("error", () => {}).end();
    await waitFor("the request reaches the service", () => world.service.waiting() > before);
    request.destroy();
    return;
  }
  const stream = world.session.request({ ":path": "/slow", ":authority": host });
  stream.on("error", () => {}).end();
  await waitFor("the request reaches the service", () => world.service.waiting() > before);
  stream.close(constants.NGHTTP2_CANCEL);
}

/** Bytes that are no request, on a connection of their own; the first line of the answer. */
async function raw(port: number, bytes: string): Promise<string> {
  const socket = connectTcp(port, "127.0.0.1");
  socket.write(bytes);
  const [answer] = (await once(socket, "data")) as [Buffer];
  socket.destroy();
  return answer.toString().split("\r\n")[0] ?? "";
}

describe("without a MetricsPolicy", () => {
  let world: World;
  before(async () => {
    world = await startWorld("");
  });
  after(() => endWorld(world));

  test(`${requests} mixed requests: the counters are what the clients saw`, async () => {
    const seen: Record<string, number> = {};
    const count = (status: string | number) => {
      seen[status] = (seen[status] ?? 0) + 1;
    };
    const one = async (index: number): Promise<void> => {
      const kind = index % 20;
      const path =
        kind < 10 ? "/status/200" : kind < 13 ? "/status/404" : kind < 15 ? "/limited" : "/status/503";
      if (kind === 19) count(await overHttp2(world.session, "/", { ":authority": "stranger.example" }));
      else if (index % 2 === 0) count(await overHttp2(world.session, path));
      else count((await world.mesh.request({ host, path })).status);
    };
    for (let from = 0; from < requests; from += 80) {
      const group = Array.from({ length: Math.min(80, requests - from) }, (_, index) => one(from + index));
      await Promise.all(group);
    }
    for (let index = 0; index < 20; index++) {
      await abandon(world, index % 2 === 0 ? "http1" : "http2");
      count(0);
    }
    const total = requests + 20;
    await waitFor("all are counted", async () => {
      const sum = (await counters(world)).reduce((all, { value }) => all + value, 0);
      assert.ok(sum <= total, `${sum} counted of ${total}`);
      return sum === total;
    });
    const list = await counters(world);
    assert.deepEqual(sumBy(list, "response_code"), seen);
    assert.ok((seen["429"] ?? 0) > 0, "the limit was met");
    const byRoute = sumBy(list, "route");
    assert.equal(byRoute["limited"], (requests / 20) * 2);
    assert.deepEqual(Object.keys(byRoute).sort(), ["-", "limited", "shop.main-1"]);
    assert.deepEqual(Object.keys(sumBy(list, "virtual_host")).sort(), ["-", `${host}:80`]);
  });

  test("durations are counted as often as requests, by class", async () => {
    const list = await counters(world);
    const expected: Record<string, number> = {};
    for (const [code, value] of Object.entries(sumBy(list, "response_code"))) {
      const label = code === "0" ? "0" : `${code[0]}xx`;
      expected[label] = (expected[label] ?? 0) + value;
    }
    // A histogram's page follows at the next flush of stats.
    await waitFor("the histogram has them all", async () => {
      const page = await world.mesh.envoy.admin("/stats/prometheus");
      const found = sumBy(samples(page, "sluice_request_duration_milliseconds_count"), "response_code");
      return JSON.stringify(Object.entries(found).sort()) === JSON.stringify(Object.entries(expected).sort());
    });
    const page = await world.mesh.envoy.admin("/stats/prometheus");
    const buckets = samples(page, "sluice_request_duration_milliseconds_bucket");
    assert.deepEqual(
      [...new Set(buckets.map(({ labels }) => labels["le"]))],
      [
        "1",
        "2",
        "5",
        "10",
        "25",
        "50",
        "100",
        "250",
        "500",
        "1000",
        "2500",
        "5000",
        "10000",
        "30000",
        "60000",
        "+Inf",
      ],
    );
  });

  /** By how much the series has grown, that of these labels and no other. */
  async function grows(labels: Record<string, string>, act: () => Promise<void>): Promise<void> {
    const before = await counters(world);
    const valueIn = (list: Sample[]) =>
      list.find((s) => Object.entries(labels).every(([name, value]) => s.labels[name] === value))?.value ?? 0;
    const sum = (list: Sample[]) => list.reduce((all, { value }) => all + value, 0);
    await act();
    const now = await waitFor("it is counted", async () => {
      const list = await counters(world);
      return sum(list) > sum(before) && list;
    });
    assert.equal(valueIn(now) - valueIn(before), 1, JSON.stringify(labels));
    assert.equal(sum(now) - sum(before), 1);
  }

  test("what is no HTTP counts once, without route", async () => {
    await grows({ route: "-", virtual_host: "-", response_code: "400" }, async () => {
      assert.match(await raw(world.mesh.port, "GARBAGE\r\n\r\n"), / 400 /);
    });
  });

  test("a request refused for its headers counts once", async () => {
    await grows({ response_code: "400" }, async () => {
      assert.match(
        await raw(world.mesh.port, `GET / HTTP/1.1\r\nhost: ${host}\r\nunder_score: 1\r\n\r\n`),
        / 400 /,
      );
    });
  });

  test("a stream that the service resets counts once", async () => {
    await grows({ route: "shop.main-1", response_code: "503" }, async () => {
      assert.equal((await world.mesh.request({ host, path: "/reset" })).status, 503);
    });
  });

  test("a stream that the client resets counts once, without a code", async () => {
    await grows({ route: "shop.main-1", response_code: "0" }, () => abandon(world, "http2"));
  });

  test("an upgraded connection counts once, when it ends", async () => {
    await grows({ route: "shop.main-1", response_code: "101" }, async () => {
      const before = await counters(world);
      const request = httpRequest({
        port: world.mesh.port,
        host: "127.0.0.1",
        path: "/socket",
        headers: { host, connection: "upgrade", upgrade: "websocket" },
      });
      request.end();
      const [, socket] = await once(request, "upgrade");
      socket.write("ping");
      assert.equal(String((await once(socket, "data"))[0]), "ping");
      assert.deepEqual(await counters(world), before);
      socket.destroy();
    });
  });

  test("a code that is none of HTTP's counts as _other", async () => {
    await grows({ route: "shop.main-1", response_code: "_other" }, async () => {
      assert.equal((await world.mesh.request({ host, path: "/status/799" })).status, 799);
    });
  });
});
