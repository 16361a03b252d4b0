// The fields that tests/fields.test.ts walks are those that a real API server has for Istio and the Gateway API.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { projectRoot } from "../../envoy/root.ts";
import { type Definition, type Fields, fieldsOf } from "../support/definitions.ts";
import { type Lab, startLab } from "./lab.ts";

let lab: Lab;
before(async () => {
  lab = await startLab({ services: [], istiod: false });
});
after(() => lab?.close());

test("the API server's definitions have the fields of the list, and no others", async () => {
  const { status, body } = await lab.kubernetes.api.call(
    "GET",
    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
  );
  assert.equal(status, 200);
  const served = fieldsOf((body as unknown as { items: Definition[] }).items);
  const listed: Fields = JSON.parse(
    readFileSync(join(projectRoot, "tests/fixtures/istio-fields.json"), "utf8"),
  );
  assert.deepEqual(served, listed);
});
