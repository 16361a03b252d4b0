// A rule's routes in Envoy's form: one for each of its conditions.

import { create } from "@bufbuild/protobuf";
import { type Route, RouteSchema } from "../../build/envoy-api/envoy/config/route/v3/route_components_pb.ts";
import type {
  CorsPolicy,
  GrpcRouteRule,
  HttpRouteFilter,
  HttpRouteRule,
  RouteCors,
  RouteTimeouts,
} from "../../schema/generated/types.ts";
import type { FieldPath } from "../../schema/path.ts";
import { durationNs } from "../../schema/values.ts";
import {
  forward,
  type MeshDestination,
  type MeshMirror,
  type RouteFields,
  type RouteOptions,
} from "../istio/actions.ts";
import { corsConfig } from "../istio/cors.ts";
import { headerFields } from "../istio/header-operations.ts";
import { checkHeaderValues } from "../istio/header-values.ts";
import { underscoreMessage } from "../istio/underscores.ts";
import { Memo } from "../istio/memo.ts";
import { hashText, type MeshRoute, type RouteBody } from "../istio/routes.ts";
import { type BackendsOf, destinationsOf, headersOf, mirrorOf } from "./backends.ts";
import { type BuiltMatch, grpcMatch, httpMatch, quoteRegex } from "./matches.ts";
import type { Ranked } from "./precedence.ts";
import { type ApiRoute, isHttpRoute } from "./resources.ts";
import { pathRewrite, redirectAction } from "./rewrites.ts";

export interface RankedRoute extends Ranked {
  route: MeshRoute;
}

/** Where a route is made for. */
export interface RouteAt extends BackendsOf {
  isTls: boolean;
}

/** As Istio calls them. */
export const ruleName = ({ namespace, name }: ApiRoute, rule: { name?: string }, index: number): string =>
  rule.name ?? `${namespace}.${name}.${index}`;

/** What a route without rules is. */
const everyRequest: readonly [object] = [{}];

export function routesOf(resource: ApiRoute, at: RouteAt): RankedRoute[] {
  const rules: readonly (HttpRouteRule | GrpcRouteRule)[] = resource.spec.rules ?? everyRequest;
  return rules.flatMap((rule, index) => {
    const matches = isHttpRoute(resource)
      ? httpMatches(rule as HttpRouteRule)
      : grpcMatches(rule as GrpcRouteRule);
    // Of all but its conditions a GRPCRoute's rule has the fields of an HTTPRoute's.
    return routesOfRule(resource, rule as HttpRouteRule, index, matches, at);
  });
}

const httpMatches = ({ matches = [] }: HttpRouteRule): BuiltMatch[] =>
  (matches.length === 0 ? [{}] : matches).map(httpMatch);

const grpcMatches = ({ matches = [] }: GrpcRouteRule): BuiltMatch[] =>
  (matches.length === 0 ? [{}] : matches).map(grpcMatch);

function routesOfRule(
  resource: ApiRoute,
  rule: HttpRouteRule,
  index: number,
  matches: readonly BuiltMatch[],
  at: RouteAt,
): RankedRoute[] {
  const path = ["spec", "rules", index];
  const filters: readonly HttpRouteFilter[] = rule.filters ?? [];
  checkNames(rule, path, resource, at);
  checkFilters(filters, matches, [...path, "filters"], resource, at);
  const destinations = destinationsOf(rule.backendRefs ?? [], [...path, "backendRefs"], at);
  const mirrors = filters.flatMap((filter, i) =>
    filter.requestMirror === undefined
      ? []
      : mirrorOf(filter.requestMirror, [...path, "filters", i, "requestMirror"], at),
  );
  const name = ruleName(resource, rule, index);
  const origin = { kind: "route", resource, index, section: name } as const;
  const served = destinations.filter((d) => d.weight > 0);
  const parts = { rule, filters, mirrors, resource, at };
  const clusters = served.map(({ cluster, hash }) => [cluster, hashText(hash)]);
  const variant = JSON.stringify([resource.kind, name, at.port, at.isTls, clusters, mirrors]);
  const built = bodies.get(rule, variant, () =>
    matches.map((match) => {
      const build = (to: readonly MeshDestination[]): Route =>
        routeMessage(name, match, { ...parts, destinations: to });
      return { name, message: build(served), steer: (to: MeshDestination) => build([to]), rank: match.rank };
    }),
  );
  return built.map(({ rank, ...body }) => {
    return { resource, index, rank, route: { ...body, destinations: served, origin } };
  });
}

const bodies = new Memo<HttpRouteRule, (RouteBody & { rank: number[] })[]>();

interface Parts {
  rule: HttpRouteRule;
  filters: readonly HttpRouteFilter[];
  destinations: readonly MeshDestination[];
  mirrors: readonly MeshMirror[];
  resource: ApiRoute;
  at: RouteAt;
}

