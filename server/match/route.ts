// Envoy's matching of a route, condition by condition, for the routes that we emit. Used to explain; requests
// are matched by Envoy itself.

import { RE2JS } from "re2js";
import type {
  HeaderMatcher,
  QueryParameterMatcher,
  Route,
  RouteMatch,
} from "../../build/envoy-api/envoy/config/route/v3/route_components_pb.ts";
import type { StringMatcher } from "../../build/envoy-api/envoy/type/matcher/v3/string_pb.ts";
import { bytes, headerValues, type MatchRequest, pathOnly, queryParameters } from "./request.ts";

/** One condition of a route as a person reads it, and whether the request meets it. */
export interface Condition {
  text: string;
  holds: boolean;
}

export interface Tried<R> {
  route: R;
  conditions: readonly Condition[];
  matches: boolean;
}

/** The routes in order, up to and including the first that matches. */
export function tryRoutes<R extends { message: Route }>(
  routes: readonly R[],
  request: MatchRequest,
): Tried<R>[] {
  const tried: Tried<R>[] = [];
  for (const route of routes) {
    const { match } = route.message;
    const conditions = match === undefined ? [] : conditionsOf(match, request);
    const matches = conditions.every((c) => c.holds);
    tried.push({ route, conditions, matches });
    if (matches) break;
  }
  return tried;
}

export function conditionsOf(match: RouteMatch, request: MatchRequest): Condition[] {
  const parameters = queryParameters(request);
  return [
    ...pathCondition(match, request),
    ...match.headers.map((h) => headerCondition(h, request)),
    ...match.queryParameters.map((q) => queryCondition(q, parameters)),
  ];
}

function pathCondition(match: RouteMatch, request: MatchRequest): Condition[] {
  const { pathSpecifier } = match;
  const ignoreCase = match.caseSensitive === false;
  const fold = (s: string): string => (ignoreCase ? s.replace(/[A-Z]+/g, (c) => c.toLowerCase()) : s);
  const path = pathOnly(request);
  const ignoring = ignoreCase ? ", in any case" : "";
  switch (pathSpecifier.case) {
    case "prefix": {
      const { value } = pathSpecifier;
      if (value === "/") return path.startsWith("/") ? [] : [{ text: "path begins with /", holds: false }];
      return [
        {
          text: `path begins with ${value}${ignoring}`,
          holds: fold(path).startsWith(fold(bytes(value))),
        },
      ];
    }
    case "pathSeparatedPrefix": {
      const prefix = fold(bytes(pathSpecifier.value));
      const holds = fold(path) === prefix || fold(path).startsWith(`${prefix}/`);
      return [{ text: `path is ${pathSpecifier.value} or below it${ignoring}`, holds }];
    }
    case "path":
      return [
        {
          text: `path is ${pathSpecifier.value}${ignoring}`,
          holds: fold(path) === fold(bytes(pathSpecifier.value)),
        },
      ];
    case "safeRegex": {
      const { regex } = pathSpecifier.value;
      return [{ text: `path matches ${regex}`, holds: fullMatch(regex, path) }];
    }
    default:
      throw new Error(`no path condition of the kind ${pathSpecifier.case}`);
  }
}

function headerCondition(matcher: HeaderMatcher, request: MatchRequest): Condition {
  const values = headerValues(request, matcher.name);
  const { headerMatchSpecifier: specifier, invertMatch } = matcher;
  const label = pseudo[matcher.name] ?? `header ${matcher.name}`;
  if (specifier.case === "presentMatch") {
    const holds = values.length > 0 !== invertMatch;
    return { text: `${label} is ${invertMatch ? "absent" : "present"}`, holds };
  }
  if (specifier.case !== "stringMatch") throw new Error(`no header condition ${specifier.case}`);
  const tested = values.length === 0 && matcher.treatMissingHeaderAsEmpty ? [""] : values;
  const any = tested.some((value) => matchesText(specifier.value, value));
  const holds = tested.length > 0 && any !== invertMatch;
  return { text: `${label} ${invertMatch ? "not: " : ""}${describe(specifier.value)}`, holds };
}

const pseudo: Record<string, string> = {
  ":method": "method",
  ":authority": "authority",
  ":scheme": "scheme",
};

function queryCondition(matcher: QueryParameterMatcher, parameters: ReadonlyMap<string, string>): Condition {
  const value = parameters.get(bytes(matcher.name));
  const { queryParameterMatchSpecifier: specifier } = matcher;
  const label = `query parameter ${matcher.name}`;
  if (specifier.case !== "stringMatch") return { text: `${label} is present`, holds: value !== undefined };
  const holds = value !== undefined && matchesText(specifier.value, value);
  return { text: `${label} ${describe(specifier.value)}`, holds };
}

function matchesText({ matchPattern: pattern }: StringMatcher, value: string): boolean {
  switch (pattern.case) {
    case "exact":
      return value === bytes(pattern.value);
    case "prefix":
      return value.startsWith(bytes(pattern.value));
    case "safeRegex":
      return fullMatch(pattern.value.regex, value);
    default:
      throw new Error(`no text condition of the kind ${pattern.case}`);
  }
}

function describe({ matchPattern: pattern }: StringMatcher): string {
  switch (pattern.case) {
    case "exact":
      return `is "${pattern.value}"`;
    case "prefix":
      return `begins with "${pattern.value}"`;
    case "safeRegex":
      return `matches ${pattern.value.regex}`;
    default:
      return "";
  }
}

/** On bytes, as Envoy 1.40's RE2 does with its Latin-1 option. */
function fullMatch(regex: string, value: string): boolean {
  return RE2JS.matches(bytes(regex), value);
}
