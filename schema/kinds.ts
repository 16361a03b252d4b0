// The registry of kinds: which resources exist, in which versions, and the declaration of each one's spec.
// A new kind of policy is one line here.

import { faultSpec, faultSwitchSpec } from "./fault.ts";
import { healthCheckSpec } from "./health-check.ts";
import { apiGatewaySpec } from "./gateway-api/gateway.ts";
import { grpcRouteSpec } from "./gateway-api/grpc-route.ts";
import { httpRouteSpec } from "./gateway-api/http-route.ts";
import { referenceGrantSpec } from "./gateway-api/reference-grant.ts";
import { headerRoutingSpec } from "./header-routing.ts";
import { destinationRuleSpec } from "./istio/destination-rule.ts";
import { gatewaySpec } from "./istio/gateway.ts";
import { serviceEntrySpec } from "./istio/service-entry.ts";
import { virtualServiceSpec } from "./istio/virtual-service.ts";
import { workloadEntrySpec } from "./istio/workload-entry.ts";
import type { ObjectSchema } from "./language.ts";
import { metricsSpec } from "./metrics.ts";
import { rateLimitSpec } from "./rate-limit.ts";
import { secretSpec } from "./secret.ts";

export interface Kind {
  group: string;
  /** Newest first; all have the same fields. */
  versions: readonly string[];
  kind: string;
  spec: ObjectSchema;
  /** The spec's fields stand at the top of the document. */
  isFlat?: true;
  /** The kind is declared but not served: resources of it are refused with this reason and remedy. */
  unsupported?: string;
}

export const gatewayApiGroup = "gateway.networking.k8s.io";

const istio = (kind: string, spec: ObjectSchema): Kind => ({
  group: "networking.istio.io",
  versions: ["v1", "v1beta1", "v1alpha3"],
  kind,
  spec,
});

const gatewayApi = (kind: string, spec: ObjectSchema, versions = ["v1", "v1beta1"]): Kind => ({
  group: gatewayApiGroup,
  versions,
  kind,
  spec,
});

const policy = (kind: string, spec: ObjectSchema): Kind => ({
  group: "sluice.traffic",
  versions: ["v1alpha1"],
  kind,
  spec,
});

export const kinds: readonly Kind[] = [
  istio("VirtualService", virtualServiceSpec),
  istio("DestinationRule", destinationRuleSpec),
  istio("Gateway", gatewaySpec),
  istio("ServiceEntry", serviceEntrySpec),
  istio("WorkloadEntry", workloadEntrySpec),
  gatewayApi("Gateway", apiGatewaySpec),
  gatewayApi("HTTPRoute", httpRouteSpec),
  gatewayApi("GRPCRoute", grpcRouteSpec, ["v1"]),
  gatewayApi("ReferenceGrant", referenceGrantSpec),
  { group: "", versions: ["v1"], kind: "Secret", spec: secretSpec, isFlat: true },
  policy("HeaderRoutingPolicy", headerRoutingSpec),
  policy("RateLimitPolicy", rateLimitSpec),
  policy("FaultPolicy", faultSpec),
  policy("FaultSwitch", faultSwitchSpec),
  policy("MetricsPolicy", metricsSpec),
  policy("HealthCheckPolicy", healthCheckSpec),
];

export function findKind(group: string, kind: string): Kind | undefined {
  return kinds.find((k) => k.group === group && k.kind === kind);
}

/** Two groups have a Gateway: the name under which a kind's JSON Schema is found. */
export const schemaName = ({ group, kind }: Kind): string =>
  group === gatewayApiGroup && kind === "Gateway" ? `${kind}.${group}` : kind;
