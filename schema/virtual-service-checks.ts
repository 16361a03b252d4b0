// What the declaration of VirtualService cannot say: fields that must agree with each other, and what is legal
// but surely not meant.

import { RE2JS } from "re2js";
import { regexes, type Tell } from "./checks.ts";
import type { HttpRoute, VirtualServiceSpec } from "./generated/types.ts";
import type { FieldPath } from "./path.ts";
import { unreached } from "./shadowed.ts";
import { durationNs } from "./values.ts";

export function virtualService(spec: VirtualServiceSpec, tell: Tell): void {
  const http = spec.http ?? [];
  unreached(
    http.map((route) => route.match),
    ["http"],
    tell,
  );
  if ((spec.hosts ?? []).length === 0) delegate(spec, tell);
  for (const [i, route] of http.entries()) httpRoute(route, ["http", i], tell);
  names(spec, tell);
  gatewaysOfMatches(spec, tell);
}

/** Without hosts it is there to be delegated to, which is for requests only and not done twice. */
function delegate({ http = [], gateways = [], tls, tcp }: VirtualServiceSpec, tell: Tell): void {
  const why = "without `hosts` the VirtualService is one for others to delegate to";
  if (gateways.length > 0) tell("error", ["gateways"], `${why}, and they choose the Gateways; remove it`);
  if (tls !== undefined) tell("error", ["tls"], `${why}: requests only; remove it, or write \`hosts\``);
  if (tcp !== undefined) tell("error", ["tcp"], `${why}: requests only; remove it, or write \`hosts\``);
  for (const [i, route] of http.entries())
    if (route.delegate !== undefined)
      tell("error", ["http", i, "delegate"], `${why}, and cannot delegate on; write the routes here`);
}

function httpRoute(route: HttpRoute, path: FieldPath, tell: Tell): void {
  const { match = [], fault, retries, corsPolicy, mirror, mirrors } = route;
  for (const [j, one] of match.entries()) regexes(one, [...path, "match", j], tell);
  for (const part of ["delay", "abort"] as const) {
    const given: { percentage?: unknown; percent?: unknown } | undefined = fault?.[part];
    if (given === undefined || given.percentage !== undefined || given.percent !== undefined) continue;
    tell("warning", [...path, "fault", part], "without `percentage` no request is hit, as in Istio");
  }
  if (retries !== undefined && (retries.attempts ?? 0) === 0)
    for (const field of ["perTryTimeout", "retryOn", "backoff", "retryRemoteLocalities"] as const)
      if (retries[field] !== undefined)
        tell("error", [...path, "retries", field], "without `attempts` above 0 nothing is retried; write it");
  if (corsPolicy?.maxAge !== undefined && durationNs(corsPolicy.maxAge) % 1_000_000_000n !== 0n)
    tell("error", [...path, "corsPolicy", "maxAge"], "browsers are told whole seconds; write such as 24h");
  for (const field of ["mirrorPercentage", "mirrorPercent"] as const)
    if (route[field] !== undefined && mirror === undefined && route.delegate === undefined) {
      const instead =
        mirrors === undefined ? "write `mirror` too" : "write `percentage` in each of `mirrors`";
      tell("warning", [...path, field], `without effect: there is no \`mirror\`; ${instead}`);
    }
  prefixes(route, path, tell);
  substitution(route, path, tell);
  authorities(route, path, tell);
}

function prefixes({ redirect, match = [] }: HttpRoute, path: FieldPath, tell: Tell): void {
  if (redirect?.prefixRewrite === undefined) return;
  const other = match.findIndex(({ uri }) => uri !== undefined && uri.prefix === undefined);
  if (other < 0) return;
  const message = `it replaces the prefix that matched, and \`match[${other}].uri\` is none; write \`uri\` for the whole path`;
  tell("error", [...path, "redirect", "prefixRewrite"], message);
}

/** Envoy refuses a route table whose substitution refers to a group that is not there. */
function substitution({ rewrite }: HttpRoute, path: FieldPath, tell: Tell): void {
  const { match: regex, rewrite: text } = rewrite?.uriRegexRewrite ?? {};
  if (regex === undefined || text === undefined) return;
  const at = [...path, "rewrite", "uriRegexRewrite", "rewrite"];
  const groups = RE2JS.compile(regex).groupCount();
  for (const [written, next = ""] of text.matchAll(/\\(.|$)/g)) {
    if (next === "\\" || (/\d/.test(next) && Number(next) <= groups)) continue;
    const message = /\d/.test(next)
      ? `${written} stands for a group, and \`match\` has ${groups === 0 ? "none" : `${groups}`}`
      : `${JSON.stringify(written)} stands for nothing; write \\\\ for a backslash, \\1 for the first group`;
    tell("error", at, message);
  }
}

/** Host and :authority are rewritten once. */
function authorities({ rewrite, headers }: HttpRoute, path: FieldPath, tell: Tell): void {
  let first = rewrite?.authority === undefined ? undefined : "rewrite.authority";
  for (const operation of ["set", "add"] as const)
    for (const name of Object.keys(headers?.request?.[operation] ?? {})) {
      if (!/^(:authority|host)$/i.test(name)) continue;
      const own = `headers.request.${operation}.${name}`;
      if (first !== undefined)
        tell("error", [...path, "headers", "request", operation, name], `\`${first}\` sets the host too`);
      first ??= own;
    }
}

/** The client's name must be among the hosts, as Istio demands. */
function names({ hosts = [], tls = [] }: VirtualServiceSpec, tell: Tell): void {
  for (const [i, { match }] of tls.entries())
    for (const [j, { sniHosts }] of match.entries())
      for (const [k, name] of sniHosts.entries()) {
        if (hosts.some((host) => covers(host, name))) continue;
        const message = `"${name}" is not among \`hosts\`, nor under a wildcard of them; add it there`;
        tell("error", ["tls", i, "match", j, "sniHosts", k], message);
      }
}

const covers = (pattern: string, name: string): boolean =>
  pattern === "*" ||
  pattern.toLowerCase() === name.toLowerCase() ||
  (pattern.startsWith("*") && name.toLowerCase().replace(/^\*/, "").endsWith(pattern.slice(1).toLowerCase()));

/** A match for a Gateway that the VirtualService is not bound to takes nothing. */
function gatewaysOfMatches({ hosts = [], gateways, http, tls, tcp }: VirtualServiceSpec, tell: Tell): void {
  if (hosts.length === 0) return;
  const bound = gateways === undefined || gateways.length === 0 ? ["mesh"] : gateways;
  const short = (name: string): string => name.replace(/^.*\//, "");
  for (const [field, routes] of Object.entries({ http, tls, tcp }))
    for (const [i, { match = [] }] of (routes ?? []).entries())
      for (const [j, { gateways: own = [] }] of match.entries())
        for (const [k, name] of own.entries()) {
          if (bound.some((other) => short(other) === short(name))) continue;
          const message = `"${name}" is not among \`spec.gateways\` (${bound.join(", ")}), so that nothing comes by it`;
          tell("warning", [field, i, "match", j, "gateways", k], message);
        }
}