function routeMessage(name: string, { match, prefix }: BuiltMatch, parts: Parts): Route {
  const { filters, at } = parts;
  const redirect = filters.find((f) => f.requestRedirect !== undefined)?.requestRedirect;
  const cors = filters.find((f) => f.cors !== undefined)?.cors;
  const own: RouteFields =
    redirect === undefined
      ? answerOrForward(prefix, parts)
      : { action: { case: "redirect", value: redirectAction(redirect, prefix, at) } };
  return create(RouteSchema, {
    name,
    match,
    typedPerFilterConfig: corsConfig(cors && corsPolicy(cors)),
    ...headerFields(headersOf(filters)),
    ...own,
  });
}

/** Without anywhere to go the specification asks for 500; a gRPC client sees UNAVAILABLE. */
function answerOrForward(prefix: string | undefined, parts: Parts): RouteFields {
  const { rule, filters, destinations, mirrors, resource } = parts;
  if (destinations.length === 0) {
    return { action: { case: "directResponse", value: { status: isHttpRoute(resource) ? 500 : 503 } } };
  }
  const rewrite = filters.find((f) => f.urlRewrite !== undefined)?.urlRewrite;
  const headers = headersOf(filters);
  const options: RouteOptions = {
    ...(headers === undefined ? {} : { headers }),
    ...(rewrite?.hostname === undefined ? {} : { rewrite: { authority: rewrite.hostname } }),
    ...timeouts(rule.timeouts),
  };
  const fields = forward(options, destinations, mirrors);
  if (rewrite?.path !== undefined && fields.action?.case === "route") {
    Object.assign(fields.action.value, pathRewrite(rewrite.path, prefix));
  }
  return fields;
}

function timeouts({ request, backendRequest }: RouteTimeouts = {}): Pick<
  RouteOptions,
  "timeout" | "retries"
> {
  const isSet = (text: string | undefined): text is string => text !== undefined && durationNs(text) > 0n;
  return {
    ...(isSet(request) ? { timeout: request } : {}),
    ...(isSet(backendRequest) ? { retries: { attempts: 2, perTryTimeout: backendRequest } } : {}),
  };
}

function corsPolicy(cors: RouteCors): CorsPolicy {
  const { allowOrigins = [], allowMethods, allowHeaders, exposeHeaders, maxAge = 5, allowCredentials } = cors;
  return {
    allowOrigins: allowOrigins.map((origin) =>
      origin.includes("*")
        ? { regex: origin === "*" ? ".*" : quoteRegex(origin).replaceAll("\\*", ".+") }
        : { exact: origin },
    ),
    maxAge: `${maxAge}s`,
    unmatchedPreflights: "IGNORE",
    ...(allowMethods === undefined ? {} : { allowMethods }),
    ...(allowHeaders === undefined ? {} : { allowHeaders }),
    ...(exposeHeaders === undefined ? {} : { exposeHeaders }),
    ...(allowCredentials === undefined ? {} : { allowCredentials }),
  };
}

function checkNames(rule: HttpRouteRule, path: FieldPath, resource: ApiRoute, { known }: RouteAt): void {
  for (const [i, { headers = [] }] of (rule.matches ?? []).entries()) {
    for (const [j, { name }] of headers.entries()) {
      if (!name.includes("_")) continue;
      const at = [...path, "matches", i, "headers", j, "name"];
      known.report.warning(resource, at, underscoreMessage(name));
    }
  }
}

const fieldOf = {
  RequestHeaderModifier: "requestHeaderModifier",
  ResponseHeaderModifier: "responseHeaderModifier",
  RequestMirror: "requestMirror",
  RequestRedirect: "requestRedirect",
  URLRewrite: "urlRewrite",
  CORS: "cors",
} as const;

/** Each filter has the field of its type and no other; types but mirrors come once; a prefix must have matched. */
function checkFilters(
  filters: readonly HttpRouteFilter[],
  matches: readonly BuiltMatch[],
  path: FieldPath,
  resource: ApiRoute,
  { known: { report } }: RouteAt,
): void {
  const seen = new Set<string>();
  checkHeaderValues(resource, headersOf(filters), path, report);
  for (const [i, filter] of filters.entries()) {
    const field = fieldOf[filter.type];
    const stray = Object.keys(filter).find((key) => key !== "type" && key !== field);
    if (filter[field] === undefined) {
      report.error(resource, [...path, i], `A filter of type ${filter.type} needs \`${field}\`.`);
    }
    if (stray !== undefined) {
      report.error(
        resource,
        [...path, i, stray],
        `It does not belong to the type ${filter.type}. Remove it.`,
      );
    }
    if (filter.type !== "RequestMirror" && seen.has(filter.type)) {
      report.error(resource, [...path, i, "type"], `A rule has one ${filter.type}. Put both into one.`);
    }
    seen.add(filter.type);
    const modifier = filter.urlRewrite?.path ?? filter.requestRedirect?.path;
    if (modifier?.type === "ReplacePrefixMatch" && matches.some(({ prefix }) => prefix === undefined)) {
      const message =
        "ReplacePrefixMatch needs conditions of type PathPrefix in all of the rule's `matches`.";
      report.error(resource, [...path, i, field, "path", "type"], message);
    }
  }
  if (seen.has("URLRewrite") && seen.has("RequestRedirect")) {
    report.error(
      resource,
      path,
      "A rule that redirects sends nothing on to be rewritten. Remove the URLRewrite.",
    );
  }
}
