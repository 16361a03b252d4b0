// Runs a case in host/: one imitated Envoy per case, under the capabilities that the module needs.

import {
  bytesReturning,
  type CompiledModule,
  type HeaderMap,
  Host,
  type Pair,
  type PropertyTree,
  type Route,
  type Stream,
  utf8,
} from "../../host/index.ts";
import { differences, type Exchange, refusalDifferences, statName } from "./check.ts";
import type { Case, CaseRoute, RequestStep } from "./format.ts";

const longestHoldMs = 60_000;

/** @returns the differences from what the case expects. */
export function runInNode(
  module: CompiledModule,
  one: Case,
  capabilities: readonly string[] = neededCapabilities(module),
): string[] {
  const host = new Host({
    module,
    workers: one.workers,
    rootId: one.rootId,
    name: "case",
    node: { id: "cases", cluster: "cases" },
    capabilities,
    logLevel: "warn",
  });
  const first = host.configure(one.configuration);
  if (first.trap !== undefined) return [first.trap];
  if (one.refused !== undefined) return refusalDifferences(one.refused, first.refusal);
  if (!first.ok) return [`the configuration was refused: ${JSON.stringify(first.refusal ?? first.log)}`];
  return one.steps.flatMap((step, index) => {
    const at = (text: string) => `step ${index + 1}: ${text}`;
    if (step.kind === "advance") {
      host.advance(step.ms);
      return [];
    }
    if (step.kind === "configure") {
      const result = host.configure(step.configuration);
      if (step.refused !== undefined) return refusalDifferences(step.refused, result.refusal).map(at);
      return result.ok ? [] : [at(`refused: ${JSON.stringify(result.refusal ?? result.log)}`)];
    }
    return runRequest(host, one, step).map(at);
  });
}

/** What the server allows a module: the hostcalls that it imports and the callbacks that it exports. */
export function neededCapabilities(module: CompiledModule): string[] {
  const hostcalls = module.imports.map((name) => name.slice(name.indexOf(".") + 1));
  return [...hostcalls, ...module.exports.filter((name) => /^proxy_on_(?!memory_allocate$)/.test(name))];
}

function runRequest(host: Host, one: Case, step: RequestStep): string[] {
  const before = host.metrics();
  const statuses: Record<string, number> = {};
  const found: string[] = [];
  for (let time = 0; time < step.repeat; time++) {
    const exchange = exchangeIn(host, one, step);
    statuses[exchange.response.status] = (statuses[exchange.response.status] ?? 0) + 1;
    found.push(...differences(step.expect, exchange));
  }
  if (step.expect.statuses !== undefined) found.push(...statusDifferences(step.expect.statuses, statuses));
  const after = host.metrics();
  for (const [metric, grown] of Object.entries(step.expect.metrics ?? {})) {
    const name = utf8(statName(metric));
    const growth = metricOf(after, name) - metricOf(before, name);
    if (growth !== grown) found.push(`metrics.${metric}: expected +${grown}, got +${growth}`);
  }
  return found;
}

function metricOf(metrics: ReturnType<Host["metrics"]>, name: string): number {
  return metrics.counters[name] ?? metrics.gauges[name] ?? metrics.histograms[name]?.length ?? 0;
}

export function statusDifferences(
  expected: Record<string, number>,
  actual: Record<string, number>,
): string[] {
  const show = (counts: Record<string, number>) => JSON.stringify(counts, Object.keys(counts).sort());
  return show(expected) === show(actual) ? [] : [`statuses: expected ${show(expected)}, got ${show(actual)}`];
}

