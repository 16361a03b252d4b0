// The bootstrap of an Envoy that takes everything else from our server: delta ADS over one HTTP/2 connection
// that notices a dead server (keepalive) and comes back fast (back-off 0.1 to 1 s; Envoy's own default takes
// 4 to 14 s after an outage of 20 s), limits against overload, and the labels of our metrics.

import { isIP } from "node:net";
import {
  create,
  createRegistry,
  type DescMessage,
  type JsonObject,
  type MessageInitShape,
  toJson,
} from "@bufbuild/protobuf";
import { type Any, anyPack, durationFromMs } from "@bufbuild/protobuf/wkt";
import {
  type AdminSchema,
  type Bootstrap,
  BootstrapSchema,
} from "../build/envoy-api/envoy/config/bootstrap/v3/bootstrap_pb.ts";
import {
  Cluster_DiscoveryType,
  Cluster_DnsLookupFamily,
  type ClusterSchema,
} from "../build/envoy-api/envoy/config/cluster/v3/cluster_pb.ts";
import type { AddressSchema } from "../build/envoy-api/envoy/config/core/v3/address_pb.ts";
import type { LocalitySchema } from "../build/envoy-api/envoy/config/core/v3/base_pb.ts";
import {
  ApiConfigSource_ApiType,
  ApiVersion,
} from "../build/envoy-api/envoy/config/core/v3/config_source_pb.ts";
import type { GrpcServiceSchema } from "../build/envoy-api/envoy/config/core/v3/grpc_service_pb.ts";
import {
  HistogramEmitMode,
  MetricsServiceConfigSchema,
} from "../build/envoy-api/envoy/config/metrics/v3/metrics_service_pb.ts";
import { DownstreamConnectionsConfigSchema } from "../build/envoy-api/envoy/extensions/resource_monitors/downstream_connections/v3/downstream_connections_pb.ts";
import { FixedHeapConfigSchema } from "../build/envoy-api/envoy/extensions/resource_monitors/fixed_heap/v3/fixed_heap_pb.ts";
import type { OverloadManagerSchema } from "../build/envoy-api/envoy/config/overload/v3/overload_pb.ts";
import type {
  StatsConfigSchema,
  StatsSinkSchema,
} from "../build/envoy-api/envoy/config/metrics/v3/stats_pb.ts";
import { HttpProtocolOptionsSchema } from "../build/envoy-api/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.ts";
import { UpstreamTlsContextSchema } from "../build/envoy-api/envoy/extensions/transport_sockets/tls/v3/tls_pb.ts";
import { type ServerTls, toServerTls } from "./server-tls.ts";
import { knownLabels, statsTags } from "./stats-tags.ts";

export interface HostPort {
  host: string;
  port: number;
}

export interface BootstrapOptions {
  nodeId: string;
  /** `node.cluster`; Envoy wants one. */
  cluster?: string;
  /** ROLE, NAMESPACE and LABELS choose what a proxy is sent. */
  metadata?: JsonObject;
  /** Where it runs: `region/zone/subzone`; what `localityLbSetting` compares with that of endpoints. */
  locality?: string;
  xds: HostPort;
  /** Absent: no TLS to the server, as on one machine. */
  tls?: ServerTls;
  /** None: no admin listener. Port 0: one from the system. */
  admin: HostPort | undefined;
  /** Labels of MetricsPolicy dimensions, so that Prometheus shows them as labels. */
  dimensions?: readonly string[];
  /** Upper bounds of the histograms of request durations, in ms. Default: 15 from 1 ms to 1 min. */
  durationBuckets?: readonly number[];
  /** Pushes stats to the server every second, for its dashboard. Default: true. */
  statsSink?: boolean;
  /** At 95 % of it memory is given back, at 98 % requests are refused. Default: 2 GiB, as Envoy's advice for the edge. */
  maxHeapBytes?: number;
}

const xdsCluster = "sluice_xds";
const maxDownstreamConnections = 50_000n;
const seconds = (value: number) => durationFromMs(value * 1000);

