// The kinds of policy, and the filter that acts for each. A new kind is one entry here.

import type {
  FaultSpec,
  FaultSwitchSpec,
  HeaderRoutingSpec,
  RequestMatch,
  TargetRef,
} from "../../schema/generated/types.ts";
import type { Resource } from "../model.ts";

/** What every kind's spec has. */
export interface PolicySpec {
  targetRefs?: TargetRef[];
  inherit?: boolean;
  rules?: { match?: RequestMatch[] }[];
  limits?: { match?: RequestMatch[] }[];
  faults?: { match?: RequestMatch[] }[];
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
  /** The filter acts on every request, also where no policy applies and where no route matches. */
  always?: boolean;
  /** What the filter is told beside its policies. */
  settings?(resources: readonly Resource[]): Record<string, unknown>;
  /** Whether the policy needs Envoy's own fault filter, which stands after all of ours. */
  throttles?(policy: Resource): boolean;
}

export const policyGroup = "sluice.traffic";

/** The second one only frees what the first needs. */
export const responseCallbacks = ["proxy_on_response_headers", "proxy_on_log"];
const tick = "proxy_on_tick";

/** In the order of the chain: what is refused is not routed. */
export const policyKinds: readonly PolicyKind[] = [
  {
    kind: "MetricsPolicy",
    module: "metrics",
    slot: "sluice.metrics",
    ordered: true,
    steers: false,
    always: true,
    idleCallbacks: () => [],
  },
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
  {
    kind: "FaultPolicy",
    module: "fault",
    slot: "sluice.fault",
    ordered: true,
    steers: false,
    idleCallbacks: (policies) => (policies.some(outlastsHeaders) ? [] : [...responseCallbacks, tick]),
    settings: (resources) => (resources.some(isSwitchedOff) ? { disabled: true } : {}),
    throttles: (policy) => {
      const { faults, headerControl } = policy.spec as FaultSpec;
      return headerControl?.throttle === true || faults.some((fault) => fault.throttle !== undefined);
    },
  },
];

export const kindOf = (resource: Resource): PolicyKind | undefined =>
  resource.group === policyGroup ? policyKinds.find((k) => k.kind === resource.kind) : undefined;

const marksEveryResponse = (policy: Resource): boolean =>
  (policy.spec as { response?: { when?: string } }).response?.when === "always";

/** A cookie that is set when absent is a response header too. */
function changesResponses(policy: Resource): boolean {
  const { rules } = policy.spec as HeaderRoutingSpec;
  return rules.some((rule) => rule.headers?.response !== undefined || rule.stickyBy?.cookie !== undefined);
}

/** An abort alone is over when the request's headers have been looked at. */
function outlastsHeaders(policy: Resource): boolean {
  const { faults, headerControl } = policy.spec as FaultSpec;
  return (
    headerControl?.delay === true ||
    headerControl?.throttle === true ||
    faults.some(({ delay, throttle, stopWhen }) => (delay ?? throttle ?? stopWhen) !== undefined)
  );
}

/** The kill switch for all faults. */
export const isSwitchedOff = (resource: Resource): boolean =>
  resource.group === policyGroup &&
  resource.kind === "FaultSwitch" &&
  (resource.spec as FaultSwitchSpec).disabled;
