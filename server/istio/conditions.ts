// Istio's HTTPMatchRequest to Envoy's RouteMatch.
//
// In Envoy 1.40 a header condition looks at repeated values one by one, and an inverted one holds when none
// of them does; a query parameter is compared as written, without decoding, and only its first value counts.

import { create } from "@bufbuild/protobuf";
import {
  type HeaderMatcher,
  HeaderMatcherSchema,
  type QueryParameterMatcher,
  QueryParameterMatcherSchema,
  type RouteMatch,
  RouteMatchSchema,
} from "../../build/envoy-api/envoy/config/route/v3/route_components_pb.ts";
import {
  type StringMatcher,
  StringMatcherSchema,
} from "../../build/envoy-api/envoy/type/matcher/v3/string_pb.ts";
import type { HttpMatchRequest, IstioStringMatch } from "../../schema/generated/types.ts";
import { compare } from "./registry.ts";

/** Undefined matches every request. */
export function routeMatch(match: HttpMatchRequest | undefined): RouteMatch {
  if (match === undefined) return create(RouteMatchSchema, { pathSpecifier: { case: "prefix", value: "/" } });
  return create(RouteMatchSchema, {
    pathSpecifier: pathSpecifier(match.uri),
    caseSensitive: match.ignoreUriCase !== true,
    headers: [
      ...namedHeaders(match),
      ...pseudoHeader(":method", match.method),
      ...pseudoHeader(":authority", match.authority),
      ...pseudoHeader(":scheme", match.scheme),
    ],
    queryParameters: sortedEntries(match.queryParams).map(([name, m]) => queryParameter(name, m)),
  });
}

function pathSpecifier(uri: IstioStringMatch | undefined): RouteMatch["pathSpecifier"] {
  if (uri?.exact !== undefined) return { case: "path", value: uri.exact };
  if (uri?.prefix !== undefined) return { case: "prefix", value: uri.prefix };
  if (uri?.regex !== undefined)
    return create(RouteMatchSchema, {
      pathSpecifier: { case: "safeRegex", value: { regex: uri.regex } },
    }).pathSpecifier;
  return { case: "prefix", value: "/" };
}

function namedHeaders(match: HttpMatchRequest): HeaderMatcher[] {
  const wanted = sortedEntries(match.headers).map(([name, m]) => header(name, m));
  const unwanted = sortedEntries(match.withoutHeaders).map(([name, m]) => {
    const matcher = header(name, m);
    matcher.invertMatch = true;
    // Envoy refuses to combine this with a condition on presence.
    matcher.treatMissingHeaderAsEmpty = matcher.headerMatchSpecifier.case !== "presentMatch";
    return matcher;
  });
  return [...wanted, ...unwanted].sort((a, b) => compare(a.name, b.name));
}

const pseudoHeader = (name: string, m: IstioStringMatch | undefined): HeaderMatcher[] =>
  m === undefined ? [] : [header(name, m)];

function header(name: string, m: IstioStringMatch): HeaderMatcher {
  const condition = stringMatcher(m);
  return create(HeaderMatcherSchema, {
    name,
    headerMatchSpecifier:
      condition === undefined
        ? { case: "presentMatch", value: true }
        : { case: "stringMatch", value: condition },
  });
}

function queryParameter(name: string, m: IstioStringMatch): QueryParameterMatcher {
  const condition = stringMatcher(m);
  return create(QueryParameterMatcherSchema, {
    name,
    queryParameterMatchSpecifier:
      condition === undefined
        ? { case: "presentMatch", value: true }
        : { case: "stringMatch", value: condition },
  });
}

/** Undefined: only presence is asked for. An empty prefix asks for no more, and Envoy refuses it as such. */
function stringMatcher(m: IstioStringMatch): StringMatcher | undefined {
  if (m.exact !== undefined)
    return create(StringMatcherSchema, { matchPattern: { case: "exact", value: m.exact } });
  if (m.prefix !== undefined && m.prefix !== "") {
    return create(StringMatcherSchema, { matchPattern: { case: "prefix", value: m.prefix } });
  }
  if (m.regex !== undefined) {
    return create(StringMatcherSchema, { matchPattern: { case: "safeRegex", value: { regex: m.regex } } });
  }
  return undefined;
}

function sortedEntries<T>(map: Record<string, T> | undefined): [string, T][] {
  return Object.entries(map ?? {}).sort(([a], [b]) => compare(a, b));
}
