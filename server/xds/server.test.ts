// The gRPC edge with a gRPC client: both methods, what is counted and reported, and TLS.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { promisify } from "node:util";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { Client, type ClientDuplexStream, credentials } from "@grpc/grpc-js";
import {
  type DeltaDiscoveryResponse,
  DeltaDiscoveryRequestSchema,
  DeltaDiscoveryResponseSchema,
} from "../../build/envoy-api/envoy/service/discovery/v3/discovery_pb.ts";
import { waitFor } from "../../tests/support/wait.ts";
import { type Snapshot, type SnapshotSource, type TypeUrl, typeUrls, type XdsResource } from "../model.ts";
import { startXdsServer, type TlsFiles, type XdsServer } from "./server.ts";

const path = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources";

class Source implements SnapshotSource {
  snapshot: Snapshot | undefined;
  readonly #subscribers = new Set<() => void>();

  current(): Snapshot | undefined {
    return this.snapshot;
  }

  subscribe(onChange: () => void): () => void {
    this.#subscribers.add(onChange);
    return () => this.#subscribers.delete(onChange);
  }

  get subscriberCount(): number {
    return this.#subscribers.size;
  }

  publish(version: string): void {
    const value = new Uint8Array(8);
    const cluster: XdsResource = { name: "a", typeUrl: typeUrls.cluster, version, value, clusters: [] };
    const clusters = new Map([["a", cluster]]);
    this.snapshot = {
      version,
      resources: new Map<TypeUrl, Map<string, XdsResource>>([[typeUrls.cluster, clusters]]),
    };
    for (const onChange of this.#subscribers) onChange();
  }
}

type Request = MessageInitShape<typeof DeltaDiscoveryRequestSchema>;

class TestProxy {
  readonly received: DeltaDiscoveryResponse[] = [];
  readonly #client: Client;
  readonly #call: ClientDuplexStream<Request, DeltaDiscoveryResponse>;
  failure: Error | undefined;

  constructor(address: string, channel = credentials.createInsecure()) {
    this.#client = new Client(address, channel);
    this.#call = this.#client.makeBidiStreamRequest<Request, DeltaDiscoveryResponse>(
      path,
      (request) =>
        Buffer.from(toBinary(DeltaDiscoveryRequestSchema, create(DeltaDiscoveryRequestSchema, request))),
      (bytes) => fromBinary(DeltaDiscoveryResponseSchema, bytes),
    );
    this.#call.on("data", (response: DeltaDiscoveryResponse) => this.received.push(response));
    this.#call.on("error", (error) => {
      this.failure = error;
    });
  }

  send(request: Request): void {
    this.#call.write({ typeUrl: typeUrls.cluster, ...request });
  }

  async next(count: number): Promise<DeltaDiscoveryResponse> {
    return waitFor(`response ${count}`, () => this.received[count - 1]);
  }

  close(): void {
    this.#call.cancel();
    this.#client.close();
  }
}

