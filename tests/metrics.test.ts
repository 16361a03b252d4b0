// Request metrics in a real Envoy under our server: what its Prometheus page says is what the clients saw, to the
// request, however a request ends.

import assert from "node:assert/strict";
import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { type ClientHttp2Session, connect as connectHttp2, constants } from "node:http2";
import { connect as connectTcp } from "node:net";
import { after, before, describe, test } from "node:test";
import { routeId } from "../server/route-id.ts";
import { startTestMesh, type TestMesh } from "./support/mesh.ts";
import { type MoodyService, startMoods } from "./support/moods.ts";
import { type Sample, samples, sumBy } from "./support/prometheus.ts";
import { waitFor } from "./support/wait.ts";

const host = "shop.demo.svc.cluster.local";
const requests = Number(process.env.SLUICE_MIXED ?? 5_000);

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
  - name: faulty
    match: [{uri: {prefix: /faulty}}]
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
  limits: [{name: few, requests: 20, per: 1h}]
`;

// Half of the route's requests are aborted, one in ten is held first.
const faults = `
---
apiVersion: sluice.traffic/v1alpha1
kind: FaultPolicy
metadata: {namespace: demo, name: half}
spec:
  targetRefs: [{group: networking.istio.io, kind: VirtualService, name: shop, sectionName: faulty}]
  faults:
  - {name: slow, percentage: 10, delay: {fixed: 20ms}}
  - {name: half, percentage: 50, abort: {httpStatus: 418}}
`;

interface World {
  mesh: TestMesh;
  service: MoodyService;
  session: ClientHttp2Session;
}

async function startWorld(policy: string, dimensions: readonly string[] = []): Promise<World> {
  const service = await startMoods();
  const files = { "shop.yaml": shop(service.port) + faults, "metrics.yaml": policy };
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

const errors = async ({ mesh }: World): Promise<Record<string, number>> =>
  sumBy(samples(await mesh.envoy.admin("/stats/prometheus"), "sluice_filter_errors_total"), "reason");

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
        kind < 9
          ? "/status/200"
          : kind < 11
            ? "/faulty"
            : kind < 13
              ? "/status/404"
              : kind < 15
                ? "/limited"
                : "/status/503";
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
    assert.ok((seen["418"] ?? 0) > 0, "faults were met");
    const byRoute = sumBy(list, "route");
    assert.equal(byRoute.limited, (requests / 20) * 2);
    assert.deepEqual(Object.keys(byRoute).sort(), ["-", "faulty", "limited", "shop.main-1"]);
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
      [...new Set(buckets.map(({ labels }) => labels.le))],
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

  test("Envoy's routes carry their identity", async () => {
    const dump = await world.mesh.envoy.admin("/config_dump?resource=dynamic_route_configs");
    for (const name of ["limited", "shop.main-1"]) {
      const identity = `{"filter_metadata":{"sluice":{"id":${routeId(`${host}:80`, name)}}}}`;
      assert.ok(dump.replace(/\s/g, "").includes(identity), `${name}: ${identity}`);
    }
  });

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

const dimensions = ["tenant", "page", "kind", "grpc", "flags", "session", "tag", "verb"];

/** `extra`: further fields of the policy's spec. */
const metricsPolicy = (maxValues: number, extra = ""): string => `
apiVersion: sluice.traffic/v1alpha1
kind: MetricsPolicy
metadata: {namespace: demo, name: shop}
spec:
  targetRefs: [{group: networking.istio.io, kind: VirtualService, name: shop}]
  dimensions:
  - {name: tenant, header: x-tenant, maxValues: ${maxValues}, values: [gold]}
  - {name: page, path: {templates: ["/users/{id}/cart"]}}
  - {name: kind, responseHeader: x-kind}
  - {name: grpc, grpcStatus: {}}
  - {name: flags, responseFlags: {}}
  - {name: session, cookie: session}
  - {name: tag, queryParam: tag}
  - {name: verb, method: {}}
