// One VirtualService's routes for one listener port, in Envoy's form, with what the policies need to know.

import { createHash } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import { type Route, RouteSchema } from "../../build/envoy-api/envoy/config/route/v3/route_components_pb.ts";
import type {
  HttpMatchRequest,
  HttpRoute,
  ServiceDestination,
  VirtualServiceSpec,
} from "../../schema/generated/types.ts";
import type { FieldPath } from "../../schema/path.ts";
import type { Resource } from "../model.ts";
import {
  directResponse,
  forward,
  headerFields,
  type MeshDestination,
  redirect,
  type RouteFields,
} from "./actions.ts";
import type { MeshCluster } from "./clusters.ts";
import { routeMatch } from "./conditions.ts";
import { checkHeaderValues } from "./header-values.ts";
import { Memo } from "./memo.ts";
import { clusterName, isVisible } from "./names.ts";
import { type Registry, type Service, serviceHost } from "./registry.ts";
import { hint, identity, place, type Report } from "./report.ts";
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
  | { kind: "virtualService"; resource: Resource<VirtualServiceSpec>; index: number; section: string }
  | { kind: "service"; service: Service };

/** What routes are built from. */
export interface Known {
  registry: Registry;
  clusters: ReadonlyMap<string, MeshCluster>;
  /** Also those that this proxy does not serve, which are no mistake to name. */
  allGateways: ReadonlySet<string>;
  unknown: UnknownHosts;
  report: Report;
}

type VirtualService = Resource<VirtualServiceSpec>;

export function buildRoutes(resource: VirtualService, listenPort: number, known: Known): MeshRoute[] {
  const routes: MeshRoute[] = [];
  const names = sectionNames(resource);
  for (const [index, http] of resource.spec.http.entries()) {
    const section = names[index] ?? "";
    const destinations = resolveDestinations(resource, http, index, listenPort, known);
    warnUnderscores(resource, http.match, ["spec", "http", index], known.report);
    const matches = http.match === undefined || http.match.length === 0 ? [undefined] : http.match;
    const origin = { kind: "virtualService", resource, index, section } as const;
    const variant = [section, listenPort, ...destinations.map((d) => d.cluster)].join("\n");
    const built = bodies.get(http, variant, () =>
      matches.map((match) => buildRoute(http, { section, match, listenPort, destinations })),
    );
    for (const body of built) routes.push({ ...body, destinations, origin });
  }
  return routes;
}

const bodies = new Memo<HttpRoute, RouteBody[]>();

/** None of the destinations is seen from here: requests are refused, as Istio's are. */
const nowhere: RouteFields = { action: { case: "directResponse", value: { status: 503 } } };

interface Part {
  section: string;
  match: HttpMatchRequest | undefined;
  listenPort: number;
  destinations: readonly MeshDestination[];
}

function buildRoute(http: HttpRoute, part: Part): RouteBody {
  const { section, match, destinations } = part;
  const name = match?.name ? `${section}.${match.name}` : section;
  const routeWith = (fields: RouteFields): Route =>
    create(RouteSchema, { name, match: routeMatch(match), ...fields });
  const fields = (): RouteFields => {
    if (http.redirect !== undefined) {
      return { action: { case: "redirect", value: redirect(http.redirect, part.listenPort) } };
    }
    if (http.directResponse !== undefined) {
      return { action: { case: "directResponse", value: directResponse(http.directResponse) } };
    }
    return destinations.length > 0 ? forward(http, destinations) : nowhere;
  };
  return {
    name,
    message: routeWith({ ...headerFields(http.headers), ...fields() }),
    steer: (to) => routeWith(forward(http, [to])),
  };
}

/**
 * A route without a name gets one from its own condition, so that neither a route put before it nor another
 * folder's order changes it: policies and derived routes refer to routes by name.
 */
export const sectionNames = (resource: VirtualService): readonly string[] =>
  sectionsOf.get(resource.spec, `${resource.namespace}\n${resource.name}`, () => nameSections(resource));

const sectionsOf = new Memo<VirtualServiceSpec, string[]>();

