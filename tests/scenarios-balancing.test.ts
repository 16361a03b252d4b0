// The examples of balancing, as their READMEs tell them, and what DestinationRules do to traffic beside: all in
// one Envoy, which runs in eu/de/a.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Examples, startExamples } from "./support/examples.ts";

const examples = ["circuit-breaking", "locality", "sticky-hash", "egress", "health-checks"] as const;

let mesh: Examples;
before(async () => {
  mesh = await startExamples(examples, { locality: "eu/de/a" });
});
after(() => mesh?.close());

for (const name of examples) {
  test(`examples/${name} does what its README says`, async () => {
    assert.ok((await mesh.follow(name)) >= 4);
  });
}
