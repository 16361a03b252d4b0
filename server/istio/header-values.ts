// Header values are Envoy's format strings: `%REQ(x)%` stands for a header, `%%` for a percent sign. One that
// Envoy cannot read would make it refuse the whole route table, so that it is found here.

import type { Headers } from "../../schema/generated/types.ts";
import type { FieldPath } from "../../schema/path.ts";
import type { Resource } from "../model.ts";
import { hint, type Report } from "./report.ts";

/** The commands of Envoy 1.40, each tried in the binary. */
const commands = (
  "ACCESS_LOG_TYPE BYTES_RECEIVED BYTES_SENT CLUSTER_METADATA COMMON_DURATION CONNECTION_ID " +
  "CONNECTION_TERMINATION_DETAILS CUSTOM_FLAGS DOWNSTREAM_DIRECT_REMOTE_ADDRESS " +
  "DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT DOWNSTREAM_LOCAL_ADDRESS " +
  "DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT DOWNSTREAM_LOCAL_PORT DOWNSTREAM_PEER_CERT " +
  "DOWNSTREAM_PEER_SUBJECT DOWNSTREAM_PEER_URI_SAN DOWNSTREAM_REMOTE_ADDRESS " +
  "DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT DOWNSTREAM_REMOTE_PORT DOWNSTREAM_TLS_CIPHER " +
  "DOWNSTREAM_TLS_SESSION_ID DOWNSTREAM_TLS_VERSION DOWNSTREAM_WIRE_BYTES_SENT DURATION DYNAMIC_METADATA " +
  "EMIT_TIME ENVIRONMENT FILTER_STATE GRPC_STATUS HOSTNAME LOCAL_REPLY_BODY METADATA PATH PER_REQUEST_STATE " +
  "PROTOCOL QUERY_PARAM REQ REQUESTED_SERVER_NAME REQUEST_DURATION REQUEST_HEADER REQUEST_HEADERS_BYTES " +
  "REQUEST_TX_DURATION RESP RESPONSE_CODE RESPONSE_CODE_DETAILS RESPONSE_DURATION RESPONSE_FLAGS " +
  "RESPONSE_FLAGS_LONG RESPONSE_HEADERS_BYTES RESPONSE_TX_DURATION ROUNDTRIP_DURATION ROUTE_NAME START_TIME " +
  "START_TIME_LOCAL STREAM_ID TLS_JA3_FINGERPRINT TLS_JA4_FINGERPRINT TRACE_ID TRAILER UNIQUE_ID " +
  "UPSTREAM_CLUSTER UPSTREAM_CLUSTER_RAW UPSTREAM_CONNECTION_ID UPSTREAM_HEADER_BYTES_SENT UPSTREAM_HOST " +
  "UPSTREAM_HOST_NAME UPSTREAM_LOCAL_ADDRESS UPSTREAM_LOCAL_PORT UPSTREAM_METADATA UPSTREAM_PEER_SUBJECT " +
  "UPSTREAM_PROTOCOL UPSTREAM_REMOTE_ADDRESS UPSTREAM_REMOTE_PORT UPSTREAM_REQUEST_ATTEMPT_COUNT " +
  "UPSTREAM_TLS_VERSION UPSTREAM_TRANSPORT_FAILURE_REASON UPSTREAM_WIRE_BYTES_SENT VIRTUAL_CLUSTER_NAME"
).split(" ");

/** What is wrong with a value, or undefined. */
export function formatFault(value: string): string | undefined {
  const rest = value.replaceAll("%%", "");
  let literal = "";
  let end = 0;
  for (const part of rest.matchAll(/%([A-Z0-9_]+)(\([^)]*\))?(:\d+)?%/g)) {
    const [text, name = ""] = part;
    if (!commands.includes(name))
      return `Envoy knows no command %${name}%.${hint(name, commands, "command")}`;
    literal += rest.slice(end, part.index);
    end = part.index + text.length;
  }
  literal += rest.slice(end);
  if (!literal.includes("%")) return undefined;
  return "Envoy reads % as the beginning of a command such as %REQ(x-name)%. Write %% for a percent sign.";
}

export function checkHeaderValues(
  resource: Resource,
  headers: Headers | undefined,
  path: FieldPath,
  report: Report,
): void {
  for (const side of ["request", "response"] as const) {
    for (const operation of ["set", "add"] as const) {
      for (const [name, value] of Object.entries(headers?.[side]?.[operation] ?? {})) {
        const fault = formatFault(value);
        if (fault !== undefined) report.error(resource, [...path, side, operation, name], fault);
      }
    }
  }
}
