import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { create, fromBinary, type JsonObject, toBinary } from "@bufbuild/protobuf";
import { NodeSchema } from "../../build/envoy-api/envoy/config/core/v3/base_pb.ts";
import {
  DeltaDiscoveryRequestSchema,
  DeltaDiscoveryResponseSchema,
  DiscoveryRequestSchema,
  DiscoveryResponseSchema,
} from "../../build/envoy-api/envoy/service/discovery/v3/discovery_pb.ts";
import { typeUrls, type XdsResource } from "../model.ts";
import { identify } from "./node.ts";
import type { DiscoveryResponse } from "./protocol.ts";
import { readDeltaRequest, readSotwRequest, writeResponse } from "./wire.ts";

function resource(name: string, ...value: number[]): XdsResource {
  return {
    name,
    typeUrl: typeUrls.cluster,
    version: `v-${name}`,
    value: Uint8Array.from(value),
    clusters: [],
  };
}

const response: DiscoveryResponse = {
  typeUrl: typeUrls.cluster,
  nonce: "7",
  version: "abc",
  resources: [resource("a", 1, 2, 3), resource("é", 4)],
  removed: ["gone"],
};

describe("responses", () => {
  test("state of the world reads as Envoy's message", () => {
    const message = fromBinary(DiscoveryResponseSchema, writeResponse(response, "sotw"));
    assert.deepEqual(
      [message.versionInfo, message.typeUrl, message.nonce, message.controlPlane],
      ["abc", typeUrls.cluster, "7", undefined],
    );
    assert.deepEqual(
      message.resources.map((any) => [any.typeUrl, [...any.value]]),
      [
        [typeUrls.cluster, [1, 2, 3]],
        [typeUrls.cluster, [4]],
      ],
    );
  });

  test("delta reads as Envoy's message", () => {
    const message = fromBinary(DeltaDiscoveryResponseSchema, writeResponse(response, "delta"));
    assert.deepEqual(
      [message.systemVersionInfo, message.typeUrl, message.nonce, message.removedResources],
      ["abc", typeUrls.cluster, "7", ["gone"]],
    );
    assert.deepEqual(
      message.resources.map((one) => [
        one.name,
        one.version,
        one.resource?.typeUrl,
        [...(one.resource?.value ?? [])],
      ]),
      [
        ["a", "v-a", typeUrls.cluster, [1, 2, 3]],
        ["é", "v-é", typeUrls.cluster, [4]],
      ],
    );
  });
});

describe("requests", () => {
  test("state of the world", () => {
    const bytes = toBinary(
      DiscoveryRequestSchema,
      create(DiscoveryRequestSchema, {
        node: { id: "n" },
        typeUrl: typeUrls.routes,
        resourceNames: ["a"],
        versionInfo: "v",
        responseNonce: "3",
        errorDetail: { message: "no" },
      }),
    );
    const { node, request } = readSotwRequest(bytes);
    assert.equal(node?.id, "n");
    assert.deepEqual(request, {
      typeUrl: typeUrls.routes,
      nonce: "3",
      names: ["a"],
      versionInfo: "v",
      error: "no",
    });
  });

  test("delta", () => {
    const bytes = toBinary(
      DeltaDiscoveryRequestSchema,
      create(DeltaDiscoveryRequestSchema, {
        typeUrl: typeUrls.endpoints,
        resourceNamesSubscribe: ["a"],
        resourceNamesUnsubscribe: ["b"],
        initialResourceVersions: { c: "1" },
      }),
    );
    const { node, request } = readDeltaRequest(bytes);
    assert.equal(node, undefined);
    assert.deepEqual(request, {
      typeUrl: typeUrls.endpoints,
      nonce: "",
      subscribe: ["a"],
      unsubscribe: ["b"],
      initialVersions: { c: "1" },
    });
  });

  test("of a type that is not served", () => {
    const message = create(DiscoveryRequestSchema, { typeUrl: "type.googleapis.com/some.Thing" });
    assert.equal(readSotwRequest(toBinary(DiscoveryRequestSchema, message)).request, undefined);
  });
});

describe("identity", () => {
  test("from Istio's metadata and Envoy's build version", () => {
    const node = create(NodeSchema, {
      id: "edge-1",
      cluster: "edge",
      metadata: { ROLE: "sidecar", NAMESPACE: "ficool", LABELS: { app: "search", count: 3 } },
      userAgentVersionType: {
        case: "userAgentBuildVersion",
        value: { version: { majorNumber: 1, minorNumber: 36, patch: 2 } },
      },
    });
    assert.deepEqual(identify(node), {
      id: "edge-1",
      cluster: "edge",
      role: "sidecar",
      namespace: "ficool",
      labels: { app: "search" },
      envoyVersion: "1.36.2",
    });
  });

  test("a sidecar says where it listens; what is no address is passed over", () => {
    const inbound = ["10.0.0.5:8080=127.0.0.1:8081", "[::1]:1=[::1]:2", "x", "a:1", 7];
    const sidecarWith = (metadata: JsonObject) => identify(create(NodeSchema, { metadata })).sidecar;
    assert.deepEqual(sidecarWith({ ROLE: "sidecar", OUTBOUND: "127.0.0.1:15001", INBOUND: inbound }), {
      outbound: { host: "127.0.0.1", port: 15_001 },
      inbound: [
        { host: "10.0.0.5", port: 8080, to: { host: "127.0.0.1", port: 8081 } },
        { host: "::1", port: 1, to: { host: "::1", port: 2 } },
      ],
    });
    assert.equal(sidecarWith({ ROLE: "sidecar", INBOUND: inbound }), undefined);
    assert.equal(sidecarWith({ OUTBOUND: "127.0.0.1:99999" }), undefined);
  });

  test("a node that says nothing is the folder's gateway", () => {
    for (const node of [
      undefined,
      create(NodeSchema, { metadata: { ROLE: 1, LABELS: ["x"], NAMESPACE: null } }),
    ]) {
      assert.deepEqual(identify(node), {
        id: "",
        cluster: "",
        role: "gateway",
        namespace: "",
        labels: {},
        envoyVersion: "",
      });
    }
  });
});
