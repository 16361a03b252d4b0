// The same bytes as toBinary for every kind of field, and for what the server sends.

import assert from "node:assert/strict";
import { test } from "node:test";
import { create, type DescMessage, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { DurationSchema, FileDescriptorProtoSchema, ValueSchema } from "@bufbuild/protobuf/wkt";
import { ClusterSchema } from "../../build/envoy-api/envoy/config/cluster/v3/cluster_pb.ts";
import { NodeSchema } from "../../build/envoy-api/envoy/config/core/v3/base_pb.ts";
import {
  RouteActionSchema,
  RouteMatchSchema,
  RouteSchema,
} from "../../build/envoy-api/envoy/config/route/v3/route_components_pb.ts";
import { MetadataSchema } from "../../build/envoy-api/envoy/config/core/v3/base_pb.ts";
import { Int64RangeSchema } from "../../build/envoy-api/envoy/type/v3/range_pb.ts";
import { resourcesOf } from "../fixture.ts";
import { compileMesh } from "../istio/mesh.ts";
import { encodeMessage } from "./encode.ts";

const same = <Desc extends DescMessage>(schema: Desc, message: MessageShape<Desc>): void =>
  assert.deepEqual(encodeMessage(schema, message), toBinary(schema, message));

const long = "ü".repeat(40) + "x".repeat(20_000);

const cases: [string, () => void][] = [
  ["nothing", () => same(RouteSchema, create(RouteSchema))],
  [
    "texts, short, long, beyond ASCII",
    () => same(RouteSchema, create(RouteSchema, { name: long, statPrefix: "é" })),
  ],
  [
    "a text of 64, and of 65 bytes",
    () => {
      for (const n of [63, 64, 65, 127, 128, 16_383, 16_384])
        same(RouteSchema, create(RouteSchema, { name: "x".repeat(n) }));
    },
  ],
  ["a lone surrogate", () => same(RouteSchema, create(RouteSchema, { name: "a\ud800b" }))],
  [
    "64-bit numbers",
    () => {
      for (const n of [0n, 1n, 127n, 128n, -1n, 2n ** 63n - 1n, -(2n ** 63n)]) {
        same(Int64RangeSchema, create(Int64RangeSchema, { start: n, end: n }));
      }
    },
  ],
  ["a negative int32", () => same(DurationSchema, create(DurationSchema, { seconds: -1n, nanos: -5 }))],
  [
    "wrappers, of the zero value too",
    () => {
      for (const caseSensitive of [true, false])
        same(RouteMatchSchema, create(RouteMatchSchema, { caseSensitive }));
      same(ClusterSchema, create(ClusterSchema, { perConnectionBufferLimitBytes: 0 }));
      same(ClusterSchema, create(ClusterSchema, { perConnectionBufferLimitBytes: 0xffff_ffff }));
    },
  ],
  [
    "members of a oneof, zero too",
    () => {
      for (const numberValue of [0, -0, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
        same(ValueSchema, create(ValueSchema, { kind: { case: "numberValue", value: numberValue } }));
      }
      same(ValueSchema, create(ValueSchema, { kind: { case: "stringValue", value: "" } }));
      same(ValueSchema, create(ValueSchema, { kind: { case: "boolValue", value: false } }));
    },
  ],
  [
    "maps",
    () =>
      same(MetadataSchema, create(MetadataSchema, { typedFilterMetadata: { b: {}, a: { typeUrl: "x" } } })),
  ],
  [
    "a Struct",
    () => same(MetadataSchema, create(MetadataSchema, { filterMetadata: { f: { a: [1, null, "x"] } } })),
  ],
  ["JSON of a node", () => same(NodeSchema, create(NodeSchema, { id: "a", metadata: { ROLE: "gateway" } }))],
  [
    "packed numbers",
    () => {
      const retryPolicy = { retriableStatusCodes: [503, 0, 70_000] };
      same(RouteActionSchema, create(RouteActionSchema, { retryPolicy }));
    },
  ],
  [
    "unknown fields",
    () => {
      const message = create(RouteSchema, { name: "x" });
      message.$unknown = [{ no: 4_000, wireType: 0, data: new Uint8Array([1]) }];
      same(RouteSchema, message);
    },
  ],
  [
    "proto2",
    () => same(FileDescriptorProtoSchema, create(FileDescriptorProtoSchema, { name: "x", package: "" })),
  ],
];

for (const [name, check] of cases) test(name, check);

test("a value out of range is refused as toBinary refuses it", () => {
  const message = create(RouteActionSchema, { retryPolicy: { retriableStatusCodes: [-1] } });
  assert.throws(() => encodeMessage(RouteActionSchema, message), /invalid uint32/);
  same(RouteSchema, create(RouteSchema, { name: "after" }));
});

test("what a folder becomes", async () => {
  const resources = await resourcesOf(`
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: a}
spec:
  hosts: [a.default.svc.cluster.local]
  ports: [{number: 80, name: http, protocol: HTTP2}]
  resolution: STATIC
  endpoints: [{address: 10.0.0.1, labels: {version: v1}}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: a}
spec:
  hosts: [a]
  http:
  - match: [{uri: {regex: "/a.*"}, headers: {x: {exact: "1"}, y: {}}, withoutHeaders: {z: {prefix: p}}, queryParams: {q: {exact: v}}}]
    timeout: 1.5s
    retries: {attempts: 3, retryOn: "5xx,503"}
    headers: {request: {set: {b: c}, remove: [d]}}
    route: [{destination: {host: a}}]
  - match: [{uri: {exact: /old}}]
    redirect: {uri: /new, redirectCode: 307}
  - directResponse: {status: 404, body: {string: none}}
`);
  const { mesh } = compileMesh(
    resources,
    { host: "127.0.0.1", port: 1 },
    { namespace: undefined, labels: undefined },
  );
  for (const { message } of mesh.clusters.values()) same(ClusterSchema, message);
  const routes = mesh.listeners.flatMap((l) => l.virtualHosts.flatMap((v) => v.routes));
  assert.equal(routes.length, 3);
  for (const { message } of routes) same(RouteSchema, message);
});
