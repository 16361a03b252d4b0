import assert from "node:assert/strict";
import { test } from "node:test";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { RouteConfigurationSchema } from "../../build/envoy-api/envoy/config/route/v3/route_pb.ts";
import type { RouteSchema } from "../../build/envoy-api/envoy/config/route/v3/route_components_pb.ts";
import { typeUrls, type XdsResource } from "../model.ts";
import { interimRoutes } from "./interim.ts";

type RouteInit = MessageInitShape<typeof RouteSchema>;

function derived(prefix: string, destination: string, cluster: string): RouteInit {
  return {
    name: "base",
    match: {
      pathSpecifier: { case: "prefix", value: prefix },
      headers: [
        {
          name: "x-sluice-destination",
          headerMatchSpecifier: {
            case: "stringMatch",
            value: { matchPattern: { case: "exact", value: `base/${destination}` } },
          },
        },
      ],
    },
    action: { case: "route", value: { clusterSpecifier: { case: "cluster", value: cluster } } },
  };
}

const base: RouteInit = { name: "base", match: { pathSpecifier: { case: "prefix", value: "/" } } };

function table(version: string, hosts: Record<string, RouteInit[]>): XdsResource {
  const message = create(RouteConfigurationSchema, {
    name: "mesh",
    virtualHosts: Object.entries(hosts).map(([name, routes]) => ({ name, domains: [name], routes })),
  });
  const value = toBinary(RouteConfigurationSchema, message);
  return { name: "mesh", typeUrl: typeUrls.routes, version, value, clusters: [version] };
}

function clustersOf(resource: XdsResource | undefined, host: string): string[] {
  const message = fromBinary(RouteConfigurationSchema, resource?.value ?? new Uint8Array());
  const routes = message.virtualHosts.find((one) => one.name === host)?.routes ?? [];
  return routes.map(({ action, name }) =>
    action.case === "route" ? String(action.value.clusterSpecifier.value) : name,
  );
}

test("keeps the old derived routes in front, and only those that the new table lacks", () => {
  const old = table("old", { a: [derived("/", "v1", "c1"), derived("/", "v2", "c2"), base], b: [base] });
  const next = table("next", {
    a: [derived("/", "v2", "c2-new"), derived("/", "v3", "c3"), base],
    b: [base],
  });
  const interim = interimRoutes(old, next);
  assert.deepEqual(clustersOf(interim, "a"), ["c1", "c2-new", "c3", "base"]);
  assert.deepEqual(clustersOf(interim, "b"), ["base"]);
  assert.notEqual(interim?.version, next.version);
  assert.deepEqual(interim?.clusters, ["old", "next"]);
});

test("the same destination on another path is another route", () => {
  const old = table("old", { a: [derived("/x", "v1", "c1"), base] });
  const next = table("next", { a: [derived("/y", "v1", "c1"), base] });
  assert.deepEqual(clustersOf(interimRoutes(old, next), "a"), ["c1", "c1", "base"]);
});

test("is not needed where nothing is lost, or the virtual host is gone", () => {
  const old = table("old", { a: [derived("/", "v1", "c1"), base] });
  assert.equal(interimRoutes(old, table("next", { a: [derived("/", "v1", "c9"), base] })), undefined);
  assert.equal(interimRoutes(old, table("next", { b: [base] })), undefined);
  assert.equal(interimRoutes(table("old", { a: [base] }), table("next", { a: [] })), undefined);
});
