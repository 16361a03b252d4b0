// The filters' metrics in an Envoy whose stats_tags are written as Istio's bootstrap writes those of extraStatTags.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Agent } from "undici";
import { findEnvoy } from "../envoy/find.ts";
import { type EnvoyProcess, startEnvoy } from "../envoy/process.ts";
import { projectRoot } from "../envoy/root.ts";
import { samples } from "./support/prometheus.ts";
import { waitFor } from "./support/wait.ts";

const labels = [
  ...["virtual_host", "route", "response_code", "tenant", "reason"],
  ...["policy", "limit", "decision", "fault", "type", "rule", "destination"],
];
const loopback = { socket_address: { address: "127.0.0.1", port_value: 0 } };
const type = (name: string) => `type.googleapis.com/${name}`;

const filter = (name: string, policy: Record<string, unknown>) => ({
  name,
  typed_config: {
    "@type": type("envoy.extensions.filters.http.wasm.v3.Wasm"),
    config: {
      name,
      failure_policy: "FAIL_RELOAD",
      configuration: {
        "@type": type("google.protobuf.StringValue"),
        value: JSON.stringify({ labels: "istio", policies: [{ name: "ns/p", ...policy }] }),
      },
      vm_config: {
        runtime: "envoy.wasm.runtime.v8",
        code: { local: { filename: join(projectRoot, `build/filters/${name}.wasm`) } },
      },
    },
  },
});

const limits = [{ name: "per-user", key: [{ header: "uid" }], requests: 1, per: "1h" }];
const rules = [{ name: "r.1", destination: { subset: "v3" } }];
const abort = { httpStatus: 418 };
const faults = [{ name: "teapot", match: [{ headers: { "x-tea": {} } }], percentage: 100, abort }];

const manager = {
  "@type": type("envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"),
  stat_prefix: "main",
  route_config: {
    virtual_hosts: [
      {
        name: "reviews.default.svc.cluster.local:9080",
        domains: ["*"],
        routes: [{ name: "v1.only", match: { prefix: "/" }, direct_response: { status: 200 } }],
      },
    ],
  },
  http_filters: [
    filter("metrics", { dimensions: [{ name: "tenant", header: "x-tenant" }] }),
    filter("rate_limit", { limits: limits.map((limit) => ({ ...limit, whenKeyMissing: "skip" })) }),
    filter("header_routing", { rules }),
    filter("fault", { faults }),
    {
      name: "router",
      typed_config: { "@type": type("envoy.extensions.filters.http.router.v3.Router") },
    },
  ],
};

const config = {
  admin: { address: loopback },
  stats_config: {
    stats_tags: labels.map((label) => ({ tag_name: label, regex: `(${label}=\\.=(.*?);\\.;)` })),
  },
  static_resources: {
    listeners: [
      {
        name: "main",
        address: loopback,
        filter_chains: [{ filters: [{ name: "http", typed_config: manager }] }],
      },
    ],
  },
};

describe("under the rules of Istio's bootstrap", () => {
  let envoy: EnvoyProcess;
  let origin = "";
  const agent = new Agent();
  before(async () => {
    envoy = await startEnvoy({ binary: await findEnvoy(), config, concurrency: 1 });
    await waitFor("Envoy is ready", async () => (await envoy.admin("/ready")).startsWith("LIVE"));
    origin = `http://127.0.0.1:${await envoy.listenerPort("main")}`;
  });
  after(async () => {
    await agent.close();
    await envoy?.stop();
  });

  const table: [sent: string, shown: string][] = [
    ["a.b-c:d/e", "a.b-c:d/e"],
    ["a;b=.=c", "a;b=.=c"],
    ["ends;", "ends;"],
    ["cut;.;route=.=forged;.;", "cut_.;route=.=forged_.;"],
  ];
  for (const [sent, shown] of table) {
    test(`a value: ${sent}`, async () => {
      const headers = { "x-tenant": sent };
      const response = await agent.request({ origin, path: "/", method: "GET", headers });
      await response.body.dump();
      const expected = {
        virtual_host: "reviews.default.svc.cluster.local:9080",
        route: "v1.only",
        response_code: "200",
        tenant: shown,
      };
      await waitFor(`it is counted with ${JSON.stringify(expected)}`, async () => {
        const found = samples(await envoy.admin("/stats/prometheus"), "sluice_requests_total");
        return found.some((sample) => {
          if (sample.labels.tenant !== shown) return false;
          assert.deepEqual(sample.labels, expected);
          return true;
        });
      });
    });
  }

  test("decisions of the other filters have their labels", async () => {
    const ask = async (headers: Record<string, string>): Promise<number> => {
      const response = await agent.request({ origin, path: "/", method: "GET", headers });
      await response.body.dump();
      return response.statusCode;
    };
    assert.deepEqual(
      [await ask({ uid: "a" }), await ask({ uid: "a" }), await ask({ "x-tea": "1" })],
      [200, 429, 418],
    );
    const page = await envoy.admin("/stats/prometheus");
    const labelsOf = (name: string) => samples(page, name).map((sample) => sample.labels);
    const limited = labelsOf("sluice_rate_limit_decisions_total");
    const shown = limited.map(({ policy, limit, decision }) => `${policy} ${limit} ${decision}`);
    assert.deepEqual(shown.sort(), ["ns/p per-user allowed", "ns/p per-user limited"]);
    assert.deepEqual(labelsOf("sluice_faults_total"), [{ policy: "ns/p", fault: "teapot", type: "abort" }]);
    assert.deepEqual(labelsOf("sluice_route_choices_total"), [
      { policy: "ns/p", rule: "r.1", destination: "v3" },
    ]);
  });

  test("durations are a histogram with the class", async () => {
    await waitFor("the histogram is there", async () => {
      const name = "sluice_request_duration_milliseconds_count";
      const found = samples(await envoy.admin("/stats/prometheus"), name);
      return found.some((sample) => sample.labels.response_code === "2xx" && sample.value > 0);
    });
  });
});
