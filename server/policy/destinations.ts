// Where the rules of header routing send requests: each destination on each route must have a cluster, and a
// derived route by which the filter's choice is carried out.
//
// The filter writes BASE/DESTINATION into x-sluice-destination; a route derived from BASE, first in its
// virtual host, matches on that header and on BASE's path only (a rewrite needs it), never on BASE's other
// conditions: a rule that changes a header on which routes match must not send the request elsewhere.

import { create } from "@bufbuild/protobuf";
import {
  HeaderMatcherSchema,
  type Route,
  RouteMatchSchema,
} from "../../build/envoy-api/envoy/config/route/v3/route_components_pb.ts";
import type { Destination, HeaderRoutingRule, HeaderRoutingSpec } from "../../schema/generated/types.ts";
import type { FieldPath } from "../../schema/path.ts";
import type { MeshDestination } from "../istio/actions.ts";
import { destinationHeader } from "../istio/listeners.ts";
import { Memo } from "../istio/memo.ts";
import type { MeshModel } from "../istio/mesh.ts";
import { clusterName } from "../istio/names.ts";
import { serviceHost } from "../istio/registry.ts";
import { hint, hostHint } from "../istio/report.ts";
import type { MeshRoute } from "../istio/routes.ts";

/** A destination as the filter writes it after BASE/: the parts that the policy states. */
export function destinationText({ host, port, subset }: Destination): string {
  const at = `${host ?? ""}${port === undefined ? "" : `:${port}`}`;
  if (at === "") return subset ?? "";
  return subset === undefined ? at : `${at}/${subset}`;
}

export interface RuleDestination {
  destination: Destination;
  path: FieldPath;
}

export function ruleDestinations(spec: HeaderRoutingSpec): RuleDestination[] {
  return spec.rules.flatMap((rule, i) => {
    const one = rule.destination === undefined ? [] : [rule.destination];
    return [
      ...one.map((destination) => ({ destination, path: ["spec", "rules", i, "destination"] })),
      ...(rule.destinations ?? []).map((destination, j) => ({
        destination,
        path: ["spec", "rules", i, "destinations", j],
      })),
    ];
  });
}

/** A rule that only changes headers keeps the route's own destination, by an empty name. */
export const keepsDestination = (rule: HeaderRoutingRule): boolean =>
  rule.destination === undefined && rule.destinations === undefined && rule.headers?.request !== undefined;

export type Resolved = { to: MeshDestination } | { field: string; message: string };

/** The cluster for a rule's destination on a route that has destinations of its own. */
export function resolveOn(
  route: MeshRoute,
  destination: Destination,
  namespace: string,
  mesh: MeshModel,
): Resolved {
  const { registry, clusters } = mesh;
  const ownHosts = [...new Set(route.destinations.map((d) => d.host))];
  const host =
    destination.host === undefined
      ? ownHosts.length === 1
        ? (ownHosts[0] ?? "")
        : undefined
      : serviceHost(destination.host, namespace, registry.services);
  if (host === undefined) {
    const message = `The route "${route.name}" has destinations on several hosts (${ownHosts.join(", ")}): say which in \`host\`.`;
    return { field: "subset", message };
  }
  const service = registry.services.get(host);
  if (service === undefined) {
    const known = [...registry.services.keys()];
    return {
      field: "host",
      message: `No ServiceEntry has the host "${host}".${hostHint(host, known, "ServiceEntry")}`,
    };
  }
  const { subset } = destination;
  const subsets = registry.rules.get(host)?.subsets;
  if (subset !== undefined && subsets?.has(subset) !== true) {
    const message = `No DestinationRule defines the subset "${subset}" of the host "${host}", to which the route "${route.name}" leads.`;
    return { field: "subset", message: `${message}${hint(subset, [...(subsets?.keys() ?? [])], "subset")}` };
  }
  const like = route.destinations.find((d) => d.host === host);
  const numbers = service.ports.map((p) => p.number);
  const port = destination.port ?? like?.port ?? numbers[0] ?? 0;
  const cluster = clusterName(port, subset, host);
  if (destination.port === undefined && like === undefined && numbers.length > 1) {
    return {
      field: "host",
      message: `"${host}" has several ports (${numbers.join(", ")}): say which in \`port\`.`,
    };
  }
  if (!clusters.has(cluster)) {
    return { field: "port", message: `"${host}" has no port ${port}. Its ports: ${numbers.join(", ")}.` };
  }
  const same = route.destinations.find((d) => d.cluster === cluster);
  const hash = clusters.get(cluster)?.hash;
  return { to: { host, subset, port, cluster, weight: 1, headers: same?.headers, hash } };
}

export interface DerivedRoute {
  base: MeshRoute;
  /** The value of x-sluice-destination. */
  value: string;
  /** Undefined: where the base route sends, or what it answers. */
  to: MeshDestination | undefined;
  message: Route;
}

const messages = new Memo<Route, Route>();

export function deriveRoute(base: MeshRoute, text: string, to: MeshDestination | undefined): DerivedRoute {
  const value = `${base.name}/${text}`;
  // A destination's headers are those that the base route has for the same cluster.
  const variant = `${text}\n${to?.cluster ?? ""}`;
  return { base, value, to, message: messages.get(base.message, variant, () => derive(base, value, to)) };
}

function derive(base: MeshRoute, value: string, to: MeshDestination | undefined): Route {
  const message: Route = { ...(to === undefined ? base.message : base.steer(to)) };
  const basePath = base.message.match ?? create(RouteMatchSchema);
  const byHeader = create(HeaderMatcherSchema, {
    name: destinationHeader,
    headerMatchSpecifier: { case: "stringMatch", value: { matchPattern: { case: "exact", value } } },
  });
  message.match = create(RouteMatchSchema, {
    pathSpecifier: basePath.pathSpecifier,
    headers: [byHeader],
    ...(basePath.caseSensitive === undefined ? {} : { caseSensitive: basePath.caseSensitive }),
  });
  message.requestHeadersToRemove = [...message.requestHeadersToRemove, destinationHeader];
  return message;
}
