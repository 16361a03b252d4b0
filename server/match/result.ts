// Where a request ends: at endpoints, in an answer, in a redirect.

import type { Route, RouteAction } from "../../build/envoy-api/envoy/config/route/v3/route_components_pb.ts";
import type { Pair } from "../../host/index.ts";
import type { MeshDestination } from "../istio/actions.ts";
import { destinationHeader } from "../istio/listeners.ts";
import type { TcpRoute } from "../istio/tcp-routes.ts";
import type { PlacedRoute } from "../route-table.ts";
import type { Seen } from "../snapshot.ts";
import type { Result } from "./explanation.ts";
import { text } from "./request.ts";

export const plain = (outcome: Result["outcome"], detail: string, status?: number): Result => ({
  outcome,
  detail,
  ...(status === undefined ? {} : { status }),
  destinations: [],
  changedHeaders: [],
});

export function resultOf(placed: PlacedRoute | undefined, built: Seen): Result {
  if (placed === undefined) return plain("not found", "no route matches after the change: answered 404", 404);
  const { action } = placed.message;
  if (action.case === "redirect")
    return plain("redirected", "the route redirects", redirectStatus(placed.message));
  if (action.case === "directResponse") {
    return plain("answered", "the route answers by itself", action.value.status);
  }
  const own = placed.derived?.to === undefined ? placed.route.destinations : [placed.derived.to];
  const destinations = sharesOf(own, built);
  return {
    outcome: "forwarded",
    detail: destinations.length === 1 ? "" : "drawn for each request, by weight",
    destinations,
    ...(action.case === "route" ? mirrorsOf(action.value) : {}),
    changedHeaders: [],
  };
}

/** Of a connection that is forwarded as it is: no request in it is looked at. */
export function connectionResult({ destinations, kind }: TcpRoute, built: Seen): Result {
  const passed = kind === "tls" ? "TLS is passed through" : "the connection is forwarded";
  const detail = `${passed}: no request in it is looked at`;
  return { ...plain("forwarded", detail), destinations: sharesOf(destinations, built) };
}

function sharesOf(own: readonly MeshDestination[], built: Seen): Result["destinations"] {
  const drawn = own.length === 1 ? own : own.filter((d) => d.weight > 0);
  const total = drawn.reduce((sum, d) => sum + d.weight, 0);
  return drawn.map((d) => ({
    cluster: d.cluster,
    host: d.host,
    ...(d.subset === undefined ? {} : { subset: d.subset }),
    share: drawn.length === 1 ? 1 : d.weight / total,
    endpoints: endpointsOf(built, d.cluster),
  }));
}

function mirrorsOf({ requestMirrorPolicies: policies }: RouteAction): Pick<Result, "mirrors"> {
  if (policies.length === 0) return {};
  const mirrors = policies.map(({ cluster, runtimeFraction }) => ({
    cluster,
    share: (runtimeFraction?.defaultValue?.numerator ?? 0) / 1_000_000,
  }));
  return { mirrors };
}

const redirectStatuses = [301, 302, 303, 307, 308];

const redirectStatus = ({ action }: Route): number =>
  (action.case === "redirect" ? redirectStatuses[action.value.responseCode] : undefined) ?? 301;

function endpointsOf(built: Seen, cluster: string): string[] {
  const known = built.mesh.clusters.get(cluster);
  const assignment = known?.endpoints ?? known?.message.loadAssignment;
  return (assignment?.endpoints ?? []).flatMap(({ lbEndpoints }) =>
    lbEndpoints.flatMap(({ hostIdentifier }) => {
      const address = hostIdentifier.case === "endpoint" ? hostIdentifier.value.address?.address : undefined;
      if (address?.case !== "socketAddress") return [];
      const { portSpecifier } = address.value;
      return [`${address.value.address}:${portSpecifier.case === "portValue" ? portSpecifier.value : ""}`];
    }),
  );
}

/** Our own control header is not the service's to see, and is left out. */
export function changes(before: readonly Pair[], after: readonly Pair[]): Result["changedHeaders"] {
  const names = [...new Set([...before, ...after].map(([name]) => name))];
  const valuesOf = (pairs: readonly Pair[], name: string): string[] =>
    pairs.filter(([n]) => n === name).map(([, value]) => text(value));
  return names.flatMap((name) => {
    if (name === destinationHeader) return [];
    const [was, is] = [valuesOf(before, name), valuesOf(after, name)];
    return JSON.stringify(was) === JSON.stringify(is) ? [] : [{ name: text(name), before: was, after: is }];
  });
}