describe("the discovery service", () => {
  test("pushes, records ACK and NACK with the reason, and forgets who has gone", async () => {
    const source = new Source();
    source.publish("v1");
    const nacks: string[] = [];
    const server = await startXdsServer({
      source,
      host: "127.0.0.1",
      port: 0,
      events: { onNack: (node, _type, error) => nacks.push(`${node.id}: ${error}`) },
    });
    const proxies = ["one", "two"].map((id) => {
      const proxy = new TestProxy(`127.0.0.1:${server.port}`);
      proxy.send({ node: { id } });
      return proxy;
    });
    const [one, two] = proxies;
    assert.ok(one && two);
    try {
      for (const proxy of proxies) proxy.send({ responseNonce: (await proxy.next(1)).nonce });
      await waitFor("both acknowledged", () => server.states().every((state) => state.version === "v1"));
      assert.deepEqual(
        server.states().map((state) => [state.node.id, state.variant]),
        [
          ["one", "delta"],
          ["two", "delta"],
        ],
      );

      source.publish("v2");
      one.send({ responseNonce: (await one.next(2)).nonce });
      two.send({ responseNonce: (await two.next(2)).nonce, errorDetail: { message: "bad cluster" } });
      await waitFor("the refusal", () => server.proxies.counts().get(typeUrls.cluster)?.nacks === 1);
      await waitFor("the other's ACK", () => server.states()[0]?.version === "v2");
      assert.deepEqual(server.states()[1]?.types[typeUrls.cluster], {
        acknowledged: "v1",
        sent: "v2",
        state: "nacked",
        error: "bad cluster",
      });
      assert.equal(server.states()[1]?.version, "v1");
      assert.deepEqual(nacks, ["two: bad cluster"]);
      assert.deepEqual(server.proxies.counts().get(typeUrls.cluster), {
        responses: 4,
        resources: 4,
        removals: 0,
        acks: 3,
        nacks: 1,
      });

      two.close();
      await waitFor("one is left", () => server.states().length === 1 && source.subscriberCount === 1);
    } finally {
      for (const proxy of proxies) proxy.close();
      await server.close();
    }
  });

  test("a node whose configuration cannot be made ends its own stream only", async () => {
    const source = new Source();
    source.publish("v1");
    const failures: string[] = [];
    const brittle: SnapshotSource = {
      current: (node) => {
        if (node.id === "odd") throw new Error("no configuration for odd");
        return source.current();
      },
      subscribe: (onChange) => source.subscribe(onChange),
    };
    const server = await startXdsServer({
      source: brittle,
      host: "127.0.0.1",
      port: 0,
      events: { onFailure: (node, error) => failures.push(`${node?.id ?? "unknown"}: ${error}`) },
    });
    const odd = new TestProxy(`127.0.0.1:${server.port}`);
    const good = new TestProxy(`127.0.0.1:${server.port}`);
    try {
      odd.send({ node: { id: "odd" } });
      await waitFor("the stream's end", () => odd.failure);
      good.send({ node: { id: "good" } });
      assert.equal((await good.next(1)).resources.length, 1);
      assert.deepEqual(failures, ["odd: Error: no configuration for odd"]);
      assert.deepEqual(
        server.states().map((state) => state.node.id),
        ["good"],
      );
    } finally {
      odd.close();
      good.close();
      await server.close();
    }
  });

  test("a port that is taken is an error", async () => {
    const source = new Source();
    const server = await startXdsServer({ source, host: "127.0.0.1", port: 0 });
    try {
      await assert.rejects(startXdsServer({ source, host: "127.0.0.1", port: server.port }));
    } finally {
      await server.close();
    }
  });
});

describe("TLS", async () => {
  const directory = await mkdtemp(join(tmpdir(), "sluice-tls-"));
  after(() => rm(directory, { recursive: true, force: true }));
  const file = (name: string): string => join(directory, name);

  /** Self-signed: each is its own authority. */
  const makeCertificate = async (name: string): Promise<void> => {
    const subject = ["-subj", `/CN=${name}`, "-addext", "subjectAltName=DNS:localhost"];
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"];
    const out = ["-keyout", file(`${name}.key`), "-out", file(`${name}.pem`)];
    await promisify(execFile)("openssl", ["req", "-x509", ...key, ...subject, ...out]);
  };

  const start = async (source: Source, tls: TlsFiles): Promise<XdsServer> =>
    startXdsServer({ source, host: "127.0.0.1", port: 0, tls });

  test("with a client's authority, only proxies whose certificate it signed are let in", async () => {
    for (const name of ["server", "proxy", "stranger"]) await makeCertificate(name);
    const source = new Source();
    source.publish("v1");
    const server = await start(source, {
      certificate: file("server.pem"),
      key: file("server.key"),
      clientCa: file("proxy.pem"),
    });
    const authority = await readFile(file("server.pem"));
    const channelOf = async (name: string) =>
      credentials.createSsl(
        authority,
        await readFile(file(`${name}.key`)),
        await readFile(file(`${name}.pem`)),
      );
    const address = `localhost:${server.port}`;
    const opened: TestProxy[] = [];
    try {
      const friend = new TestProxy(address, await channelOf("proxy"));
      opened.push(friend);
      friend.send({ node: { id: "friend" } });
      assert.equal((await friend.next(1)).resources.length, 1);
      for (const channel of [await channelOf("stranger"), credentials.createSsl(authority), undefined]) {
        const refused = new TestProxy(address, channel);
        opened.push(refused);
        refused.send({ node: { id: "refused" } });
        await waitFor("the refusal", () => refused.failure);
        assert.deepEqual(refused.received, []);
      }
    } finally {
      for (const proxy of opened) proxy.close();
      await server.close();
    }
  });
});
