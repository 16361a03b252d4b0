import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { StreamMetricsMessageSchema } from "../../build/envoy-api/envoy/service/metrics/v3/metrics_service_pb.ts";
import { MetricType } from "../../build/envoy-api/io/prometheus/client/metrics_pb.ts";
import { addBuckets, isWanted, quantile, readSamples } from "./samples.ts";
import { readFlush } from "./wire.ts";

type Family = {
  name: string;
  labels?: Record<string, string>;
  counter?: number;
  gauge?: number;
  upTo?: number[];
};

const bounds = [1, 10, 100];

/** Through the wire, as Envoy 1.40 sends it. */
function samplesOf(...families: Family[]): ReturnType<typeof readSamples> {
  const message = create(StreamMetricsMessageSchema, {
    identifier: { node: { id: "gateway" } },
    envoyMetrics: families.map(({ name, labels = {}, counter, gauge, upTo }) => ({
      name,
      type: upTo === undefined ? MetricType.COUNTER : MetricType.HISTOGRAM,
      metric: [
        {
          label: Object.entries(labels).map(([label, value]) => ({ name: label, value })),
          ...(counter !== undefined && { counter: { value: counter } }),
          ...(gauge !== undefined && { gauge: { value: gauge } }),
          ...(upTo !== undefined && {
            histogram: {
              sampleCount: BigInt(upTo.at(-1) ?? 0),
              bucket: bounds.map((upperBound, i) => ({ upperBound, cumulativeCount: BigInt(upTo[i] ?? 0) })),
            },
          }),
        },
      ],
    })),
  });
  const { node, families: read } = readFlush(toBinary(StreamMetricsMessageSchema, message), isWanted);
  assert.equal(node?.id, "gateway");
  return readSamples(read);
}

const first = { "envoy.cluster_name": "outbound|80|v1|search" };
const ok = { ...first, "envoy.response_code_class": "2" };
const members: Family = { name: "cluster.ns.svc.cluster.local.membership_total", labels: first, gauge: 3 };
const cluster = "outbound|80|v1|search.ns.svc.cluster.local";

describe("clusters", () => {
  test("the name's rest is in the family's", () => {
    const samples = samplesOf(
      { name: "cluster.ns.svc.cluster.local.upstream_rq_xx", labels: ok, counter: 5 },
      { name: "cluster.ns.svc.cluster.local.upstream_rq_time", labels: first, upTo: [1, 3, 3, 4] },
      { name: "cluster.ns.svc.cluster.local.membership_healthy", labels: first, gauge: 2 },
      members,
    );
    assert.deepEqual([...samples.answers], [[cluster, new Map([["2", 5]])]]);
    assert.deepEqual(samples.latencies.get(cluster), { bounds, counts: [1, 2, 1] });
    assert.deepEqual([...samples.endpoints], [[cluster, { total: 3, healthy: 2 }]]);
  });

  test("the whole name in the label, as rules of a bootstrap of one's own give it", () => {
    const labels = { "envoy.cluster_name": cluster };
    const samples = samplesOf(
      { name: "cluster.upstream_rq_xx", labels: { ...labels, "envoy.response_code_class": "5" }, counter: 1 },
      { name: "cluster.membership_total", labels, gauge: 1 },
    );
    assert.deepEqual([...samples.answers], [[cluster, new Map([["5", 1]])]]);
  });

  test("answers that are counted once more are left out, a host of such a name is not", () => {
    const internal = { "envoy.cluster_name": "outbound|80||api", "envoy.response_code_class": "2" };
    const samples = samplesOf(
      members,
      { name: "cluster.ns.svc.cluster.local.internal.upstream_rq_xx", labels: ok, counter: 5 },
      { name: "cluster.corp.internal.upstream_rq_xx", labels: internal, counter: 7 },
      { name: "cluster.corp.internal.internal.upstream_rq_xx", labels: internal, counter: 7 },
      { name: "cluster.corp.internal.membership_total", labels: internal, gauge: 1 },
    );
    assert.deepEqual([...samples.answers], [["outbound|80||api.corp.internal", new Map([["2", 7]])]]);
  });

  test("clusters that are not the mesh's are left out", () => {
    const labels = { "envoy.cluster_name": "sluice_xds", "envoy.response_code_class": "2" };
    const samples = samplesOf(
      { name: "cluster.upstream_rq_xx", labels, counter: 5 },
      { name: "cluster.membership_total", labels, gauge: 1 },
    );
    assert.deepEqual([samples.answers.size, samples.endpoints.size], [0, 0]);
  });
});

test("what clients are answered: all listeners of the mesh, not the admin's", () => {
  const at = (prefix: string) => ({
    "envoy.http_conn_manager_prefix": prefix,
    "envoy.response_code_class": "2",
  });
  const samples = samplesOf(
    { name: "http.downstream_rq_xx", labels: at("mesh"), counter: 5 },
    { name: "http.0.0.1_8443.downstream_rq_xx", labels: at("127"), counter: 2 },
    { name: "http.downstream_rq_xx", labels: at("admin"), counter: 100 },
    { name: "http.downstream_rq_time", labels: at("mesh"), upTo: [1, 1, 1] },
    { name: "http.downstream_rq_time", labels: at("127"), upTo: [0, 1, 1] },
  );
  assert.deepEqual([...samples.downstream], [["2", 7]]);
  assert.deepEqual(samples.downstreamLatency.counts, [1, 1, 0]);
});

test("decisions of the filters, with their labels intact", () => {
  const samples = samplesOf(
    {
      name: "wasmcustom.sluice_rate_limit_decisions_total",
      labels: { policy: "ns/p", limit: "per user: 5/s", decision: "limited" },
      counter: 3,
    },
    {
      name: "wasmcustom.sluice_rate_limit_refused_keys_total",
      labels: { policy: "ns/p", limit: "per user: 5/s", key: "a,b=c" },
      counter: 2,
    },
    { name: "wasmcustom.sluice_filter_errors_total", labels: { reason: "table_full" }, counter: 1 },
    { name: "wasmcustom.sluice_requests_total", labels: { route: "r" }, counter: 9 },
  );
  assert.deepEqual(samples.decisions, [
    { kind: "rateLimit", policy: "ns/p", name: "per user: 5/s", outcome: "limited", value: 3 },
    { kind: "refusedKey", policy: "ns/p", name: "per user: 5/s", outcome: "a,b=c", value: 2 },
    { kind: "error", policy: "", name: "table_full", outcome: "", value: 1 },
  ]);
});

describe("quantiles", () => {
  const table: { name: string; counts: number[]; share: number; value: number | undefined }[] = [
    { name: "of nothing", counts: [0, 0, 0], share: 0.5, value: undefined },
    { name: "in the first bucket", counts: [4, 0, 0], share: 0.5, value: 0.5 },
    { name: "between two bounds", counts: [0, 10, 0], share: 0.5, value: 5.5 },
    { name: "beyond what is common", counts: [98, 0, 2], share: 0.99, value: 55 },
  ];
  for (const { name, counts, share, value } of table) {
    test(name, () => assert.equal(quantile({ bounds, counts }, share), value));
  }

  test("buckets of proxies with other bounds", () => {
    const sum = addBuckets({ bounds, counts: [1, 0, 0] }, { bounds: [5, 1000], counts: [2, 3] });
    assert.deepEqual(sum, { bounds, counts: [1, 2, 3] });
  });
});
