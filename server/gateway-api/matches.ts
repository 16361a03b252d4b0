// A rule's conditions as Envoy's.

import { create } from "@bufbuild/protobuf";
import {
  type HeaderMatcher,
  HeaderMatcherSchema,
  QueryParameterMatcherSchema,
  type RouteMatch,
  RouteMatchSchema,
} from "../../build/envoy-api/envoy/config/route/v3/route_components_pb.ts";
import {
  type StringMatcher,
  StringMatcherSchema,
} from "../../build/envoy-api/envoy/type/matcher/v3/string_pb.ts";
import type {
  GrpcMethodMatch,
  GrpcRouteMatch,
  HttpRouteMatch,
  RouteHeaderMatch,
} from "../../schema/generated/types.ts";
import { grpcRank, httpRank } from "./precedence.ts";

export interface BuiltMatch {
  match: RouteMatch;
  rank: number[];
  /** The path that prefixes are replaced of; undefined where it is not a prefix. */
  prefix: string | undefined;
}

export function httpMatch(written: HttpRouteMatch): BuiltMatch {
  const type = written.path?.type ?? "PathPrefix";
  const value = written.path?.value ?? "/";
  const headers = firstByName(written.headers ?? [], (name) => name.toLowerCase());
  const parameters = firstByName(written.queryParams ?? [], (name) => name);
  const prefix = type === "PathPrefix" ? (value === "/" ? "/" : value.replace(/\/$/, "")) : undefined;
  const match = create(RouteMatchSchema, {
    ...pathMatch(type, value, prefix),
    headers: [...headers.map(headerMatcher), ...(written.method ? [methodMatcher(written.method)] : [])],
    queryParameters: parameters.map((parameter) =>
      create(QueryParameterMatcherSchema, {
        name: parameter.name,
        queryParameterMatchSpecifier: { case: "stringMatch", value: textMatcher(parameter) },
      }),
    ),
  });
  const rank = httpRank({
    path: type === "Exact" ? "exact" : type === "PathPrefix" ? "prefix" : "regex",
    pathLength: (prefix ?? value).length,
    hasMethod: written.method !== undefined,
    headerCount: headers.length,
    queryCount: parameters.length,
  });
  return { match, rank, prefix };
}

type PathSpecifier = Pick<RouteMatch, "pathSpecifier">;

function pathMatch(type: string, value: string, prefix: string | undefined): PathSpecifier {
  if (prefix === "/") return { pathSpecifier: { case: "prefix", value: "/" } };
  if (prefix !== undefined) return { pathSpecifier: { case: "pathSeparatedPrefix", value: prefix } };
  return type === "Exact" ? { pathSpecifier: { case: "path", value } } : regexPath(value);
}

const regexPath = (regex: string): PathSpecifier =>
  create(RouteMatchSchema, { pathSpecifier: { case: "safeRegex", value: { regex } } });

/** Of several conditions on one name the first counts, as the specification says. */
function firstByName<T extends { name: string }>(all: readonly T[], fold: (name: string) => string): T[] {
  const seen = new Set<string>();
  return all.filter(({ name }) => !seen.has(fold(name)) && seen.add(fold(name)));
}

const headerMatcher = (condition: RouteHeaderMatch): HeaderMatcher =>
  create(HeaderMatcherSchema, {
    name: condition.name.toLowerCase(),
    headerMatchSpecifier: { case: "stringMatch", value: textMatcher(condition) },
  });

const methodMatcher = (method: string): HeaderMatcher =>
  create(HeaderMatcherSchema, {
    name: ":method",
    headerMatchSpecifier: { case: "stringMatch", value: textMatcher({ value: method }) },
  });

const textMatcher = ({ type, value }: { type?: string; value: string }): StringMatcher =>
  type === "RegularExpression"
    ? create(StringMatcherSchema, { matchPattern: { case: "safeRegex", value: { regex: value } } })
    : create(StringMatcherSchema, { matchPattern: { case: "exact", value } });

/** A call's path is /SERVICE/METHOD. */
export function grpcMatch(written: GrpcRouteMatch): BuiltMatch {
  const headers = firstByName(written.headers ?? [], (name) => name.toLowerCase());
  const { service = "", method = "" } = written.method ?? {};
  const match = create(RouteMatchSchema, {
    ...callPath(written.method),
    headers: headers.map(headerMatcher),
  });
  return { match, rank: grpcRank(service, method, headers.length), prefix: undefined };
}

function callPath(written: GrpcMethodMatch | undefined): PathSpecifier {
  const { service, method, type = "Exact" } = written ?? {};
  if (service === undefined && method === undefined) return { pathSpecifier: { case: "prefix", value: "/" } };
  if (type === "Exact" && service !== undefined) {
    return method === undefined
      ? { pathSpecifier: { case: "prefix", value: `/${service}/` } }
      : { pathSpecifier: { case: "path", value: `/${service}/${method}` } };
  }
  const quote = (text: string): string => (type === "Exact" ? quoteRegex(text) : text);
  const [own, called] = [
    service === undefined ? "[^/]+" : quote(service),
    method === undefined ? ".+" : quote(method),
  ];
  return regexPath(`/(?:${own})/(?:${called})`);
}

/** For RE2: matches the text and nothing else. */
export const quoteRegex = (text: string): string => text.replace(/[\\.+*?()|[\]{}^$]/g, "\\$&");
