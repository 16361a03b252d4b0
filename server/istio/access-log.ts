// One line of JSON per request on Envoy's standard output. docs/observability.md lists the fields; the test
// compares that list with this one.
//
// A filter's decision is read where it leaves a trace anyway: in the answer's details and headers, and in the
// request header that steers. That header is gone before the request goes upstream, so a filter of Envoy's own
// keeps its value; it stands in the chain only where something reads it.

import { create, type JsonObject } from "@bufbuild/protobuf";
import {
  type AccessLog,
  AccessLogSchema,
} from "../../build/envoy-api/envoy/config/accesslog/v3/accesslog_pb.ts";
import { StdoutAccessLogSchema } from "../../build/envoy-api/envoy/extensions/access_loggers/stream/v3/stream_pb.ts";
import { ConfigSchema as SetFilterStateSchema } from "../../build/envoy-api/envoy/extensions/filters/http/set_filter_state/v3/set_filter_state_pb.ts";
import {
  type HttpFilter,
  HttpFilterSchema,
} from "../../build/envoy-api/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts";
import { pack } from "./wire.ts";

const destinationState = "sluice.destination";

/** What our filters decided, in Envoy's format strings; span tags are the same ones. */
export const decisions = {
  destination: `%FILTER_STATE(${destinationState}:PLAIN)%`,
  fault: "%RESP(X-SLUICE-FAULT)%",
  rate_limit: "%RESP(RATELIMIT)%",
} as const;

/** In the order of the document; a field without a value is null. The query of a path may hold secrets. */
export const accessLogFields: JsonObject = {
  time: "%START_TIME(%Y-%m-%dT%H:%M:%S.%3fZ)%",
  request_id: "%REQ(X-REQUEST-ID)%",
  trace_id: "%TRACE_ID%",
  client: "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
  protocol: "%PROTOCOL%",
  method: "%REQ(:METHOD)%",
  authority: "%REQ(:AUTHORITY)%",
  path: "%PATH(NQ)%",
  user_agent: "%REQ(USER-AGENT)%",
  status: "%RESPONSE_CODE%",
  grpc_status: "%GRPC_STATUS%",
  flags: "%RESPONSE_FLAGS%",
  details: "%RESPONSE_CODE_DETAILS%",
  virtual_host: "%CEL(xds.virtual_host_name)%",
  route: "%ROUTE_NAME%",
  cluster: "%UPSTREAM_CLUSTER_RAW%",
  upstream_host: "%UPSTREAM_HOST%",
  upstream_failure: "%UPSTREAM_TRANSPORT_FAILURE_REASON%",
  attempts: "%UPSTREAM_REQUEST_ATTEMPT_COUNT%",
  duration_ms: "%DURATION%",
  request_ms: "%REQUEST_DURATION%",
  upstream_ms: "%RESPONSE_DURATION%",
  bytes_received: "%BYTES_RECEIVED%",
  bytes_sent: "%BYTES_SENT%",
  sluice: { ...decisions },
};

export const accessLog = (): AccessLog =>
  create(AccessLogSchema, {
    name: "sluice.access_log",
    configType: {
      case: "typedConfig",
      value: pack(
        StdoutAccessLogSchema,
        create(StdoutAccessLogSchema, {
          accessLogFormat: {
            case: "logFormat",
            value: {
              format: { case: "jsonFormat", value: accessLogFields },
            },
          },
        }),
      ),
    },
  });

/** Keeps the destination that a policy chose, for logs and spans. Stands after our filters. */
export const keepDestination = (steeringHeader: string): HttpFilter =>
  create(HttpFilterSchema, {
    name: "sluice.keep_destination",
    configType: {
      case: "typedConfig",
      value: pack(
        SetFilterStateSchema,
        create(SetFilterStateSchema, {
          onRequestHeaders: [
            {
              key: { case: "objectKey", value: destinationState },
              factoryKey: "envoy.string",
              skipIfEmpty: true,
              value: {
                case: "formatString",
                value: {
                  format: {
                    case: "textFormatSource",
                    value: { specifier: { case: "inlineString", value: `%REQ(${steeringHeader})%` } },
                  },
                  omitEmptyValues: true,
                },
              },
            },
          ],
        }),
      ),
    },
  });
