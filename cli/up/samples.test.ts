import assert from "node:assert/strict";
import { createServer } from "node:net";
import { test } from "node:test";
import type { Resource } from "../../server/model.ts";
import { freePorts } from "./free-ports.ts";
import { instancesOf, startSamples } from "./samples.ts";

const entry = (spec: object): Resource => ({
  group: "networking.istio.io",
  version: "v1",
  kind: "ServiceEntry",
  namespace: "shop",
  name: "search",
  labels: {},
  annotations: {},
  spec,
  position: () => ({ file: "mesh.yaml", line: 1, column: 1 }),
});

const own = { service: "search", namespace: "shop" };

const ports = [{ name: "http", number: 80, protocol: "HTTP" }];

test("one instance for every loopback endpoint, once each", () => {
  const resources = [
    entry({
      ports,
      endpoints: [
        { address: "127.0.0.1", ports: { http: 18081 }, labels: { version: "v1" } },
        { address: "127.0.0.2", ports: { http: 18081 } },
        { address: "10.0.0.1", ports: { http: 18081 }, labels: { version: "remote" } },
        { address: "127.0.0.1.example.com", ports: { http: 18082 } },
      ],
    }),
    entry({
      ports,
      endpoints: [{ address: "127.0.0.1", ports: { http: 18081 }, labels: { version: "v1" } }],
    }),
    { ...entry({}), kind: "VirtualService" },
  ];
  assert.deepEqual(instancesOf(resources), [
    { ...own, host: "127.0.0.1", port: 18081, labels: { version: "v1" }, version: "v1" },
    { ...own, host: "127.0.0.2", port: 18081, labels: {}, version: "search" },
  ]);
});

test("an endpoint without ports of its own has the target port, else the service's", () => {
  const of = (extra: object) =>
    instancesOf([entry({ ports: [{ ...ports[0], ...extra }], endpoints: [{ address: "::1" }] })])[0]?.port;
  assert.equal(of({ targetPort: 8080 }), 8080);
  assert.equal(of({}), 80);
});

test("instances answer with their version and with what reached them", async () => {
  const [port = 0] = await freePorts(1);
  const samples = await startSamples([{ ...own, host: "127.0.0.1", port, labels: {}, version: "v7" }]);
  try {
    const response = await fetch(`http://127.0.0.1:${port}/find?q=1`, {
      method: "POST",
      body: "hello",
      headers: { uid: "0", connection: "close" },
    });
    const { headers, ...rest } = (await response.json()) as { headers: Record<string, string> };
    assert.deepEqual(rest, {
      service: "search",
      version: "v7",
      method: "POST",
      path: "/find?q=1",
      body: "hello",
    });
    assert.equal(headers.uid, "0");
    assert.equal(response.headers.get("x-version"), "v7");
  } finally {
    await samples.close();
  }
});

test("a taken port is named with the remedy", async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
  const { port } = taken.address() as { port: number };
  try {
    await assert.rejects(
      startSamples([{ ...own, host: "127.0.0.1", port, labels: {}, version: "v1" }]),
      new RegExp(
        `search v1 cannot listen on 127.0.0.1:${port}: port ${port} is taken; .*--no-sample-services`,
      ),
    );
  } finally {
    taken.close();
  }
});
