// How Envoy chooses an endpoint: the balancer of a cluster, and what of a request is hashed.

import { create } from "@bufbuild/protobuf";
import {
  Cluster_LbPolicy,
  type Cluster_SlowStartConfigSchema,
  type ClusterSchema,
} from "../../build/envoy-api/envoy/config/cluster/v3/cluster_pb.ts";
import {
  type RouteAction_HashPolicy,
  RouteAction_HashPolicySchema,
} from "../../build/envoy-api/envoy/config/route/v3/route_components_pb.ts";
import type { ConsistentHash, LoadBalancerSettings } from "../../schema/generated/types.ts";
import { parsePercent } from "../../schema/values.ts";
import { duration, type Fields } from "./wire.ts";

type ClusterFields = Fields<typeof ClusterSchema>;

/** Istio's own default, where neither ring nor table is written. */
const defaultRingSize = 1024;

export function balancing(settings: LoadBalancerSettings | undefined): ClusterFields {
  if (settings?.consistentHash !== undefined) return hashing(settings.consistentHash);
  const slowStartConfig = slowStart(settings);
  switch (settings?.simple) {
    case "ROUND_ROBIN":
      return {
        lbPolicy: Cluster_LbPolicy.ROUND_ROBIN,
        ...(slowStartConfig && { lbConfig: { case: "roundRobinLbConfig", value: { slowStartConfig } } }),
      };
    case "RANDOM":
      return { lbPolicy: Cluster_LbPolicy.RANDOM };
    default:
      return {
        lbPolicy: Cluster_LbPolicy.LEAST_REQUEST,
        ...(slowStartConfig && { lbConfig: { case: "leastRequestLbConfig", value: { slowStartConfig } } }),
      };
  }
}

function hashing({ maglev, ringHash, minimumRingSize }: ConsistentHash): ClusterFields {
  if (maglev !== undefined) {
    return {
      lbPolicy: Cluster_LbPolicy.MAGLEV,
      ...(maglev.tableSize !== undefined && {
        lbConfig: { case: "maglevLbConfig", value: { tableSize: BigInt(maglev.tableSize) } },
      }),
    };
  }
  const size = ringHash?.minimumRingSize ?? minimumRingSize ?? defaultRingSize;
  return {
    lbPolicy: Cluster_LbPolicy.RING_HASH,
    lbConfig: { case: "ringHashLbConfig", value: { minimumRingSize: BigInt(size) } },
  };
}

function slowStart(
  settings: LoadBalancerSettings | undefined,
): Fields<typeof Cluster_SlowStartConfigSchema> | undefined {
  if (settings?.warmup !== undefined) {
    const { duration: window, aggression = 1, minimumPercent = 10 } = settings.warmup;
    return {
      slowStartWindow: duration(window),
      aggression: { defaultValue: aggression, runtimeKey: "sluice.warmup.aggression" },
      minWeightPercent: { value: percentValue(minimumPercent) },
    };
  }
  const window = settings?.warmupDurationSecs;
  return window === undefined ? undefined : { slowStartWindow: duration(window) };
}

/** 0 to 100, from what is written as `12.5` or `12.5%`. */
export const percentValue = (written: string | number): number => (parsePercent(written) ?? 0) / 10_000;

/** What of a request to a destination is hashed; undefined where its endpoints are not chosen by hash. */
export function hashPolicy(settings: LoadBalancerSettings | undefined): RouteAction_HashPolicy | undefined {
  const hash = settings?.consistentHash;
  if (hash === undefined) return undefined;
  return create(RouteAction_HashPolicySchema, hashedPart(hash));
}

function hashedPart(hash: ConsistentHash): Fields<typeof RouteAction_HashPolicySchema> {
  if (hash.httpHeaderName !== undefined) {
    return { policySpecifier: { case: "header", value: { headerName: hash.httpHeaderName } } };
  }
  if (hash.httpQueryParameterName !== undefined) {
    return { policySpecifier: { case: "queryParameter", value: { name: hash.httpQueryParameterName } } };
  }
  if (hash.httpCookie === undefined) {
    const sourceIp = hash.useSourceIp ?? false;
    return { policySpecifier: { case: "connectionProperties", value: { sourceIp } } };
  }
  const { name, path = "", ttl, attributes = [] } = hash.httpCookie;
  const cookie = { name, path, attributes, ...(ttl === undefined ? {} : { ttl: duration(ttl) }) };
  return { policySpecifier: { case: "cookie", value: cookie } };
}
