// What a listener tells of its requests beside metrics: access logs and traces, each off unless asked for.

import type { AccessLog } from "../../build/envoy-api/envoy/config/accesslog/v3/accesslog_pb.ts";
import type {
  HttpConnectionManager_Tracing as Tracing,
  HttpFilter,
} from "../../build/envoy-api/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts";
import { accessLog, keepDestination } from "./access-log.ts";
import { tracing, type TracingOptions } from "./tracing.ts";

export interface ObservabilityOptions {
  accessLog?: boolean;
  tracing?: TracingOptions;
}

export interface Observability {
  accessLogs: AccessLog[];
  tracing: Tracing | undefined;
  /** Stand after our filters, before the router. */
  filters: HttpFilter[];
}

export const unobserved: Observability = { accessLogs: [], tracing: undefined, filters: [] };

export function observability(
  options: ObservabilityOptions,
  steeringHeader: string,
  decisionTags: boolean,
): Observability {
  if (options.accessLog !== true && options.tracing === undefined) return unobserved;
  return {
    accessLogs: options.accessLog === true ? [accessLog()] : [],
    tracing: options.tracing === undefined ? undefined : tracing(options.tracing, decisionTags),
    filters: [keepDestination(steeringHeader)],
  };
}
