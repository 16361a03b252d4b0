// What the declarations cannot say of one resource: fields that must agree with each other, and what is legal
// but surely not meant. Runs only on specs that have passed their schema, so that types are certain here.

import type {
  DestinationRuleSpec,
  FaultSpec,
  GatewaySpec,
  HeaderRoutingSpec,
  HttpMatchRequest,
  IstioStringMatch,
  MetricsSpec,
  RateLimitSpec,
  RequestMatch,
  ServiceEntrySpec,
  StringMatch,
  VirtualServiceSpec,
} from "./generated/types.ts";
import { destinationRule } from "./istio/destination-rule-checks.ts";
import { serviceEntry } from "./istio/service-entry-checks.ts";
import { metricsPolicy } from "./metrics-checks.ts";
import { faultPolicy } from "./fault-checks.ts";
import { rateLimitPolicy } from "./rate-limit-checks.ts";
import { unreached } from "./shadowed.ts";
import { virtualService } from "./virtual-service-checks.ts";
import { gateway } from "./gateway-checks.ts";
import type { FieldPath } from "./path.ts";
import type { Problem } from "./validate.ts";

/** Adds a problem; paths begin at the spec. */
export type Tell = (severity: Problem["severity"], path: FieldPath, message: string) => void;

/** Problems of a spec of this kind; paths begin at `spec`. */
export function checkSpec(kind: string, spec: unknown): Problem[] {
  const problems: Problem[] = [];
  const tell: Tell = (severity, path, message) =>
    problems.push({ severity, path: ["spec", ...path], at: "value", message });
  if (kind === "VirtualService") virtualService(spec as VirtualServiceSpec, tell);
  if (kind === "DestinationRule") destinationRule(spec as DestinationRuleSpec, tell);
  if (kind === "Gateway") gateway(spec as GatewaySpec, tell);
  if (kind === "ServiceEntry") serviceEntry(spec as ServiceEntrySpec, tell);
  if (kind === "HeaderRoutingPolicy") headerRouting(spec as HeaderRoutingSpec, tell);
  if (kind === "RateLimitPolicy") rateLimits(spec as RateLimitSpec, tell);
  if (kind === "FaultPolicy") faults(spec as FaultSpec, tell);
  if (kind === "MetricsPolicy") metricsPolicy(spec as MetricsSpec, tell);
  return problems;
}

export function regexes(match: HttpMatchRequest | RequestMatch, path: FieldPath, tell: Tell): void {
  for (const [field, condition] of Object.entries(match)) {
    if (typeof condition !== "object" || condition === null || Array.isArray(condition)) continue;
    if (["uri", "scheme", "method", "authority"].includes(field)) simpler(condition, [...path, field], tell);
    else
      for (const [name, inner] of Object.entries(condition))
        simpler(inner as StringMatch, [...path, field, name], tell);
  }
}

/** A regex that says no more than an exact text or a prefix. */
function simpler(condition: StringMatch | IstioStringMatch, path: FieldPath, tell: Tell): void {
  const { regex } = condition;
  if (regex === undefined) return;
  const plain = /^\^?([\w/ ,:;=~%@&-]+)(\.\*)?\$?$/.exec(regex);
  if (plain === null) return;
  const word = plain[2] === undefined ? "exact" : "prefix";
  tell("warning", [...path, "regex"], `\`${word}: ${plain[1]}\` says the same and costs less`);
}

function headerRouting(spec: HeaderRoutingSpec, tell: Tell): void {
  unreached(
    spec.rules.map((rule) => rule.match),
    ["rules"],
    tell,
  );
  for (const [i, rule] of spec.rules.entries()) {
    for (const [j, match] of (rule.match ?? []).entries()) regexes(match, ["rules", i, "match", j], tell);
    const { destinations, destination, stickyBy } = rule;
    if (destinations?.every(({ weight }) => weight === 0))
      tell("error", ["rules", i, "destinations"], "all weights are 0; give one a weight above 0");
    if (stickyBy !== undefined && destinations === undefined)
      tell(
        "warning",
        ["rules", i, "stickyBy"],
        `without effect: there is ${destination === undefined ? "no destination" : "one destination only"}; it chooses among several \`destinations\``,
      );
    const written = (destinations ?? []).map(({ weight: _weight, ...to }) =>
      JSON.stringify([to.host, to.port, to.subset]),
    );
    for (const [j, to] of written.entries())
      if (written.indexOf(to) < j)
        tell(
          "error",
          ["rules", i, "destinations", j],
          `the same destination as \`destinations[${written.indexOf(to)}]\`; write it once, with the sum of the weights`,
        );
  }
}

function rateLimits(spec: RateLimitSpec, tell: Tell): void {
  for (const [i, { match = [], overrides = [] }] of spec.limits.entries()) {
    for (const [j, one] of match.entries()) regexes(one, ["limits", i, "match", j], tell);
    for (const [j, { match: own = [] }] of overrides.entries())
      for (const [k, one] of own.entries()) regexes(one, ["limits", i, "overrides", j, "match", k], tell);
  }
  rateLimitPolicy(spec, tell);
}

function faults(spec: FaultSpec, tell: Tell): void {
  for (const [i, { match = [] }] of spec.faults.entries())
    for (const [j, one] of match.entries()) regexes(one, ["faults", i, "match", j], tell);
  faultPolicy(spec, tell);
}
