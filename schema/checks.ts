// What the declarations cannot say of one resource: fields that must agree with each other, and what is legal
// but surely not meant. Runs only on specs that have passed their schema, so that types are certain here.

import { isIP } from "node:net";
import type {
  DestinationRuleSpec,
  FaultDelay,
  FaultSpec,
  HeaderRoutingSpec,
  HttpMatchRequest,
  HttpRoute,
  IstioStringMatch,
  MetricsSpec,
  RequestMatch,
  ServiceEntrySpec,
  StringMatch,
  VirtualServiceSpec,
} from "./generated/types.ts";
import { metricsPolicy } from "./metrics-checks.ts";
import type { FieldPath } from "./path.ts";
import { closest } from "./suggest.ts";
import type { Problem } from "./validate.ts";
import { durationNs } from "./values.ts";

/** Adds a problem; paths begin at the spec. */
type Tell = (severity: Problem["severity"], path: FieldPath, message: string) => void;

/** Problems of a spec of this kind; paths begin at `spec`. */
export function checkSpec(kind: string, spec: unknown): Problem[] {
  const problems: Problem[] = [];
  const tell: Tell = (severity, path, message) =>
    problems.push({ severity, path: ["spec", ...path], at: "value", message });
  if (kind === "VirtualService") virtualService(spec as VirtualServiceSpec, tell);
  if (kind === "DestinationRule") destinationRule(spec as DestinationRuleSpec, tell);
  if (kind === "ServiceEntry") serviceEntry(spec as ServiceEntrySpec, tell);
  if (kind === "HeaderRoutingPolicy") headerRouting(spec as HeaderRoutingSpec, tell);
  if (kind === "FaultPolicy") faultPolicy(spec as FaultSpec, tell);
  if (kind === "MetricsPolicy") metricsPolicy(spec as MetricsSpec, tell);
  return problems;
}

function virtualService(spec: VirtualServiceSpec, tell: Tell): void {
  unreachable(spec.http.map(takesAll), ["http"], tell);
  for (const [i, route] of spec.http.entries())
    for (const [j, match] of (route.match ?? []).entries()) regexes(match, ["http", i, "match", j], tell);
  for (const [i, { fault }] of spec.http.entries())
    for (const part of ["delay", "abort"] as const) {
      const given: { percentage?: unknown; percent?: unknown } | undefined = fault?.[part];
      if (given === undefined || given.percentage !== undefined || given.percent !== undefined) continue;
      tell("warning", ["http", i, "fault", part], "without `percentage` no request is hit, as in Istio");
    }
}

const takesAll = (route: HttpRoute) => route.match === undefined || route.match.some(isEmptyMatch);

/** `{}`, or only a uri that every path has. */
function isEmptyMatch(match: HttpMatchRequest | RequestMatch): boolean {
  const { name: _name, ignoreUriCase: _case, uri, ...rest } = match;
  if (Object.keys(rest).length > 0) return false;
  return (
    uri === undefined || uri.prefix === "/" || uri.prefix === "" || uri.regex === ".*" || uri.regex === "/.*"
  );
}

/** An entry behind one that takes every request. */
function unreachable(all: readonly boolean[], path: FieldPath, tell: Tell): void {
  const first = all.indexOf(true);
  if (first < 0 || first === all.length - 1) return;
  const name = `${path.join(".")}[${first}]`;
  tell(
    "warning",
    [...path, first + 1],
    `never reached: \`${name}\` before it takes every request; move that one to the end`,
  );
}

