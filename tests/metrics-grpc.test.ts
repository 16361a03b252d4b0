// gRPC in the request metrics: the status is in the trailers, the response's code is 200 all the same.

import assert from "node:assert/strict";
import { once } from "node:events";
import {
  type ClientHttp2Session,
  connect,
  createServer,
  type Http2Server,
  type ServerHttp2Session,
} from "node:http2";
import type { AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import { startTestMesh, type TestMesh } from "./support/mesh.ts";
import { samples, sumBy } from "./support/prometheus.ts";
import { waitFor } from "./support/wait.ts";

const host = "calls.demo.svc.cluster.local";

const yaml = (port: number): string => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {namespace: demo, name: calls}
spec:
  hosts: [${host}]
  http: [{name: calls, route: [{destination: {host: ${host}}}]}]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {namespace: demo, name: calls}
spec:
  hosts: [${host}]
  ports: [{number: 80, name: grpc, protocol: GRPC}]
  resolution: STATIC
  endpoints: [{address: 127.0.0.1, ports: {grpc: ${port}}}]
---
apiVersion: sluice.traffic/v1alpha1
kind: MetricsPolicy
metadata: {namespace: demo, name: calls}
spec:
  names: [sluice, istio]
  dimensions: [{name: grpc_status, grpcStatus: {}}]
`;

/** A service that ends each call with the status that its path names: /test.Calls/STATUS. */
async function startCalls(): Promise<{ port: number; close(): void }> {
  const server: Http2Server = createServer();
  const sessions = new Set<ServerHttp2Session>();
  server.on("session", (session) => sessions.add(session));
  server.on("stream", (stream, headers) => {
    const status = String(headers[":path"]).split("/")[2] ?? "2";
    stream.on("error", () => {}).resume();
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": status }));
    stream.end(Buffer.from([0, 0, 0, 0, 0]));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      for (const session of sessions) session.destroy();
      server.close();
    },
  };
}

describe("gRPC", () => {
  let service: { port: number; close(): void };
  let mesh: TestMesh;
  let session: ClientHttp2Session;
  before(async () => {
    service = await startCalls();
    mesh = await startTestMesh({ files: { "calls.yaml": yaml(service.port) }, services: [] });
    session = connect(`http://127.0.0.1:${mesh.port}`);
  });
  after(async () => {
    session?.destroy();
    await mesh?.close();
    service?.close();
  });

  /** The status that the client sees. */
  async function call(status: number): Promise<string> {
    const stream = session.request({
      ":method": "POST",
      ":path": `/test.Calls/${status}`,
      ":authority": host,
      "content-type": "application/grpc",
      te: "trailers",
    });
    stream.resume().end(Buffer.from([0, 0, 0, 0, 0]));
    const [trailers] = await once(stream, "trailers");
    if (!stream.closed) await once(stream, "close");
    return String(trailers["grpc-status"]);
  }

  test("calls are counted by the status that the client saw", async () => {
    const sent = [...Array<number>(50).fill(0), ...Array<number>(7).fill(8), 14, 16, 99];
    for (const status of sent) assert.equal(await call(status), String(status));
    await waitFor("all are counted", async () => {
      const list = samples(await mesh.envoy.admin("/stats/prometheus"), "sluice_requests_total");
      return list.reduce((sum, { value }) => sum + value, 0) === sent.length;
    });
    const page = await mesh.envoy.admin("/stats/prometheus");
    const ours = samples(page, "sluice_requests_total");
    assert.deepEqual(sumBy(ours, "grpc_status"), {
      OK: 50,
      ResourceExhausted: 7,
      Unavailable: 1,
      Unauthenticated: 1,
      // 99 is no status: to Envoy the call has none.
      "-": 1,
    });
    assert.deepEqual(sumBy(ours, "response_code"), { 200: sent.length });
    const istio = samples(page, "istio_requests_total");
    assert.deepEqual(sumBy(istio, "grpc_response_status"), { 0: 50, 8: 7, 14: 1, 16: 1, "": 1 });
    assert.deepEqual(sumBy(istio, "request_protocol"), { grpc: sent.length });
  });
});
