import assert from "node:assert/strict";
import { test } from "node:test";
import { formatDiagnostic } from "../../schema/diagnostic.ts";
import { resourcesOf } from "../fixture.ts";
import { unavailable } from "./availability.ts";

const policies = await resourcesOf(`
apiVersion: sluice.traffic/v1alpha1
kind: FaultPolicy
metadata: {name: slow, namespace: shop}
spec:
  faults:
  - name: late
    percentage: 1
    delay: {fixed: 1s}
  - name: thin
    percentage: 1
    throttle: {kibPerSecond: 64}
  headerControl: {delay: true, throttle: true}
`);

for (const target of ["istio", "envoy-gateway"] as const)
  test(`under ${target} each throttle is told at its field`, () => {
    const told = unavailable(target, policies);
    assert.deepEqual(
      told.map(({ path, severity, line }) => [path, severity, line]),
      [
        ["spec.faults[1].throttle", "warning", 12],
        ["spec.headerControl.throttle", "warning", 13],
      ],
    );
    for (const diagnostic of told)
      assert.match(
        formatDiagnostic(diagnostic),
        /not available in a listener that .* makes: it needs Envoy's own fault filter/,
      );
  });

test("a configuration of ours has the filter", () => {
  assert.deepEqual(unavailable("envoy", policies), []);
});

test("under istio the names that Istio itself uses are warned of", async () => {
  const metrics = await resourcesOf(`
apiVersion: sluice.traffic/v1alpha1
kind: MetricsPolicy
metadata: {name: m, namespace: shop}
spec:
  names: [sluice, istio]
`);
  const [told] = unavailable("istio", metrics);
  assert.match(told?.message ?? "", /requests would be counted twice/);
  assert.equal(told?.path, "spec.names[1]");
  assert.deepEqual(unavailable("envoy", metrics), []);
});