function regexes(match: HttpMatchRequest | RequestMatch, path: FieldPath, tell: Tell): void {
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

function destinationRule(spec: DestinationRuleSpec, tell: Tell): void {
  const simple = spec.trafficPolicy?.loadBalancer?.simple;
  if (simple === "LEAST_CONN")
    tell(
      "warning",
      ["trafficPolicy", "loadBalancer", "simple"],
      "LEAST_CONN is the old name of LEAST_REQUEST; write that",
    );
}

function serviceEntry(spec: ServiceEntrySpec, tell: Tell): void {
  const endpoints = spec.endpoints ?? [];
  if (spec.resolution === "STATIC" && endpoints.length === 0)
    tell(
      "error",
      ["resolution"],
      "STATIC needs `endpoints` with their addresses; write them, or `resolution: DNS`",
    );
  const names = spec.ports.map((port) => port.name);
  for (const [i, name] of names.entries())
    if (names.indexOf(name) < i)
      tell(
        "error",
        ["ports", i, "name"],
        `"${name}" is already the name of \`ports[${names.indexOf(name)}]\`; each port needs its own`,
      );
  for (const [i, { address, ports }] of endpoints.entries()) {
    if (spec.resolution === "STATIC" && isIP(address) === 0)
      tell(
        "error",
        ["endpoints", i, "address"],
        `"${address}" is a name, and STATIC needs an IP address; write one, or \`resolution: DNS\``,
      );
    for (const name of Object.keys(ports ?? {})) {
      if (names.includes(name)) continue;
      const near = closest(name, names);
      const instead = near === undefined ? `the ports are ${names.join(", ")}` : `did you mean ${near.word}?`;
      tell("error", ["endpoints", i, "ports", name], `no port of the service is named "${name}"; ${instead}`);
    }
  }
}

function headerRouting(spec: HeaderRoutingSpec, tell: Tell): void {
  unreachable(
    spec.rules.map((rule) => rule.match === undefined || rule.match.some(isEmptyMatch)),
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

function faultPolicy(spec: FaultSpec, tell: Tell): void {
  for (const [i, fault] of spec.faults.entries()) {
    const path = ["faults", i];
    for (const [j, match] of (fault.match ?? []).entries()) regexes(match, [...path, "match", j], tell);
    if (fault.delay !== undefined) delay(fault.delay, [...path, "delay"], tell);
    const { schedule, stopWhen } = fault;
    if (spec.expiresAt === undefined && schedule?.until === undefined)
      tell(
        "warning",
        path,
        "never ends by itself; give the policy `expiresAt`, or the fault `schedule.until`",
      );
    if (schedule?.from !== undefined && schedule.until !== undefined) {
      if (Date.parse(schedule.until) <= Date.parse(schedule.from))
        tell("error", [...path, "schedule", "until"], "is not after `from`");
    }
    for (const [j, { start, end }] of (schedule?.weekly ?? []).entries()) {
      const at = [...path, "schedule", "weekly", j];
      const [from, to] = [minuteOfDay(start), minuteOfDay(end)];
      if (from === undefined) tell("error", [...at, "start"], noTime(start));
      if (to === undefined) tell("error", [...at, "end"], noTime(end));
      if (from !== undefined && to !== undefined && to <= from)
        tell("error", [...at, "end"], "is not after `start`; for a window over midnight write two");
    }
    if (stopWhen?.requestsBelow !== undefined && !/^0*[1-9]\d{0,8}\/[sm]$/.test(stopWhen.requestsBelow))
      tell("error", [...path, "stopWhen", "requestsBelow"], "write it as 5/s or 30/m");
  }
}

function delay({ uniform, percentiles, normal, pareto }: FaultDelay, path: FieldPath, tell: Tell): void {
  const isBelow = (a: string, b: string): boolean => durationNs(a) < durationNs(b);
  if (uniform !== undefined && isBelow(uniform.max, uniform.min))
    tell("error", [...path, "uniform", "max"], "is below `min`");
  if (normal !== undefined && isBelow(normal.max, normal.mean))
    tell("error", [...path, "normal", "max"], "is below `mean`");
  if (pareto !== undefined && isBelow(pareto.max, pareto.min))
    tell("error", [...path, "pareto", "max"], "is below `min`");
  if (percentiles === undefined) return;
  const points: { name: string; share: number; value: string }[] = [];
  for (const [name, value] of Object.entries(percentiles)) {
    const share = /^p(\d+(\.\d{1,4})?)$/.exec(name)?.[1];
    if (share === undefined || Number(share) > 100)
      tell(
        "error",
        [...path, "percentiles", name],
        "is not a percentile from p0 to p100, such as p50 or p99.9",
      );
    else points.push({ name, share: Number(share), value });
  }
  if (Object.keys(percentiles).length === 0) tell("error", [...path, "percentiles"], "is empty; write p50");
  points.sort((a, b) => a.share - b.share);
  for (const [i, point] of points.entries()) {
    const before = points[i - 1];
    if (before !== undefined && isBelow(point.value, before.value))
      tell("error", [...path, "percentiles", point.name], `is shorter than ${before.name}; they must rise`);
  }
}

const noTime = (text: string): string => `"${text}" is not a time of day; write it as 09:30, up to 24:00`;

/** Minutes of `HH:MM`, up to 24:00. */
function minuteOfDay(text: string): number | undefined {
  const parts = /^(\d\d):([0-5]\d)$/.exec(text);
  const minutes = parts === null ? Number.NaN : Number(parts[1]) * 60 + Number(parts[2]);
  return minutes <= 1440 ? minutes : undefined;
}
