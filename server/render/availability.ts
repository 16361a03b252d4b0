// What a policy asks for that the proxy of a target cannot do by itself. A Wasm filter can let go of a held body only
// whole, so that a throttle is done by Envoy's own fault filter, standing after ours and steered by a header: the
// listeners that we make have it, those of Istio and of Envoy Gateway do not.

import type { Diagnostic } from "../../schema/diagnostic.ts";
import type { FaultSpec, MetricsSpec } from "../../schema/generated/types.ts";
import { Report } from "../istio/report.ts";
import type { Resource } from "../model.ts";
import { policyGroup } from "../policy/kinds.ts";

/** Who makes the listeners: `envoy` is a configuration of ours that runs without our server. */
export const targets = ["envoy", "istio", "envoy-gateway"] as const;
export type Target = (typeof targets)[number];

const makers: Partial<Record<Target, string>> = { istio: "Istio", "envoy-gateway": "Envoy Gateway" };

/** A warning at each field that would do nothing under the target. */
export function unavailable(target: Target, resources: readonly Resource[]): readonly Diagnostic[] {
  const report = new Report();
  const maker = makers[target];
  if (maker !== undefined)
    for (const resource of resources)
      if (resource.group === policyGroup && resource.kind === "FaultPolicy")
        throttles(resource as Resource<FaultSpec>, maker, report);
      else if (target === "istio" && resource.group === policyGroup && resource.kind === "MetricsPolicy")
        istioNames(resource as Resource<MetricsSpec>, report);
  return report.diagnostics;
}

/** Its telemetry has metrics of these names, and two sources of one series add up. */
function istioNames(policy: Resource<MetricsSpec>, report: Report): void {
  const index = (policy.spec.names ?? []).indexOf("istio");
  if (index < 0) return;
  const message =
    "Istio's own telemetry reports under these names too, so that its requests would be counted twice. " +
    "Keep `sluice`, or switch Istio's metrics off for these proxies.";
  report.warning(policy, ["spec", "names", index], message);
}

function throttles(policy: Resource<FaultSpec>, maker: string, report: Report): void {
  const message =
    `A throttle is not available in a listener that ${maker} makes: it needs Envoy's own fault filter ` +
    "(envoy.filters.http.fault with response_rate_limit.header_limit) between this filter and the router. " +
    "Without it the response is not slowed down; delays and aborts work.";
  for (const [index, { throttle }] of (policy.spec.faults ?? []).entries())
    if (throttle !== undefined) report.warning(policy, ["spec", "faults", index, "throttle"], message);
  if (policy.spec.headerControl?.throttle === true)
    report.warning(policy, ["spec", "headerControl", "throttle"], message);
}
