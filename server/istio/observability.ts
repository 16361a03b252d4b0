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
  /** SHA-256, in hexadecimal, of the token for which a request is told what was decided about it; absent: nobody is. */
  explainTokenSha256?: string;
}

export interface Observability {
  accessLogs: AccessLog[];
  tracing: Tracing | undefined;
  /** Stand after our filters, before the router. */
  filters: HttpFilter[];
  /** Our filters look at the header sluice-explain, which no listener may then take off before them. */
  explains: boolean;
}

export const unobserved: Observability = { accessLogs: [], tracing: undefined, filters: [], explains: false };

export function observability(
  options: ObservabilityOptions,
  steeringHeader: string,
  decisionTags: boolean,
): Observability {
  const explains = options.explainTokenSha256 !== undefined;
  if (options.accessLog !== true && options.tracing === undefined) return { ...unobserved, explains };
  return {
    explains,
    accessLogs: options.accessLog === true ? [accessLog()] : [],
    tracing: options.tracing === undefined ? undefined : tracing(options.tracing, decisionTags),
    filters: [keepDestination(steeringHeader)],
  };
}