function nameSections(resource: VirtualService): string[] {
  const taken = new Map<string, number>();
  return resource.spec.http.map((http) => {
    if (http.name !== undefined && http.name !== "") return http.name;
    const hash = createHash("sha256")
      .update(canonical(http.match ?? []))
      .digest("hex")
      .slice(0, 8);
    const name = `${resource.namespace}.${resource.name}~${hash}`;
    const count = (taken.get(name) ?? 0) + 1;
    taken.set(name, count);
    return count === 1 ? name : `${name}~${count}`;
  });
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, v]) => `${JSON.stringify(key)}:${canonical(v)}`).join(",")}}`;
}

function resolveDestinations(
  resource: VirtualService,
  http: HttpRoute,
  index: number,
  listenPort: number,
  known: Known,
): MeshDestination[] {
  const destinations: MeshDestination[] = [];
  for (const [i, entry] of (http.route ?? []).entries()) {
    const path = ["spec", "http", index, "route", i, "destination"];
    const found = resolveDestination(resource, entry.destination, path, listenPort, known);
    if (found === undefined) continue;
    const weight = entry.weight ?? (http.route?.length === 1 ? 1 : 0);
    destinations.push({ ...found, weight, headers: entry.headers });
    checkHeaderValues(resource, entry.headers, ["spec", "http", index, "route", i, "headers"], known.report);
  }
  checkHeaderValues(resource, http.headers, ["spec", "http", index, "headers"], known.report);
  reportWeights(resource, http, index, known.report);
  return destinations;
}

function reportWeights(resource: VirtualService, http: HttpRoute, index: number, report: Report): void {
  const entries = http.route ?? [];
  if (entries.length < 2) return;
  if (entries.some((entry) => (entry.weight ?? 0) > 0)) return;
  report.error(
    resource,
    ["spec", "http", index, "route"],
    `The route has ${entries.length} destinations and none with a weight above 0. Give each its share as \`weight\`.`,
  );
}

/** Host, subset and port of a destination, or undefined after reporting why there is no such thing. */
export function resolveDestination(
  resource: Resource,
  destination: ServiceDestination,
  path: FieldPath,
  listenPort: number,
  known: Known,
): Pick<MeshDestination, "host" | "subset" | "port" | "cluster"> | undefined {
  const { registry, clusters, report } = known;
  const host = serviceHost(destination.host, resource.namespace, registry.services);
  const service = registry.services.get(host);
  const isSeen = service && isVisible(service.resource.spec.exportTo, service.namespace, resource.namespace);
  if (service === undefined) known.unknown.add(host, resource, [...path, "host"]);
  else if (!isSeen) report.error(resource, [...path, "host"], notExported(host, service));
  const { subset } = destination;
  const rule = registry.rules.get(host);
  const isDefined = subset === undefined || rule?.subsets.has(subset) === true;
  // Where neither ServiceEntry nor DestinationRule is there, the missing host says it all.
  if (!isDefined && (service !== undefined || rule !== undefined)) {
    report.error(resource, [...path, "subset"], unknownSubset(host, subset, registry));
  }
  if (service === undefined || !isSeen || !isDefined) return undefined;
  const numbers = service.ports.map((p) => p.number);
  const port = destination.port?.number ?? (numbers.length === 1 ? (numbers[0] ?? 0) : listenPort);
  const cluster = clusterName(port, subset, host);
  if (clusters.has(cluster)) return { host, subset, port, cluster };
  const message =
    destination.port === undefined
      ? `"${host}" has several ports (${numbers.join(", ")}) and none is ${port}: say which in \`port.number\`.`
      : `"${host}" has no port ${port}. Its ports: ${numbers.join(", ")}.`;
  report.error(
    resource,
    destination.port === undefined ? [...path, "host"] : [...path, "port", "number"],
    message,
  );
  return undefined;
}

function notExported(host: string, { resource }: Service): string {
  const scope = JSON.stringify(resource.spec.exportTo);
  return `"${host}" is not exported to this namespace: ${identity(resource)} (${place(resource)}) has exportTo ${scope}.`;
}

function unknownSubset(host: string, subset: string, registry: Registry): string {
  const rule = registry.rules.get(host);
  if (rule === undefined) {
    return `The subset "${subset}" of the host "${host}" is not defined: no DestinationRule is for this host. Add one with this subset.`;
  }
  const from = rule.resources.map((r) => `${identity(r)} (${place(r)})`).join(" and ");
  return `The subset "${subset}" of the host "${host}" is not defined: ${from} has none of this name.${hint(subset, [...rule.subsets.keys()], "subset")}`;
}
