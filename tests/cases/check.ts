// Holds what happened against what a case expects, the same way for every host. Each difference is a sentence.

import type { Pair } from "../../host/index.ts";
import type { Expectation, HeaderExpectations, Refused } from "./format.ts";

/** One request as it went, seen from all sides. */
export interface Exchange {
  upstream:
    | {
        route: string;
        cluster: string;
        method: string;
        path: string;
        authority: string;
        headers: readonly Pair[];
      }
    | undefined;
  /** The filter's own answer. */
  reply: { details: string } | undefined;
  response: { status: number; headers: readonly Pair[]; body: string };
  /** Where the host can tell: calls by name, and `bytesReturning`. */
  hostcalls?: Record<string, number>;
  callbacks?: Record<string, number>;
}

export function differences(expect: Expectation, exchange: Exchange): string[] {
  const found: string[] = [];
  const same = (what: string, expected: unknown, actual: unknown) => {
    if (expected !== undefined && expected !== actual)
      found.push(`${what}: expected ${show(expected)}, got ${show(actual)}`);
  };
  const { upstream, reply, response } = exchange;
  if (expect.upstream !== undefined) {
    if (upstream === undefined) found.push(`the upstream saw nothing; the client got ${response.status}`);
    else {
      same("upstream.route", expect.upstream.route, upstream.route);
      same("upstream.cluster", expect.upstream.cluster, upstream.cluster);
      same("upstream.method", expect.upstream.method, upstream.method);
      same("upstream.path", expect.upstream.path, upstream.path);
      same("upstream.authority", expect.upstream.authority, upstream.authority);
      found.push(...headerDifferences("upstream", expect.upstream.headers, upstream.headers));
    }
  }
  if (expect.reply !== undefined) {
    if (reply === undefined) found.push(`no reply of the filter's own; the client got ${response.status}`);
    same("reply.details", expect.reply.details, reply?.details);
  }
  for (const [what, expected] of [
    ["reply", expect.reply],
    ["response", expect.response],
  ] as const) {
    same(`${what}.status`, expected?.status, response.status);
    same(`${what}.body`, expected?.body, response.body);
    found.push(...headerDifferences(what, expected?.headers, response.headers));
  }
  if (exchange.hostcalls !== undefined) {
    for (const [name, count] of Object.entries(expect.hostcalls ?? {})) {
      same(`hostcalls.${name}`, count, exchange.hostcalls[name] ?? 0);
    }
  }
  if (exchange.callbacks !== undefined && expect.callbacks !== undefined) {
    same("callbacks", sorted(expect.callbacks), sorted(exchange.callbacks));
  }
  return found;
}

export function refusalDifferences(expected: Refused, actual: Refused | undefined): string[] {
  if (actual === undefined) return ["the configuration was taken"];
  const found: string[] = [];
  if (expected.path !== undefined && expected.path !== actual.path)
    found.push(`refused at ${show(actual.path)}, not ${show(expected.path)}`);
  if (expected.byte !== undefined && expected.byte !== actual.byte) {
    found.push(`refused at byte ${actual.byte}, not ${expected.byte}`);
  }
  if (expected.message !== undefined && !actual.message?.includes(expected.message)) {
    found.push(`refused with ${show(actual.message)}, which does not say ${show(expected.message)}`);
  }
  return found;
}

/** The stat's name of `name{label=value,...}`: labels follow in the name, each after a byte 0x1F. */
export function statName(metric: string): string {
  const found = /^([^{]*)\{(.*)\}$/.exec(metric);
  if (found === null) return metric;
  const [, name = "", labels = ""] = found;
  return [name, ...labels.split(",")].join("\x1f");
}

function headerDifferences(
  what: string,
  expected: HeaderExpectations | undefined,
  actual: readonly Pair[],
): string[] {
  return Object.entries(expected ?? {}).flatMap(([name, value]) => {
    const got = actual.filter(([one]) => one.toLowerCase() === name.toLowerCase()).map((pair) => pair[1]);
    const due = value === null ? [] : Array.isArray(value) ? value.map(String) : [String(value)];
    if (got.length === due.length && got.every((one, index) => one === due[index])) return [];
    return [`${what}.headers.${name}: expected ${show(due)}, got ${show(got)}`];
  });
}

function sorted(counts: Record<string, number>): string {
  return JSON.stringify(Object.entries(counts).sort());
}

function show(value: unknown): string {
  return typeof value === "string" && value.startsWith("[") ? value : JSON.stringify(value);
}
