// Traces of a real Envoy in a real OTLP receiver: a span per request and one per attempt upstream, with what our
// filters decided.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { tracing } from "../server/istio/tracing.ts";
import { type Headers, startTestMesh, type TestMesh } from "./support/mesh.ts";
import { observedMesh } from "./support/observed.ts";
import { type Collector, type Span, startCollector } from "./support/otlp.ts";
import { waitFor } from "./support/wait.ts";

const cluster = (version: string): string =>
  `outbound|80|${version}|go-search-service.ficool.svc.cluster.local`;
const hex = (base64: string): string => Buffer.from(base64, "base64").toString("hex");

/** W3C: version, trace, span of the caller, flags; 01 = sampled. */
const traceparent = (trace: string, flags: string): Headers => ({
  traceparent: `00-${trace}-00f067aa0ba902b7-${flags}`,
});

async function start(samplingPercent?: number): Promise<{ mesh: TestMesh; collector: Collector }> {
  const collector = await startCollector();
  const address = { host: "127.0.0.1", port: collector.port };
  const sampling = samplingPercent === undefined ? {} : { samplingPercent };
  const observability = { tracing: { collector: address, ...sampling } };
  const mesh = await startTestMesh({ files: await observedMesh(), observability }).catch(async (error) => {
    await collector.close();
    throw error;
  });
  return { mesh, collector };
}

describe("traces over OTLP", () => {
  let mesh: TestMesh;
  let collector: Collector;
  before(async () => {
    ({ mesh, collector } = await start());
  });
  after(async () => {
    await mesh?.close();
    await collector?.close();
  });

  /** The span of the request for this path, and those below it. */
  async function trace(path: string, children: number): Promise<[Span, ...Span[]]> {
    const server = await waitFor(
      `the span of ${path}`,
      () =>
        collector.spans.find((span) => span.tags["url.path"] === path && span.kind === "SPAN_KIND_SERVER"),
      20_000,
    );
    const below = (): Span[] => collector.spans.filter((span) => span.parentSpanId === server.spanId);
    await waitFor(`${children} spans below`, () => below().length >= children, 20_000);
    assert.equal(below().length, children);
    return [server, ...below()];
  }

  test("a request and its attempt upstream, in one trace, without the query", async () => {
    const echo = (await mesh.request({ path: "/plain?token=secret" })).echo();
    const [server, attempt] = await trace("/plain", 1);
    assert.equal(server.resource["service.name"], "sluice-envoy");
    assert.equal(server.name, "GET default_v1_v2");
    assert.equal(server.parentSpanId ?? "", "");
    assert.equal(server.tags["http.status_code"], "200");
    assert.equal(server.tags.route, "default_v1_v2");
    assert.equal(server.tags.response_code_details, "via_upstream");
    assert.equal(server.tags.upstream_cluster, cluster(echo.version));
    assert.ok(BigInt(server.endTimeUnixNano) > BigInt(server.startTimeUnixNano));
    assert.deepEqual([attempt?.kind, attempt?.traceId], ["SPAN_KIND_CLIENT", server.traceId]);
    assert.equal(attempt?.tags["peer.address"], `127.0.0.1:${mesh.services[echo.version]?.port}`);
    // The service is told the attempt's span as its parent.
    const [, traceId, spanId] = String(new Map(echo.headers).get("traceparent")).split("-");
    assert.deepEqual([traceId, spanId], [hex(server.traceId), hex(String(attempt?.spanId))]);
    assert.ok(!JSON.stringify(collector.spans).includes("secret"));
  });

  test("what the filters decided is a tag; what they did not decide is none", async () => {
    await mesh.request({ path: "/insider", headers: { user: "insider" } });
    await mesh.request({ path: "/admitted", headers: { user: "greedy" } });
    await mesh.request({ path: "/limited", headers: { user: "greedy" } });
    await mesh.request({ path: "/abort" });
    await mesh.request({ path: "/slow" });
    const ours = ({ tags }: Span) =>
      Object.fromEntries(Object.entries(tags).filter(([name]) => name.startsWith("sluice.")));
    const [insider, attempt] = await trace("/insider", 1);
    assert.deepEqual(ours(insider), { "sluice.destination": "default_v1_v2/v3" });
    assert.equal(attempt?.tags.upstream_cluster, cluster("v3"));
    const [limited] = await trace("/limited", 0);
    assert.deepEqual(Object.keys(ours(limited)), ["sluice.rate_limit"]);
    assert.match(String(limited.tags["sluice.rate_limit"]), /^"greedy";r=0;t=\d+$/);
    assert.equal(limited.tags.response_code_details, "sluice_rate_limited");
    const [aborted] = await trace("/abort", 0);
    assert.deepEqual(ours(aborted), { "sluice.fault": "ficool/game-day/broken" });
    const [delayed] = await trace("/slow", 1);
    assert.deepEqual(ours(delayed), { "sluice.fault": "ficool/game-day/late" });
    const [admitted] = await trace("/admitted", 1);
    assert.deepEqual(ours(admitted), {});
  });

  test("a client's trace goes on", async () => {
    const id = "4bf92f3577b34da6a3ce929d0e0e4736";
    await mesh.request({ path: "/continued", headers: traceparent(id, "01") });
    const [server] = await trace("/continued", 1);
    assert.equal(hex(server.traceId), id);
    assert.equal(hex(String(server.parentSpanId)), "00f067aa0ba902b7");
  });
});

test("with a sampling of 0 only traces that a client has begun are recorded", async () => {
  const { mesh, collector } = await start(0);
  try {
    const id = "5bf92f3577b34da6a3ce929d0e0e4737";
    for (let i = 0; i < 20; i++) await mesh.request({ path: "/unsampled" });
    await mesh.request({ path: "/declined", headers: traceparent("6bf92f3577b34da6a3ce929d0e0e4738", "00") });
    await mesh.request({ path: "/sampled", headers: traceparent(id, "01") });
    await waitFor("both spans", () => collector.spans.length >= 2, 20_000);
    assert.deepEqual([...new Set(collector.spans.map((span) => hex(span.traceId)))], [id]);
  } finally {
    await mesh.close();
    await collector.close();
  }
});

test("a collector that is not there costs no request", async () => {
  const observability = { tracing: { collector: { host: "collector.invalid", port: 4317 } } };
  const mesh = await startTestMesh({ files: await observedMesh(), observability });
  try {
    for (let i = 0; i < 20; i++) assert.equal((await mesh.request()).status, 200);
  } finally {
    await mesh.close();
  }
});

test("a proxy that does not know tags with format strings gets none", () => {
  const options = { collector: { host: "127.0.0.1", port: 4317 } };
  const old = tracing(options, false);
  assert.deepEqual([old.customTags, old.operation], [[], ""]);
  assert.ok(tracing(options, true).customTags.length >= 6);
});
