// The kinds of policy, and the filter that acts for each. A new kind is one entry here.

import type { HeaderRoutingSpec, RequestMatch, TargetRef } from "../../schema/generated/types.ts";
import type { Resource } from "../model.ts";

/** What every kind's spec has. */
export interface PolicySpec {
  targetRefs?: TargetRef[];
  inherit?: boolean;
  rules?: { match?: RequestMatch[] }[];
  limits?: { match?: RequestMatch[] }[];
}

export interface PolicyKind {
  kind: string;
  /** The module, as `build/filters/NAME.wasm`. */
  module: string;
  /** The filter's name in the chain, which is also the name of its configuration over ECDS. */
  slot: string;
  /** On one route the policies act in order, from the most specific target to the least. */
  ordered: boolean;
  /** Rules choose destinations, so that derived routes are needed. */
  steers: boolean;
  /** Callbacks that the module has and that these policies do not need. */
  idleCallbacks(policies: readonly Resource[]): string[];
}

export const policyGroup = "sluice.traffic";

/** The second one only frees what the first needs. */
const responseCallbacks = ["proxy_on_response_headers", "proxy_on_log"];

/** In the order of the chain: what is refused is not routed. */
export const policyKinds: readonly PolicyKind[] = [
  {
    kind: "RateLimitPolicy",
    module: "rate_limit",
    slot: "sluice.rate_limit",
    ordered: false,
    steers: false,
    idleCallbacks: (policies) => (policies.some(marksEveryResponse) ? [] : responseCallbacks),
  },
  {
    kind: "HeaderRoutingPolicy",
    module: "header_routing",
    slot: "sluice.header_routing",
    ordered: true,
    steers: true,
    idleCallbacks: (policies) => (policies.some(changesResponses) ? [] : responseCallbacks),
  },
];

export const kindOf = (resource: Resource): PolicyKind | undefined =>
  resource.group === policyGroup ? policyKinds.find((k) => k.kind === resource.kind) : undefined;

const marksEveryResponse = (policy: Resource): boolean =>
  (policy.spec as { response?: { on?: string } }).response?.on === "always";

/** A cookie that is set when absent is a response header too. */
function changesResponses(policy: Resource): boolean {
  const { rules } = policy.spec as HeaderRoutingSpec;
  return rules.some((rule) => rule.headers?.response !== undefined || rule.stickyBy?.cookie !== undefined);
}
