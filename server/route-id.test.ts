import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fromBinary } from "@bufbuild/protobuf";
import { RouteSchema } from "../build/envoy-api/envoy/config/route/v3/route_components_pb.ts";
import { routeId, routeIdField } from "./route-id.ts";

/** FNV-1a as it is written. */
function plain(virtualHost: string, route: string): number {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(`${virtualHost}\n${route}`))
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return Number(hash >> 12n) || 1;
}

describe("a route's identity", () => {
  for (const [virtualHost, route] of [
    ["", ""],
    ["shop.demo.svc.cluster.local:80", "v1.only"],
    ["größe:1", "\u{1f600}"],
    ["x".repeat(300), "y".repeat(300)],
  ] as const) {
    test(`of ${virtualHost.slice(0, 20)} ${route.slice(0, 20)} is FNV-1a's`, () => {
      assert.equal(routeId(virtualHost, route), plain(virtualHost, route));
    });
  }

  test("stands in the route's metadata", () => {
    const { metadata } = fromBinary(RouteSchema, routeIdField("a:80", "b"));
    assert.deepEqual(metadata?.filterMetadata, { sluice: { id: routeId("a:80", "b") } });
  });
});