function exchangeIn(host: Host, one: Case, step: RequestStep): Exchange {
  const { request } = step;
  const pairs: Pair[] = [
    [":authority", request.authority],
    [":path", request.path],
    [":method", request.method],
    [":scheme", "http"],
    ...request.pairs,
    ...(request.source === undefined ? [] : [["x-forwarded-for", request.source] as const]),
    ["x-forwarded-proto", "http"],
  ];
  host.resetCounts();
  const worker = host.workers[request.worker] ?? host.workers[0];
  const given = one.properties as PropertyTree;
  const stream = worker.request({
    headers: pairs.map(([name, value]) => [utf8(name), utf8(value)] as const),
    route: router(one.routes),
    properties: { source: { address: addressOf(request.source ?? "127.0.0.1") }, ...given },
    endOfStream: request.body === "",
  });
  const outcome = stream.requestHeaders();
  if (outcome.trap !== undefined) throw new Error(outcome.trap);
  const headers = stream.state === "held" ? waitForHeld(host, stream) : outcome.headers;
  if (stream.state === "continued" && request.body !== "") stream.requestBody(utf8(request.body));
  const upstream = stream.state === "continued" ? sent(headers, outcome.route, one.routes) : undefined;
  let answer: readonly Pair[] = stream.localReply?.headers ?? [];
  let body = stream.localReply?.body ?? step.answer.body;
  if (upstream !== undefined) {
    const answered = stream.response({ headers: answerOf(step), endOfStream: step.answer.body === "" });
    if (answered.trap !== undefined) throw new Error(answered.trap);
    answer = answered.headers;
    body = step.answer.body;
  }
  const ended = stream.end();
  if (ended.trap !== undefined) throw new Error(ended.trap);
  const counts = host.counts();
  const status = Number(answer.find(([name]) => name === ":status")?.[1] ?? 0);
  return {
    upstream,
    reply: stream.localReply,
    response: { status, headers: answer, body },
    hostcalls: {
      ...Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, count.calls])),
      bytesReturning: bytesReturning(counts),
    },
    callbacks: host.callbacks(),
  };
}

/** Lets time pass until the filter lets the request go; the headers that then go on. */
function waitForHeld(host: Host, stream: Stream): readonly Pair[] {
  for (let ms = 0; ms < longestHoldMs && stream.state === "held"; ms++) host.advance(1);
  if (stream.state === "held") throw new Error("the filter still holds the stream after a minute");
  return stream.headers;
}

function answerOf(step: RequestStep): Pair[] {
  const { status, headers, body } = step.answer;
  const lines = Object.entries(headers).flatMap(([name, value]) =>
    (typeof value === "string" ? [value] : value).map((one): Pair => [utf8(name), utf8(one)]),
  );
  return [[":status", String(status)], ["content-length", String(body.length)], ...lines];
}

function sent(
  headers: readonly Pair[],
  route: Route | undefined,
  routes: readonly CaseRoute[],
): Exchange["upstream"] {
  const get = (name: string) => headers.find((pair) => pair[0] === name)?.[1] ?? "";
  const remove =
    routes.find((one) => one.name === route?.name && one.virtualHost === route?.virtualHost)?.remove ?? [];
  return {
    route: route?.name ?? "",
    cluster: route?.cluster ?? "",
    method: get(":method"),
    path: get(":path"),
    authority: get(":authority"),
    headers: headers.filter(([name]) => !remove.includes(name)),
  };
}

/** Envoy's router, as far as the cases' routes need it. */
function router(routes: readonly CaseRoute[]): (headers: HeaderMap) => Route | undefined {
  return (headers) => {
    const path = headers.get(":path")?.replace(/[?#].*$/, "") ?? "";
    const host = headers.get(":authority") ?? "";
    const virtualHost = (
      routes.find((one) => one.domains.includes(host)) ?? routes.find((one) => one.domains.includes("*"))
    )?.virtualHost;
    const route = routes.find(
      (one) =>
        one.virtualHost === virtualHost &&
        (one.path === undefined ? path.startsWith(one.prefix ?? "") : path === one.path) &&
        Object.entries(one.headers).every(([name, value]) => headers.values(name).join(",") === value),
    );
    if (route === undefined) return undefined;
    return {
      name: route.name,
      virtualHost: route.virtualHost,
      cluster: route.cluster,
      metadata: route.metadata,
    };
  };
}

function addressOf(ip: string): string {
  return ip.includes(":") ? `[${ip}]:0` : `${ip}:0`;
}