export function bootstrap(options: BootstrapOptions): Bootstrap {
  const { nodeId, cluster = "sluice", metadata = {}, xds, admin, statsSink = true } = options;
  const ads = {
    resourceApiVersion: ApiVersion.V3,
    configSourceSpecifier: { case: "ads", value: {} },
  } as const;
  return create(BootstrapSchema, {
    // The metrics filter reads there which labels have rules.
    node: {
      id: nodeId,
      cluster,
      ...(options.locality === undefined ? {} : { locality: localityOf(options.locality) }),
      metadata: { ...metadata, STATS_LABELS: knownLabels(options.dimensions).join() },
    },
    dynamicResources: {
      adsConfig: {
        apiType: ApiConfigSource_ApiType.DELTA_GRPC,
        transportApiVersion: ApiVersion.V3,
        setNodeOnFirstMessageOnly: true,
        grpcServices: [toServer()],
      },
      cdsConfig: ads,
      ldsConfig: ads,
    },
    staticResources: { clusters: [serverCluster(xds, options.tls)] },
    statsConfig: statsConfig(options, statsSink),
    statsSinks: statsSink ? [metricsSink()] : [],
    statsFlushInterval: seconds(1),
    layeredRuntime: {
      // Envoy's default refuses a regex of more than 100 instructions when it comes over xDS; Istio's value.
      layers: [
        {
          name: "static",
          layerSpecifier: { case: "staticLayer", value: { "re2.max_program_size.error_level": 32768 } },
        },
      ],
    },
    overloadManager: overloadManager(options.maxHeapBytes ?? 2 ** 31),
    ...(admin === undefined ? {} : { admin: adminListener(admin) }),
  });
}

function localityOf(text: string): MessageInitShape<typeof LocalitySchema> {
  const [region = "", zone = "", subZone = ""] = text.split("/");
  return { region, zone, subZone };
}

function adminListener(admin: HostPort): MessageInitShape<typeof AdminSchema> {
  return { address: address(admin), ignoreGlobalConnLimit: true };
}

/** As Envoy reads it from a file. */
export function bootstrapJson(options: BootstrapOptions): JsonObject {
  const registry = createRegistry(
    MetricsServiceConfigSchema,
    DownstreamConnectionsConfigSchema,
    FixedHeapConfigSchema,
    HttpProtocolOptionsSchema,
    UpstreamTlsContextSchema,
  );
  return toJson(BootstrapSchema, bootstrap(options), { registry }) as JsonObject;
}

function toServer(): MessageInitShape<typeof GrpcServiceSchema> {
  return {
    targetSpecifier: {
      case: "envoyGrpc",
      value: {
        clusterName: xdsCluster,
        retryPolicy: { retryBackOff: { baseInterval: seconds(0.1), maxInterval: seconds(1) } },
      },
    },
  };
}

function serverCluster(xds: HostPort, tls: ServerTls | undefined): MessageInitShape<typeof ClusterSchema> {
  return {
    name: xdsCluster,
    ...(tls && { transportSocket: toServerTls(tls, xds.host) }),
    clusterDiscoveryType: {
      case: "type",
      value: isIP(xds.host) ? Cluster_DiscoveryType.STATIC : Cluster_DiscoveryType.STRICT_DNS,
    },
    // A name may have addresses of both families, of which the server listens on one.
    dnsLookupFamily: Cluster_DnsLookupFamily.ALL,
    connectTimeout: seconds(1),
    loadAssignment: {
      clusterName: xdsCluster,
      endpoints: [
        { lbEndpoints: [{ hostIdentifier: { case: "endpoint", value: { address: address(xds) } } }] },
      ],
    },
    typedExtensionProtocolOptions: {
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": pack(HttpProtocolOptionsSchema, {
        upstreamProtocolOptions: {
          case: "explicitHttpConfig",
          value: {
            protocolConfig: {
              case: "http2ProtocolOptions",
              value: { connectionKeepalive: { interval: seconds(10), timeout: seconds(5) } },
            },
          },
        },
      }),
    },
  };
}

/**
 * Envoy pushes every stat that was ever touched, each second: 39 KB of them for three versions of one service.
 * What a cluster has only for debugging is therefore left out where stats are pushed; a name with `.internal`
 * and the like in it counts requests once more, and is told from a host of such a name by the host's ending.
 */
