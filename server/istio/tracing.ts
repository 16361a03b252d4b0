// Traces from Envoy to an OpenTelemetry collector over OTLP/gRPC: a span for the request, and one below it for
// each attempt upstream, with the decisions of our filters as tags. Trace context goes on as W3C traceparent.

import { isIP } from "node:net";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type Cluster,
  Cluster_DiscoveryType as Discovery,
  ClusterSchema,
} from "../../build/envoy-api/envoy/config/cluster/v3/cluster_pb.ts";
import type { TypedExtensionConfigSchema } from "../../build/envoy-api/envoy/config/core/v3/extension_pb.ts";
import { OpenTelemetryConfigSchema } from "../../build/envoy-api/envoy/config/trace/v3/opentelemetry_pb.ts";
import {
  type HttpConnectionManager_Tracing as Tracing,
  HttpConnectionManager_TracingSchema as TracingSchema,
} from "../../build/envoy-api/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts";
import { ParentBasedSamplerConfigSchema } from "../../build/envoy-api/envoy/extensions/tracers/opentelemetry/samplers/v3/parent_based_sampler_pb.ts";
import { TraceIdRatioBasedSamplerConfigSchema } from "../../build/envoy-api/envoy/extensions/tracers/opentelemetry/samplers/v3/trace_id_ratio_based_sampler_pb.ts";
import { HttpProtocolOptionsSchema } from "../../build/envoy-api/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.ts";
import {
  type CustomTag,
  CustomTagSchema,
} from "../../build/envoy-api/envoy/type/tracing/v3/custom_tag_pb.ts";
import { FractionalPercent_DenominatorType as Denominator } from "../../build/envoy-api/envoy/type/v3/percent_pb.ts";
import { decisions } from "./access-log.ts";
import { pack, seconds, socketAddress } from "./wire.ts";

export interface TracingOptions {
  /** The collector, as the proxies reach it. */
  collector: { host: string; port: number };
  /** Of the requests that come without a trace of their own, to 0.01. Default: 100. */
  samplingPercent?: number;
}

export const collectorCluster = "sluice_otlp";

/** The service name on every span's resource. */
const serviceName = "sluice-envoy";

/** Tags with format strings came with Envoy 1.37; an older proxy would refuse the whole listener. */
export function tracing(options: TracingOptions, decisionTags: boolean): Tracing {
  const config = create(OpenTelemetryConfigSchema, {
    serviceName,
    sampler: sampler(options.samplingPercent ?? 100),
    grpcService: {
      targetSpecifier: { case: "envoyGrpc", value: { clusterName: collectorCluster } },
      timeout: seconds(1),
    },
  });
  return create(TracingSchema, {
    // Envoy's own dice would also drop traces that the client has begun: the sampler decides.
    randomSampling: { value: 100 },
    spawnUpstreamSpan: true,
    // Envoy's own tag http.url would show the query, which may hold secrets: it ends after the first slash.
    maxPathTagLength: 1,
    ...(decisionTags && { operation: "%REQ(:METHOD)% %ROUTE_NAME%" }),
    provider: {
      name: "envoy.tracers.opentelemetry",
      configType: { case: "typedConfig", value: pack(OpenTelemetryConfigSchema, config) },
    },
    customTags: decisionTags ? tags() : [],
  });
}

/** As the caller decided, else by the trace's id, so that every proxy on the way decides alike. */
function sampler(percent: number): MessageInitShape<typeof TypedExtensionConfigSchema> {
  const ratio = create(TraceIdRatioBasedSamplerConfigSchema, {
    samplingPercentage: { numerator: Math.round(percent * 10_000), denominator: Denominator.MILLION },
  });
  const parentBased = create(ParentBasedSamplerConfigSchema, {
    wrappedSampler: {
      name: "envoy.tracers.opentelemetry.samplers.trace_id_ratio_based",
      typedConfig: pack(TraceIdRatioBasedSamplerConfigSchema, ratio),
    },
  });
  return {
    name: "envoy.tracers.opentelemetry.samplers.parent_based",
    typedConfig: pack(ParentBasedSamplerConfigSchema, parentBased),
  };
}

/** A tag without a value is left out of the span. */
const tags = (): CustomTag[] =>
  [
    ["url.path", "%PATH(NQ)%"],
    ["route", "%ROUTE_NAME%"],
    ["response_code_details", "%RESPONSE_CODE_DETAILS%"],
    ...Object.entries(decisions).map(([name, value]) => [`sluice.${name}`, value]),
  ].map(([tag = "", value = ""]) => create(CustomTagSchema, { tag, type: { case: "value", value } }));

export function collector({ collector: { host, port } }: TracingOptions): Cluster {
  const http2 = create(HttpProtocolOptionsSchema, {
    upstreamProtocolOptions: {
      case: "explicitHttpConfig",
      value: {
        protocolConfig: {
          case: "http2ProtocolOptions",
          value: { connectionKeepalive: { interval: seconds(30), timeout: seconds(5) } },
        },
      },
    },
  });
  return create(ClusterSchema, {
    name: collectorCluster,
    clusterDiscoveryType: { case: "type", value: isIP(host) ? Discovery.STATIC : Discovery.STRICT_DNS },
    connectTimeout: seconds(1),
    // The listeners need not wait until the collector's name is known.
    waitForWarmOnInit: false,
    loadAssignment: {
      clusterName: collectorCluster,
      endpoints: [
        {
          lbEndpoints: [
            { hostIdentifier: { case: "endpoint", value: { address: socketAddress(host, port) } } },
          ],
        },
      ],
    },
    typedExtensionProtocolOptions: {
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": pack(HttpProtocolOptionsSchema, http2),
    },
  });
}