${extra}`;

describe("with dimensions", () => {
  let world: World;
  before(async () => {
    world = await startWorld(metricsPolicy(1_000), dimensions);
  });
  after(() => endWorld(world));

  /** The labels of the one series that has grown. */
  async function labelsAfter(act: () => Promise<unknown>): Promise<Record<string, string>> {
    const before = await counters(world);
    const key = ({ labels }: Sample) => JSON.stringify(labels);
    const old = new Map(before.map((sample) => [key(sample), sample.value]));
    await act();
    const [grown, ...others] = await waitFor("it is counted", async () => {
      const list = (await counters(world)).filter((sample) => sample.value !== (old.get(key(sample)) ?? 0));
      return list.length > 0 && list;
    });
    assert.equal(others.length, 0);
    return grown?.labels ?? {};
  }

  test("each label has its own source", async () => {
    const labels = await labelsAfter(() =>
      world.mesh.request({
        host,
        path: "/users/4711/cart?a=b&tag=c.d",
        method: "POST",
        headers: { "x-tenant": "a", cookie: 'x=y; session="s 1"' },
      }),
    );
    assert.deepEqual(labels, {
      virtual_host: `${host}:80`,
      route: "shop.main-1",
      response_code: "200",
      tenant: "a",
      page: "/users/{id}/cart",
      kind: "4711",
      grpc: "-",
      flags: "-",
      session: "s 1",
      tag: "c.d",
      verb: "POST",
    });
  });

  test("what is not there is -", async () => {
    const labels = await labelsAfter(() => world.mesh.request({ host, path: "/" }));
    const { page, tenant, session, tag, kind } = labels;
    assert.deepEqual({ page, tenant, session, tag }, { page: "/", tenant: "-", session: "-", tag: "-" });
    assert.equal(kind, "");
  });

  for (const value of ["a.b-c:d/e", 'say "x" \\ {y="z"}', "a,b=c;d", "ünï ☃", "x\\n"]) {
    test(`a value stays as it is: ${value}`, async () => {
      const { tenant } = await labelsAfter(() =>
        world.mesh.request({ host, headers: { "x-tenant": Buffer.from(value).toString("latin1") } }),
      );
      assert.equal(tenant, value);
    });
  }

  test("a value that no label can be is _other, and counted", async () => {
    const before = (await errors(world)).dimension_value_invalid ?? 0;
    for (const value of ["\xff", "x".repeat(129)]) {
      const { tenant } = await labelsAfter(() =>
        world.mesh.request({ host, headers: { "x-tenant": value } }),
      );
      assert.equal(tenant, "_other");
    }
    assert.equal(((await errors(world)).dimension_value_invalid ?? 0) - before, 2);
  });

  test("a path is the client's, also where the route rewrites it", async () => {
    const labels = await labelsAfter(() => world.mesh.request({ host, path: "/old/x/12345?tag=t" }));
    assert.equal(labels.page, "/old/x/{id}");
    assert.equal(labels.tag, "t");
  });

  test("a client cannot forge its path", async () => {
    for (const path of ["/real", "/old/real"]) {
      const { page } = await labelsAfter(() =>
        world.mesh.request({ host, path, headers: { "x-envoy-original-path": "/forged" } }),
      );
      assert.equal(page, path);
    }
  });

  test("Envoy's flags and gRPC's status by name", async () => {
    const reset = await labelsAfter(() => world.mesh.request({ host, path: "/reset" }));
    assert.equal(reset.flags, "UC");
    assert.equal(reset.grpc, "-");
    const left = await labelsAfter(() => abandon(world, "http2"));
    assert.equal(left.flags, "DR");
    // An answer of Envoy's own to a gRPC request: 200 with a status in its headers.
    const grpc = await labelsAfter(() =>
      overHttp2(world.session, "/reset", {
        ":method": "POST",
        "content-type": "application/grpc",
        te: "trailers",
      }),
    );
    assert.equal(grpc.response_code, "200");
    assert.equal(grpc.grpc, "Unavailable");
  });

  test("dimensions that come after Envoy's start are in one label, and values stay apart", async () => {
    const late = `  - {name: late, header: x-late}\n  - {name: later, header: x-later}\n`;
    await world.mesh.apply("metrics.yaml", metricsPolicy(1_000, late));
    const found = await waitFor("the workers follow", async () => {
      await world.mesh.request({ host, headers: { "x-late": "1.5", "x-later": "b" } });
      return (await counters(world)).find(({ labels }) => labels.dimensions === "late=1.5,later=b");
    });
    assert.equal(found.labels.tenant, "-");
    assert.equal(found.labels.verb, "GET");
  });

  test("names: istio gives what Istio's dashboards ask for", async () => {
    await world.mesh.apply("metrics.yaml", metricsPolicy(20, "  names: [istio, sluice]\n"));
    const find = async () => {
      await world.mesh.request({ host, path: "/status/204" });
      const page = await world.mesh.envoy.admin("/stats/prometheus");
      return samples(page, "istio_requests_total").find(({ labels }) => labels.response_code === "204");
    };
    const { labels } = await waitFor("the worker follows", find);
    assert.equal(labels.destination_service, host);
    assert.equal(labels.destination_service_name, "shop");
    assert.equal(labels.destination_service_namespace, "demo");
    assert.equal(labels.request_protocol, "http");
    assert.equal(labels.reporter, "source");
    assert.equal(labels.source_workload, "sluice");
    const page = await world.mesh.envoy.admin("/stats/prometheus");
    for (const name of ["istio_request_duration_milliseconds", "istio_request_bytes", "istio_response_bytes"])
      assert.ok(samples(page, `${name}_count`).length > 0, name);
  });
});

describe("names: otel", () => {
  const name = "http_server_request_duration_milliseconds";
  let world: World;
  before(async () => {
    world = await startWorld(metricsPolicy(20, "  names: [otel]\n"), dimensions);
  });
  after(() => endWorld(world));

  test("each request is in the histogram once, with the convention's labels", async () => {
    const send = (path: string, method: "GET" | "POST") => world.mesh.request({ host, path, method });
    await send("/status/200", "GET");
    await send("/status/404", "POST");
    await send("/status/503", "GET");
    await overHttp2(world.session, "/status/200", { ":method": "BREW" });
    await abandon(world, "http2");
    const list = await waitFor("all are counted", async () => {
      const found = samples(await world.mesh.envoy.admin("/stats/prometheus"), `${name}_count`);
      return found.reduce((all, { value }) => all + value, 0) === 5 && found;
    });
    const found = list.map(({ labels }) => [
      labels.http_request_method,
      labels.http_response_status_code,
      labels.http_route,
      labels.error_type,
    ]);
    assert.deepEqual(found.sort(), [
      ["GET", undefined, "/slow", "DR"],
      ["GET", "200", "/status/{id}", undefined],
      ["GET", "503", "/status/{id}", "503"],
      ["POST", "404", "/status/{id}", undefined],
      // The service does not know the method either.
      ["_OTHER", "400", "/status/{id}", undefined],
    ]);
    for (const { labels } of list) {
      assert.equal(labels.server_address, host);
      assert.equal(labels.url_scheme, "http");
    }
  });

  test("buckets are the convention's", async () => {
    const page = await world.mesh.envoy.admin("/stats/prometheus");
    const bounds = new Set(samples(page, `${name}_bucket`).map(({ labels }) => labels.le));
    const seconds = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
    assert.deepEqual([...bounds], [...seconds.map((bound) => String(bound * 1000)), "+Inf"]);
  });
});

describe("a spray of values", () => {
  let world: World;
  before(async () => {
    world = await startWorld(metricsPolicy(20), dimensions);
  });
  after(() => endWorld(world));

  test("is bounded over both workers; given values stay, and no request is lost", async () => {
    const request = (tenant: string) => world.mesh.request({ host, headers: { "x-tenant": tenant } });
    for (let from = 0; from < 600; from += 60)
      await Promise.all(Array.from({ length: 60 }, (_, index) => request(`junk-${from + index}`)));
    await request("gold");
    const tenants = await waitFor("all are counted", async () => {
      const sums = sumBy(await counters(world), "tenant");
      return Object.values(sums).reduce((all, value) => all + value, 0) === 601 && sums;
    });
    assert.equal(tenants.gold, 1);
    assert.equal(Object.keys(tenants).length, 21, "gold, 19 that came first, and _other");
    assert.equal(tenants._other, 581);
    assert.equal((await errors(world)).dimension_values_full, 581);
  });
});
