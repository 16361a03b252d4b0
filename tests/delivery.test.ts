// The order in which a change reaches a real Envoy, in both variants of the protocol: no request meets a
// route without its cluster, a filter's choice without its route, or a cluster without its endpoints.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import {
  assertNothingDrained,
  startLiveMesh,
  startLoad,
  stats,
  tester,
  testersPolicy,
  variants,
  versionOf,
} from "./live-mesh.ts";
import { waitFor } from "./support/wait.ts";

describe("a route moved between two clusters, the old one removed", () => {
  for (const variant of variants) {
    test(`${variant}: 10 moves, no failure`, async () => {
      const mesh = await startLiveMesh();
      try {
        const port = /http: (\d+)/.exec(mesh.meshYaml)?.[1] ?? "";
        await mesh.put("moving.yaml", moving("red", port));
        const envoy = await mesh.envoy("mover", { variant });
        await mesh.inSync("mover");
        const load = startLoad(envoy.port, 500, { host: "moving.example" });
        for (let move = 0; move < 10; move++) {
          await delay(200);
          await mesh.put("moving.yaml", moving(move % 2 === 0 ? "blue" : "red", port));
          await mesh.inSync("mover");
        }
        await delay(200);
        const { sent, failures } = await load.stop();
        assert.deepEqual(failures, []);
        assert.ok(sent > 1_000, `only ${sent} requests were sent`);
        const clusters = await envoy.admin("/clusters");
        assert.match(clusters, /red\.example/);
        assert.doesNotMatch(clusters, /blue\.example/);
        await assertNothingDrained(envoy);
      } finally {
        await mesh.close();
      }
    });
  }
});

function moving(colour: string, port: string): string {
  return `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: ${colour}, namespace: ficool}
spec:
  hosts: [${colour}.example]
  ports: [{number: 80, name: http, protocol: HTTP}]
  resolution: STATIC
  endpoints: [{address: 127.0.0.1, ports: {http: ${port}}}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: moving, namespace: ficool}
spec:
  hosts: [moving.example]
  http: [{name: moving, route: [{destination: {host: ${colour}.example}}]}]
`;
}

describe("a policy whose destination changes under load", () => {
  for (const variant of variants) {
    test(`${variant}: 10 changes, every request goes to the old or the new one, none to the base route`, async () => {
      const mesh = await startLiveMesh();
      try {
        await mesh.put("mesh.yaml", onlyV1(mesh.meshYaml));
        await mesh.put("policy.yaml", testersPolicy("v2"));
        const envoy = await mesh.envoy("steered", { variant });
        await mesh.inSync("steered");
        await waitFor("the policy in force", async () => (await versionOf(envoy.port, tester)) === "v2");
        assert.equal(await versionOf(envoy.port), "v1");
        const load = startLoad(envoy.port, 500, {
          headers: tester,
          check: (body) => (/"version":"v[23]"/.test(body) ? undefined : body),
        });
        for (let change = 0; change < 10; change++) {
          await delay(200);
          await mesh.put("policy.yaml", testersPolicy(change % 2 === 0 ? "v3" : "v2"));
          await mesh.inSync("steered");
        }
        await delay(200);
        const { sent, failures } = await load.stop();
        assert.deepEqual(failures, []);
        assert.ok(sent > 1_000, `only ${sent} requests were sent`);
        await assertNothingDrained(envoy);
      } finally {
        await mesh.close();
      }
    });
  }
});

function onlyV1(yaml: string): string {
  return yaml
    .replace(/^ {4}- destination:\n.*\n {8}subset: v2\n {6}weight: 50\n/m, "")
    .replace("      weight: 50\n", "");
}

describe("a change of a cluster alone", () => {
  for (const variant of variants) {
    test(`${variant}: its timeout is in force without waiting for endpoints that never come`, async () => {
      const mesh = await startLiveMesh();
      try {
        const envoy = await mesh.envoy("tuned", { variant });
        await mesh.inSync("tuned");
        await mesh.put(
          "mesh.yaml",
          mesh.meshYaml.replace("maxConnections: 100", "maxConnections: 100\n          connectTimeout: 3s"),
        );
        await mesh.inSync("tuned");
        // A cluster that is not told of its endpoints again warms for 15 s.
        const active = "/config_dump?resource=dynamic_active_clusters";
        await waitFor(
          "3 s in force",
          async () => (await envoy.admin(active)).includes('"connect_timeout": "3s"'),
          5_000,
        );
        const timeouts = await stats(envoy, "init_fetch_timeout$");
        for (const [name, value] of Object.entries(timeouts)) assert.equal(value, 0, name);
      } finally {
        await mesh.close();
      }
    });
  }
});
