// Limits of connections and requests to a cluster, and the protocol that is spoken on them.

import { create } from "@bufbuild/protobuf";
import type { CircuitBreakers_ThresholdsSchema } from "../../build/envoy-api/envoy/config/cluster/v3/circuit_breaker_pb.ts";
import type { UpstreamConnectionOptionsSchema } from "../../build/envoy-api/envoy/config/cluster/v3/cluster_pb.ts";
import {
  type Http2ProtocolOptionsSchema,
  HttpProtocolOptionsSchema as CommonOptionsSchema,
} from "../../build/envoy-api/envoy/config/core/v3/protocol_pb.ts";
import type { HttpProtocolOptionsSchema } from "../../build/envoy-api/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.ts";
import type {
  ConnectionPoolSettings,
  RetryBudget,
  ServicePort,
  TcpKeepalive,
} from "../../schema/generated/types.ts";
import { durationNs } from "../../schema/values.ts";
import { percentValue } from "./balancing.ts";
import { isHttp2 } from "./protocols.ts";
import { duration, type Fields } from "./wire.ts";

/** Istio's default: no limit but what a DestinationRule sets. */
const unlimited = 0xffff_ffff;

/** 0 stands for no limit, as in Istio. */
export function thresholds(
  pool: ConnectionPoolSettings | undefined,
  budget: RetryBudget | undefined,
): Fields<typeof CircuitBreakers_ThresholdsSchema> {
  return {
    maxConnections: pool?.tcp?.maxConnections || unlimited,
    maxPendingRequests: pool?.http?.http1MaxPendingRequests || unlimited,
    maxRequests: pool?.http?.http2MaxRequests || unlimited,
    maxRetries: pool?.http?.maxRetries || unlimited,
    trackRemaining: true,
    ...(budget === undefined
      ? {}
      : {
          retryBudget: {
            budgetPercent: { value: percentValue(budget.percent ?? 20) },
            minRetryConcurrency: budget.minRetryConcurrency || 3,
            ...(budget.budgetInterval === undefined
              ? {}
              : { budgetInterval: duration(budget.budgetInterval) }),
          },
        }),
  };
}

export function keepalive(
  settings: TcpKeepalive | undefined,
): Fields<typeof UpstreamConnectionOptionsSchema> | undefined {
  if (settings === undefined) return undefined;
  const wholeSeconds = (text: string) => Number(durationNs(text) / 1_000_000_000n);
  return {
    tcpKeepalive: {
      ...(settings.probes === undefined ? {} : { keepaliveProbes: settings.probes }),
      ...(settings.time === undefined ? {} : { keepaliveTime: wholeSeconds(settings.time) }),
      ...(settings.interval === undefined ? {} : { keepaliveInterval: wholeSeconds(settings.interval) }),
    },
  };
}

type ProtocolOptions = Fields<typeof HttpProtocolOptionsSchema>;

/** What of HttpProtocolOptions the pool and the port's protocol say; undefined where Envoy's defaults do. */
export function protocolOptions(
  port: ServicePort,
  pool: ConnectionPoolSettings | undefined,
): ProtocolOptions | undefined {
  const common = commonOptions(pool);
  const upstream = upstreamProtocol(port, pool);
  if (common === undefined && upstream === undefined) return undefined;
  return { ...(common === undefined ? {} : { commonHttpProtocolOptions: common }), ...(upstream ?? http1) };
}

/** Envoy wants a protocol where it is given options at all. */
export const http1: ProtocolOptions = {
  upstreamProtocolOptions: {
    case: "explicitHttpConfig",
    value: { protocolConfig: { case: "httpProtocolOptions", value: {} } },
  },
};

function commonOptions(pool: ConnectionPoolSettings | undefined) {
  const idleTimeout = pool?.http?.idleTimeout ?? pool?.tcp?.idleTimeout;
  const maxRequestsPerConnection = pool?.http?.maxRequestsPerConnection ?? 0;
  const maxConnectionDuration = pool?.tcp?.maxConnectionDuration;
  if (idleTimeout === undefined && maxRequestsPerConnection === 0 && maxConnectionDuration === undefined) {
    return undefined;
  }
  return create(CommonOptionsSchema, {
    ...(idleTimeout === undefined ? {} : { idleTimeout: duration(idleTimeout) }),
    ...(maxRequestsPerConnection === 0 ? {} : { maxRequestsPerConnection }),
    ...(maxConnectionDuration === undefined
      ? {}
      : { maxConnectionDuration: duration(maxConnectionDuration) }),
  });
}

/** Undefined for HTTP/1.1, which is Envoy's default. */
function upstreamProtocol(
  port: ServicePort,
  pool: ConnectionPoolSettings | undefined,
): ProtocolOptions | undefined {
  const http2ProtocolOptions = http2Options(pool);
  if (pool?.http?.useClientProtocol === true) {
    const value = { httpProtocolOptions: {}, http2ProtocolOptions };
    return { upstreamProtocolOptions: { case: "useDownstreamProtocolConfig", value } };
  }
  if (!speaksHttp2(port, pool)) return undefined;
  const protocolConfig = { case: "http2ProtocolOptions", value: http2ProtocolOptions } as const;
  return { upstreamProtocolOptions: { case: "explicitHttpConfig", value: { protocolConfig } } };
}

/** Whether connections to the endpoints are HTTP/2, which TLS has to offer then. */
export const speaksHttp2 = (port: ServicePort, pool: ConnectionPoolSettings | undefined): boolean =>
  pool?.http?.useClientProtocol !== true &&
  (isHttp2(port.protocol) || pool?.http?.h2UpgradePolicy === "UPGRADE");

function http2Options(pool: ConnectionPoolSettings | undefined): Fields<typeof Http2ProtocolOptionsSchema> {
  const streams = pool?.http?.maxConcurrentStreams ?? 0;
  const pings = pool?.http?.http2KeepAlive;
  return {
    ...(streams === 0 ? {} : { maxConcurrentStreams: streams }),
    ...(pings === undefined
      ? {}
      : {
          connectionKeepalive: { interval: duration(pings.interval), timeout: duration(pings.timeout) },
        }),
  };
}
