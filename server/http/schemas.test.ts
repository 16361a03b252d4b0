// Every kind's schema is served, found by the index, and chosen by kind in a file that mixes them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Ajv } from "ajv";
import { Hono } from "hono";
import { type SchemaIndex, schemaRoutes } from "./schemas.ts";

const app = new Hono().route("/", schemaRoutes());
const get = async (path: string) => (await app.request(path)).json() as Promise<unknown>;

test("the index names each, and each compiles", async () => {
  const index = (await get("/schemas/index.json")) as SchemaIndex;
  assert.deepEqual(await get("/schemas/"), index);
  const ajv = new Ajv({ strict: false, validateFormats: false });
  for (const { url } of index.schemas) ajv.addSchema((await get(url)) as object);
  const check = ajv.compile((await get(index.all)) as object);
  const policy = {
    apiVersion: "sluice.traffic/v1alpha1",
    kind: "RateLimitPolicy",
    metadata: { name: "a" },
    spec: { limits: [{ name: "all", requests: 1, per: "1s" }] },
  };
  assert.equal(check(policy), true);
  assert.equal(check({ ...policy, spec: { limits: [{ name: "all", requests: 1, per: "soon" }] } }), false);
  assert.equal(check({ apiVersion: "v1", kind: "ConfigMap", data: {} }), true);
  const kinds = index.schemas.map(({ kind }) => kind);
  assert.deepEqual(kinds.slice(0, 2), ["VirtualService", "DestinationRule"]);
});

test("a kind that there is not is not found", async () => {
  assert.equal((await app.request("/schemas/Sidecar.json")).status, 404);
});