const unpushed = [
  "cluster\\..*\\.svc\\.cluster\\.local\\.(internal|external|canary)\\..*",
  "cluster\\..*\\.(default\\.total_match_count|max_host_weight|version|warming_state|lb_.*)",
  "cluster\\..*\\.(membership_(degraded|excluded)|update_(attempt|success|time|duration))",
  "cluster\\..*\\.(upstream_cx_length_ms|upstream_cx_[rt]x_bytes_buffered|upstream_flow_control_.*)",
  "cluster\\..*\\.circuit_breakers\\..*\\.remaining_.*",
];

/** Of latencies, in milliseconds: Envoy's own steps (1, 5, 10, 25, 50...) are too far apart for a percentile. */
const latencyBuckets = [
  0.5, 1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50, 60, 80, 100, 125, 150, 200, 250, 300, 400, 500,
  750, 1000, 1500, 2000, 3000, 5000, 10_000, 30_000, 60_000,
];

/** The convention's advice for http.server.request.duration, in milliseconds. */
const otelBuckets = [5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10_000];

/** Of the filters' durations, in whole milliseconds: a label set each, so that few steps must do. */
const durationBuckets = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000];

function statsConfig(
  options: BootstrapOptions,
  statsSink: boolean,
): MessageInitShape<typeof StatsConfigSchema> {
  const patterns = unpushed.map((regex) => ({
    matchPattern: { case: "safeRegex" as const, value: { regex } },
  }));
  return {
    statsTags: statsTags(options.dimensions),
    histogramBucketSettings: [
      { match: { matchPattern: { case: "suffix", value: "stream_rq_time" } }, buckets: latencyBuckets },
      // The first that matches counts.
      {
        match: { matchPattern: { case: "contains", value: "http_server_request_duration_milliseconds\x1f" } },
        buckets: otelBuckets,
      },
      {
        match: { matchPattern: { case: "contains", value: "_request_duration_milliseconds\x1f" } },
        buckets: [...(options.durationBuckets ?? durationBuckets)],
      },
    ],
    ...(statsSink && {
      statsMatcher: { statsMatcher: { case: "exclusionList", value: { patterns } } },
    }),
  };
}

function metricsSink(): MessageInitShape<typeof StatsSinkSchema> {
  return {
    name: "envoy.stat_sinks.metrics_service",
    configType: {
      case: "typedConfig",
      value: pack(MetricsServiceConfigSchema, {
        grpcService: toServer(),
        transportApiVersion: ApiVersion.V3,
        emitTagsAsLabels: true,
        histogramEmitMode: HistogramEmitMode.HISTOGRAM,
      }),
    },
  };
}

function overloadManager(maxHeapBytes: number): MessageInitShape<typeof OverloadManagerSchema> {
  const heap = "envoy.resource_monitors.fixed_heap";
  const above = (value: number) => [
    { name: heap, triggerOneof: { case: "threshold" as const, value: { value } } },
  ];
  return {
    refreshInterval: seconds(0.25),
    resourceMonitors: [
      typed(heap, pack(FixedHeapConfigSchema, { maxHeapSizeBytes: BigInt(maxHeapBytes) })),
      typed(
        "envoy.resource_monitors.global_downstream_max_connections",
        pack(DownstreamConnectionsConfigSchema, { maxActiveDownstreamConnections: maxDownstreamConnections }),
      ),
    ],
    actions: [
      { name: "envoy.overload_actions.shrink_heap", triggers: above(0.95) },
      { name: "envoy.overload_actions.stop_accepting_requests", triggers: above(0.98) },
    ],
  };
}

const typed = (name: string, config: Any) =>
  ({ name, configType: { case: "typedConfig", value: config } }) as const;

function pack<Desc extends DescMessage>(schema: Desc, init: MessageInitShape<Desc>): Any {
  return anyPack(schema, create(schema, init));
}

function address({ host, port }: HostPort): MessageInitShape<typeof AddressSchema> {
  return {
    address: {
      case: "socketAddress",
      value: { address: host, portSpecifier: { case: "portValue", value: port } },
    },
  };
}
