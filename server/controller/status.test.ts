import assert from "node:assert/strict";
import { test } from "node:test";
import { isDerived, readObject, readService } from "./objects.ts";
import { type Condition, newConditions } from "./status.ts";

const accepted = { status: "True", reason: "Accepted", message: "" } as const;
const programmed = { status: "True", reason: "Programmed", message: "applied" } as const;
const object = (generation: number, conditions: readonly Condition[] = []) => ({
  metadata: { name: "p", generation },
  status: { conditions },
});

test("conditions are written once, and again when the generation or what they say has changed", () => {
  const first = newConditions(object(1), accepted, programmed, "2030-01-01T00:00:00Z");
  assert.deepEqual(
    first?.map(({ type, observedGeneration }) => [type, observedGeneration]),
    [
      ["Accepted", 1],
      ["Programmed", 1],
    ],
  );
  assert.equal(newConditions(object(1, first), accepted, programmed, "2030-01-01T00:01:00Z"), undefined);
  const second = newConditions(object(2, first), accepted, programmed, "2030-01-01T00:02:00Z");
  assert.equal(second?.[0]?.observedGeneration, 2);
  assert.equal(second?.[0]?.lastTransitionTime, "2030-01-01T00:00:00Z");
  const refused = { status: "False", reason: "Invalid", message: "no" } as const;
  const third = newConditions(object(2, second), refused, programmed, "2030-01-01T00:03:00Z");
  assert.equal(third?.[0]?.lastTransitionTime, "2030-01-01T00:03:00Z");
});

test("a VirtualService is read without the routes that were derived before", () => {
  const base = { name: "a", route: [{ destination: { host: "b" } }] };
  const derived = { ...base, match: [{ headers: { "x-sluice-destination": { exact: "a/v3" } } }] };
  assert.equal(isDerived(derived), true);
  const spec = { hosts: ["h.example"], http: [derived, base] };
  const { resource, problems } = readObject({
    apiVersion: "networking.istio.io/v1",
    kind: "VirtualService",
    metadata: { name: "v", namespace: "n" },
    spec,
  });
  assert.deepEqual(problems, []);
  const { http } = (resource ?? { spec }).spec as typeof spec;
  assert.deepEqual(http, [base]);
  assert.equal(spec.http.length, 2);
});

test("what does not pass its schema is told as validate tells it", () => {
  const { resource, problems } = readObject({
    apiVersion: "sluice.traffic/v1alpha1",
    kind: "RateLimitPolicy",
    metadata: { name: "p" },
    spec: { limits: [{ name: "a", requests: 0, per: "1s" }] },
  });
  assert.equal(resource, undefined);
  assert.match(problems.join(), /spec\.limits\[0\]\.requests/);
});

test("of a Service host and TCP ports are read", () => {
  const ports = [{ port: 80, name: "http" }, { port: 53, protocol: "UDP" }, { port: 9000 }];
  const service = readService({ metadata: { name: "s", namespace: "n" }, spec: { ports } });
  assert.deepEqual(service?.spec.hosts, ["s.n.svc.cluster.local"]);
  assert.deepEqual(
    service?.spec.ports.map(({ number, name }) => [number, name]),
    [
      [80, "http"],
      [9000, "tcp-9000"],
    ],
  );
  assert.equal(readService({ metadata: { name: "s" }, spec: {} }), undefined);
});
