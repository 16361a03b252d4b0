// A route of connections as Envoy's TCP proxy, the last filter of its chain, and the condition of that chain.

import { create } from "@bufbuild/protobuf";
import type { AccessLog } from "../../build/envoy-api/envoy/config/accesslog/v3/accesslog_pb.ts";
import {
  type Filter,
  type FilterChainMatch,
  FilterChainMatchSchema,
  FilterSchema,
} from "../../build/envoy-api/envoy/config/listener/v3/listener_components_pb.ts";
import {
  type TcpProxy,
  TcpProxySchema,
} from "../../build/envoy-api/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.ts";
import type { MeshDestination } from "./actions.ts";
import type { TcpRoute } from "./tcp-routes.ts";
import { duration, pack } from "./wire.ts";

/** Clusters that must be there before the chain, and go after it. */
export const clustersOf = ({ destinations }: TcpRoute): string[] => drawn(destinations).map((d) => d.cluster);

/** Undefined: no destination is seen from here, and there is nothing to connect to. */
export function tcpProxyFilter(route: TcpRoute, accessLog: readonly AccessLog[] = []): Filter | undefined {
  const to = drawn(route.destinations);
  if (to.length === 0) return undefined;
  const { idleTimeout, maxConnectionDuration } = route.settings ?? {};
  const proxy = create(TcpProxySchema, {
    statPrefix: route.statPrefix,
    clusterSpecifier: clusterSpecifier(to),
    hashPolicy: to.some(isHashedBySource) ? [{ policySpecifier: { case: "sourceIp", value: {} } }] : [],
    accessLog: [...accessLog],
    ...(idleTimeout === undefined ? {} : { idleTimeout: duration(idleTimeout) }),
    ...(maxConnectionDuration === undefined
      ? {}
      : { maxDownstreamConnectionDuration: duration(maxConnectionDuration) }),
  });
  return create(FilterSchema, {
    name: "envoy.filters.network.tcp_proxy",
    configType: { case: "typedConfig", value: pack(TcpProxySchema, proxy) },
  });
}

/** A destination of weight 0 beside others gets nothing and is left out. */
const drawn = (destinations: readonly MeshDestination[]): readonly MeshDestination[] =>
  destinations.length === 1 ? destinations : destinations.filter((d) => d.weight > 0);

function clusterSpecifier(to: readonly MeshDestination[]): TcpProxy["clusterSpecifier"] {
  const [only] = to;
  if (to.length === 1 && only !== undefined) return { case: "cluster", value: only.cluster };
  const clusters = to.map(({ cluster, weight }) => ({ name: cluster, weight }));
  return create(TcpProxySchema, { clusterSpecifier: { case: "weightedClusters", value: { clusters } } })
    .clusterSpecifier;
}

const isHashedBySource = ({ hash }: MeshDestination): boolean =>
  hash?.policySpecifier.case === "connectionProperties";

/** By name and address; everything where the route has neither. TLS is seen by a TLS inspector in the listener. */
export function chainMatch({ sniHosts, subnets }: Pick<TcpRoute, "sniHosts" | "subnets">): FilterChainMatch {
  return create(FilterChainMatchSchema, {
    serverNames: [...sniHosts],
    prefixRanges: subnets.map((subnet) => {
      const [addressPrefix = "", bits] = subnet.split("/");
      const whole = addressPrefix.includes(":") ? 128 : 32;
      return { addressPrefix, prefixLen: bits === undefined ? whole : Number(bits) };
    }),
  });
}
