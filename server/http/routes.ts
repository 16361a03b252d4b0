// The routes that are served, in the order in which Envoy tries them, each with the policies on it.

import { Hono } from "hono";
import type {
  HeaderMatcher,
  QueryParameterMatcher,
  Route,
  RouteMatch,
} from "../../build/envoy-api/envoy/config/route/v3/route_components_pb.ts";
import type { StringMatcher } from "../../build/envoy-api/envoy/type/matcher/v3/string_pb.ts";
import type { MeshRoute } from "../istio/routes.ts";
import type { Mesh } from "../snapshot.ts";
import type { ServerView } from "./view.ts";

export interface RoutePolicy {
  kind: string;
  /** `namespace/name`, as in metrics. */
  policy: string;
  /** What it was attached to: `route`, `virtualService` ... `proxy`. */
  tier: string;
  /** A policy that is at fault now, with its previous version in force. */
  isPrevious: boolean;
}

export interface RouteReport {
  listener: string;
  virtualHost: string;
  host: string;
  name: string;
  /** Conditions in words, all of which must hold; `path /` takes any path. */
  match: string[];
  /** `redirect`, `answer 503` or the destinations with their share in percent. */
  action: string;
  destinations: { host: string; subset: string; port: number; percent: number }[];
  /** Most specific first. */
  policies: RoutePolicy[];
}

export interface RoutesReport {
  /** Of the snapshot that these routes are of. */
  version: string;
  total: number;
  /** Those that the search leaves. */
  found: number;
  routes: RouteReport[];
}

const defaultLimit = 200;
const maxLimit = 1_000;

export function routeRoutes(view: ServerView): Hono {
  const app = new Hono();
  app.get("/routes", (c) => {
    const asked = Number(c.req.query("limit") ?? defaultLimit);
    const limit = Number.isInteger(asked) && asked > 0 ? Math.min(asked, maxLimit) : defaultLimit;
    const { version } = view.configuration();
    return c.json(reportRoutes(view.mesh(), version, c.req.query("search") ?? "", limit));
  });
  return app;
}

export function reportRoutes(
  mesh: Mesh | undefined,
  version: string,
  search: string,
  limit: number,
): RoutesReport {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const report: RoutesReport = { version, total: 0, found: 0, routes: [] };
  for (const listener of mesh?.listeners ?? []) {
    for (const { name: virtualHost, host, routes } of listener.virtualHosts) {
      for (const route of routes) {
        report.total++;
        const policies = policiesOf(route, mesh);
        const texts = [virtualHost, route.name, ...policies.map((p) => `${p.kind} ${p.policy}`)];
        const text = texts.join(" ").toLowerCase();
        if (!words.every((word) => text.includes(word))) continue;
        report.found++;
        if (report.routes.length >= limit) continue;
        report.routes.push({
          listener: listener.name,
          virtualHost,
          host,
          name: route.name,
          match: conditions(route.message.match),
          action: actionOf(route.message),
          destinations: destinationsOf(route),
          policies,
        });
      }
    }
  }
  return report;
}

function policiesOf(route: MeshRoute, mesh: Mesh | undefined): RoutePolicy[] {
  return (mesh?.byRoute.get(route) ?? []).map(({ policy, tier }) => ({
    kind: policy.kind,
    policy: `${policy.namespace}/${policy.name}`,
    tier,
    isPrevious: !mesh?.policies.some(({ resource }) => resource === policy),
  }));
}

function destinationsOf({ destinations }: MeshRoute): RouteReport["destinations"] {
  const all = destinations.reduce((sum, { weight }) => sum + weight, 0);
  return destinations.map(({ host, subset, port, weight }) => ({
    host,
    subset: subset ?? "",
    port,
    percent: destinations.length === 1 ? 100 : all === 0 ? 0 : (weight / all) * 100,
  }));
}

function actionOf({ action }: Route): string {
  if (action.case === "directResponse") return `answer ${action.value.status}`;
  return action.case === "redirect" ? "redirect" : "forward";
}

function conditions(match: RouteMatch | undefined): string[] {
  if (match === undefined) return [];
  return [
    pathCondition(match),
    ...match.headers.map(headerCondition),
    ...match.queryParameters.map(queryCondition),
  ];
}

function pathCondition({ pathSpecifier: path, caseSensitive }: RouteMatch): string {
  const folded = caseSensitive === false ? " (any case)" : "";
  if (path.case === "path") return `path = ${path.value}${folded}`;
  if (path.case === "safeRegex") return `path ~ ${path.value.regex}`;
  return `path ${typeof path.value === "string" ? path.value : "/"}${path.value === "/" ? "" : "*"}${folded}`;
}

function headerCondition(header: HeaderMatcher): string {
  const { case: kind, value } = header.headerMatchSpecifier;
  const name = header.name.replace(/^:/, "");
  const not = header.invertMatch ? "not " : "";
  if (kind === "stringMatch") return `${not}${name} ${stringCondition(value)}`;
  return `${header.invertMatch ? "no " : ""}${name}`;
}

function queryCondition(parameter: QueryParameterMatcher): string {
  const { case: kind, value } = parameter.queryParameterMatchSpecifier;
  return kind === "stringMatch" ? `?${parameter.name} ${stringCondition(value)}` : `?${parameter.name}`;
}

function stringCondition({ matchPattern: pattern }: StringMatcher): string {
  if (pattern.case === "exact") return `= ${pattern.value}`;
  if (pattern.case === "prefix") return `= ${pattern.value}*`;
  if (pattern.case === "suffix") return `= *${pattern.value}`;
  if (pattern.case === "contains") return `= *${pattern.value}*`;
  return pattern.case === "safeRegex" ? `~ ${pattern.value.regex}` : "";
}
