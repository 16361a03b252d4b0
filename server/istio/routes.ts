// One VirtualService's routes for one listener port, in Envoy's form, with what the policies need to know.

import { create } from "@bufbuild/protobuf";
import { type Route, RouteSchema } from "../../build/envoy-api/envoy/config/route/v3/route_components_pb.ts";
import type { HttpMatchRequest, HttpRoute, VirtualServiceSpec } from "../../schema/generated/types.ts";
import type { FieldPath } from "../../schema/path.ts";
import type { Resource } from "../model.ts";
import {
  directResponse,
  forward,
  type MeshDestination,
  type MeshMirror,
  redirect,
  type RouteFields,
} from "./actions.ts";
import { type Caller, failingCondition } from "./callers.ts";
import type { MeshCluster } from "./clusters.ts";
import { routeMatch } from "./conditions.ts";
import { corsConfig } from "./cors.ts";
import { type WrittenAt, type WrittenRoute, writtenRoutes } from "./delegates.ts";
import { headerFields } from "./header-operations.ts";
import { Memo } from "./memo.ts";
import { resolveDestinations } from "./destinations.ts";
import { resolveMirrors } from "./mirrors.ts";
import type { Registry, Service, View } from "./registry.ts";
import type { Report } from "./report.ts";
import { warnUnderscores } from "./underscores.ts";
import type { UnknownHosts } from "./unknown-hosts.ts";

export interface MeshRoute extends RouteBody {
  /** Empty where the route redirects or answers by itself. */
  destinations: readonly MeshDestination[];
  origin: RouteOrigin;
}

/** What a route is by itself: the same messages for as long as what they are made from is unchanged. */
export interface RouteBody {
  name: string;
  /** Complete, but for what policies add. Never changed in place, as its bytes are remembered. */
  message: Route;
  /** The same route with its requests sent elsewhere: all else, such as timeout and retries, is kept. */
  steer(to: MeshDestination): Route;
}

export type RouteOrigin =
  | ({ kind: "virtualService" } & Pick<WrittenRoute, keyof WrittenAt | "root" | "name">)
  /** A rule of an HTTPRoute or GRPCRoute. */
  | { kind: "route"; resource: Resource; index: number; section: string }
  | { kind: "service"; service: Service };

/** The resource and field that a route is written in. */
export function placeOfOrigin(origin: RouteOrigin): { resource: Resource; path: FieldPath } {
  if (origin.kind === "service") return { resource: origin.service.resource, path: [] };
  const list = origin.kind === "route" ? "rules" : "http";
  return { resource: origin.resource, path: ["spec", list, origin.index] };
}

/** What routes are built from. */
export interface Known {
  registry: Registry;
  clusters: ReadonlyMap<string, MeshCluster>;
  /** Also those that this proxy does not serve, which are no mistake to name. */
  allGateways: ReadonlySet<string>;
  unknown: UnknownHosts;
  report: Report;
  view: View;
}

/** Where a VirtualService's routes are made for. */
export interface RoutesFor extends Caller {
  /** Requests come by TLS. */
  isTls: boolean;
}

/** A condition of a route by which it is not on a listener at all. */
export interface LeftOut {
  route: string;
  why: string;
  /** How many of the virtual host's routes stand before it. */
  position: number;
}

type VirtualService = Resource<VirtualServiceSpec>;

export function buildRoutes(
  resource: VirtualService,
  at: RoutesFor,
  known: Known,
): { routes: MeshRoute[]; leftOut: LeftOut[] } {
  const routes: MeshRoute[] = [];
  const leftOut: LeftOut[] = [];
  for (const written of writtenRoutes(resource, known.registry.delegates)) {
    const { http, name, index, section, root } = written;
    const destinations = resolveDestinations(written, at.port, known);
    const mirrors = resolveMirrors(written, at.port, known);
    warnUnderscores(written.resource, http.match, ["spec", "http", index], known.report);
    const matches = http.match === undefined || http.match.length === 0 ? [undefined] : http.match;
    const fitting = matches.filter((match) => {
      const why = match && failingCondition(match, written.resource.namespace, at);
      if (why !== undefined) leftOut.push({ route: nameOf(name, match), why, position: routes.length });
      return why === undefined;
    });
    const { resource: own } = written;
    const origin = { kind: "virtualService", resource: own, index, section, root, name } as const;
    const variant = variantOf(written, fitting, at, destinations, mirrors);
    const built = bodies.get(http, variant, () =>
      fitting.map((match) => buildRoute(http, { name, match, at, destinations, mirrors })),
    );
    for (const body of built) routes.push({ ...body, destinations, origin });
  }
  return { routes, leftOut };
}

const bodies = new Memo<HttpRoute, RouteBody[]>();

/** All that a route's messages are made from besides the route as it is written. */
function variantOf(
  { http, name }: WrittenRoute,
  fitting: readonly (HttpMatchRequest | undefined)[],
  at: RoutesFor,
  destinations: readonly MeshDestination[],
  mirrors: readonly MeshMirror[],
): string {
  const isWhole = fitting.length === Math.max(1, http.match?.length ?? 0);
  const places = isWhole ? "all" : fitting.map((match) => match && http.match?.indexOf(match)).join();
  const to = destinations.map(({ cluster, hash }) =>
    hash === undefined ? cluster : `${cluster} ${hashText(hash)}`,
  );
  const copies = mirrors.map(({ cluster, millionths }) => `${cluster} ${millionths}`);
  return [name, at.port, at.isTls, places, ...to, "", ...copies].join("\n");
}

/** A consistent hash by its content. */
export const hashText = (hash: MeshDestination["hash"]): string =>
  JSON.stringify(hash?.policySpecifier, (_, value: unknown) =>
    typeof value === "bigint" ? String(value) : value,
  ) ?? "";

/** None of the destinations is seen from here: requests are refused, as Istio's are. */
const nowhere: RouteFields = { action: { case: "directResponse", value: { status: 503 } } };

interface Part {
  name: string;
  match: HttpMatchRequest | undefined;
  at: RoutesFor;
  destinations: readonly MeshDestination[];
  mirrors: readonly MeshMirror[];
}

const nameOf = (route: string, match: HttpMatchRequest | undefined): string =>
  match?.name ? `${route}.${match.name}` : route;

function buildRoute(http: HttpRoute, { name: route, match, at, destinations, mirrors }: Part): RouteBody {
  const name = nameOf(route, match);
  const routeWith = (fields: RouteFields): Route =>
    create(RouteSchema, {
      name,
      match: routeMatch(match),
      statPrefix: match?.statPrefix ?? "",
      typedPerFilterConfig: corsConfig(http.corsPolicy),
      ...fields,
    });
  const fields = (): RouteFields => {
    if (http.redirect !== undefined) {
      return { action: { case: "redirect", value: redirect(http.redirect, at.port, at.isTls) } };
    }
    if (http.directResponse !== undefined) {
      return { action: { case: "directResponse", value: directResponse(http.directResponse) } };
    }
    return destinations.length > 0 ? forward(http, destinations, mirrors) : nowhere;
  };
  return {
    name,
    message: routeWith({ ...headerFields(http.headers), ...fields() }),
    steer: (to) => routeWith(forward(http, [to], mirrors)),
  };
}
