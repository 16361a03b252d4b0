// deploy/prometheus and deploy/grafana on real traffic: a real Envoy and config server, scraped by a real
// Prometheus with the configuration as it is shipped. Every rule is evaluated, every alert's metrics exist, and
// every query of the dashboard returns numbers.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";
import { dashboardPath, dashboardText, rows } from "../deploy/grafana/dashboard.ts";
import { startTestMesh, type TestMesh } from "./support/mesh.ts";
import { observedMesh } from "./support/observed.ts";
import { type PrometheusServer, promtool, startPrometheus } from "./support/prometheus-server.ts";
import { waitFor } from "./support/wait.ts";

interface Rule {
  name: string;
  type: string;
  query: string;
  health: string;
  lastError?: string;
}

test("promtool accepts configuration and rules, and each alert fires when it should", () => {
  for (const args of [
    ["check", "config", "prometheus.yml"],
    ["check", "rules", "rules.yaml"],
    ["test", "rules", "rules.test.yaml"],
  ]) {
    const { ok, output } = promtool(...args);
    assert.ok(ok, output);
  }
});

test("every alert has a test", async () => {
  const rules = await readFile("deploy/prometheus/rules.yaml", "utf8");
  const tests = await readFile("deploy/prometheus/rules.test.yaml", "utf8");
  const alerts = [...rules.matchAll(/- alert: (\w+)/g)].map(([, name = ""]) => name);
  assert.ok(alerts.length >= 15);
  for (const name of alerts) assert.match(tests, new RegExp(`alertname: ${name}\\n +exp_alerts:\\n +- `));
});

test("the generated dashboard is current", async () => {
  assert.equal(await readFile(dashboardPath, "utf8"), dashboardText());
});

describe("a scraped mesh", () => {
  let mesh: TestMesh;
  let prometheus: PrometheusServer;
  let sent = 0;

  before(async () => {
    mesh = await startTestMesh({ files: await observedMesh(), dimensions: ["tenant"], statsSink: true });
    prometheus = await startPrometheus({ envoy: mesh.envoy.adminPort, server: mesh.server.httpPort });
  });
  after(async () => {
    await prometheus?.close();
    await mesh?.close();
  });

  /** Something of everything. */
  async function drive(): Promise<void> {
    const requests = [
      { path: "/plain", headers: { "x-tenant": `tenant-${sent}` } },
      { path: "/insider", headers: { user: "insider" } },
      { path: "/limited", headers: { user: "greedy" } },
      { path: "/keyed", headers: { "x-key": String(sent) } },
      { path: "/keyed", headers: { "x-key": "greedy" } },
      { path: "/abort" },
      { path: "/slow" },
    ];
    sent += requests.length;
    await Promise.all(requests.map((request) => mesh.request(request)));
  }

  /** Drives traffic until the question has an answer with a number in it. */
  const numbersOf = (expr: string): Promise<number[]> =>
    waitFor(
      `data for ${expr}`,
      async () => {
        await drive();
        const values = (await prometheus.query(expr)).map(({ value }) => Number(value[1]));
        return values.some(Number.isFinite) && values;
      },
      30_000,
    );

  test("every query of the dashboard returns data", async () => {
    for (const { panels } of rows) {
      for (const { queries } of panels) {
        for (const { expr } of queries) {
          await numbersOf(
            expr.replaceAll("$__rate_interval", "10s").replace(/\$(virtual_host|route)\b/g, ".*"),
          );
        }
      }
    }
  });

  test("every rule is evaluated without an error, on metrics that exist", async () => {
    const evaluated = await waitFor("all rules are evaluated", async () => {
      const { groups } = (await prometheus.api("rules")) as { groups: { rules: Rule[] }[] };
      const rules = groups.flatMap((group) => group.rules);
      return rules.every((rule) => rule.health !== "unknown") && rules;
    });
    const names = new Set<string>();
    for (const rule of evaluated) {
      assert.equal(rule.health, "ok", `${rule.name}: ${rule.lastError}`);
      for (const [name] of rule.query.matchAll(/\b(?:up|(?:envoy|sluice)[\w:]+)\b(?=[{[\s)]|$)/g))
        names.add(name);
    }
    assert.ok(names.size >= 15, [...names].join());
    for (const name of names) await numbersOf(`count(${name})`);
  });

  test("the numbers are those of the traffic", async () => {
    const total = sent;
    await waitFor("all requests are counted", async () => {
      const [sum] = await prometheus.query("sum(sluice_requests_total)");
      return Number(sum?.value[1]) === total;
    });
  });

  test("the document lists the metrics that there are", async () => {
    const text = await readFile("docs/observability.md", "utf8");
    const listed = [...text.matchAll(/^\| `((?:sluice|process)_\w+)`/gm)].map(([, name = ""]) => name);
    const scraped = (await prometheus.api("label/__name__/values")) as string[];
    const ours = scraped
      .filter((name) => /^(sluice|process)_/.test(name))
      .map((name) => name.replace(/(?<=_milliseconds)_(bucket|sum|count)$/, ""));
    // Made when it is first needed.
    ours.push("sluice_rate_limit_contended_total");
    assert.deepEqual([...new Set(ours)].sort(), listed.sort());
  });

  test("OpenTelemetry's histogram is in seconds", async () => {
    const name = "http_server_request_duration_seconds";
    const found = await prometheus.query(`count by (le) (${name}_bucket{le!="+Inf"})`);
    const bounds = found.map(({ metric }) => Number(metric.le)).sort((a, b) => a - b);
    assert.deepEqual(bounds, [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]);
    // One request in seven is held for 20 ms.
    const [slowest = 0] = await numbersOf(`histogram_quantile(0.95, sum by (le) (${name}_bucket))`);
    const [mean = 0] = await numbersOf(`sum(${name}_sum) / sum(${name}_count)`);
    assert.ok(slowest > 0.01 && slowest < 10, String(slowest));
    assert.ok(mean > 0.003 && mean < 10, String(mean));
  });

  test("a cluster's whole name is in labels, and a VM's filter too", async () => {
    const [version] = await prometheus.query(
      'envoy_cluster_membership_total{envoy_cluster_name="outbound|80|v3|go-search-service",domain="ficool_svc_cluster_local"}',
    );
    assert.equal(version?.value[1], "1");
    const filters = await prometheus.query("count by (filter) (envoy_wasm_vm_reload)");
    assert.deepEqual(filters.map(({ metric }) => metric.filter).sort(), [
      "fault",
      "header_routing",
      "metrics",
      "rate_limit",
    ]);
  });

  test("an alert goes off when a proxy dies", async () => {
    assert.deepEqual(await prometheus.query('ALERTS{alertname="SluiceProxyDown"}'), []);
    await mesh.envoy.stop();
    const [alert] = await waitFor("the alert", async () => {
      const found = await prometheus.query('ALERTS{alertname="SluiceProxyDown"}');
      return found.length > 0 && found;
    });
    assert.equal(alert?.metric.severity, "page");
  });
});
