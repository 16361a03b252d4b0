// The names under which metrics are reported, and the labels that they have already: a second one of the same name
// would make Prometheus refuse the whole scrape.

import { equalsAscii } from "../../assembly/bytes";

/** Bits: under which names. */
export const SLUICE_NAMES: u32 = 1;
export const ISTIO_NAMES: u32 = 2;
export const OTEL_NAMES: u32 = 4;

/** Whether a dimension may not have this name. */
export function isTakenLabel(start: usize, length: u32): bool {
  return (
    equalsAscii(start, length, "virtual_host") ||
    equalsAscii(start, length, "route") ||
    equalsAscii(start, length, "response_code") ||
    equalsAscii(start, length, "dimensions") ||
    equalsAscii(start, length, "le") ||
    equalsAscii(start, length, "quantile")
  );
}

/** The names under which metrics have this label: they go without the dimension. */
export function reservedIn(start: usize, length: u32): u32 {
  return (isIstiosLabel(start, length) ? ISTIO_NAMES : 0) | (isOtelsLabel(start, length) ? OTEL_NAMES : 0);
}

function isOtelsLabel(start: usize, length: u32): bool {
  return (
    equalsAscii(start, length, "http_request_method") ||
    equalsAscii(start, length, "http_response_status_code") ||
    equalsAscii(start, length, "http_route") ||
    equalsAscii(start, length, "server_address") ||
    equalsAscii(start, length, "url_scheme") ||
    equalsAscii(start, length, "error_type")
  );
}

function isIstiosLabel(start: usize, length: u32): bool {
  return (
    equalsAscii(start, length, "reporter") ||
    equalsAscii(start, length, "source_workload") ||
    equalsAscii(start, length, "source_workload_namespace") ||
    equalsAscii(start, length, "source_canonical_service") ||
    equalsAscii(start, length, "source_canonical_revision") ||
    equalsAscii(start, length, "destination_workload") ||
    equalsAscii(start, length, "destination_workload_namespace") ||
    equalsAscii(start, length, "destination_service") ||
    equalsAscii(start, length, "destination_service_name") ||
    equalsAscii(start, length, "destination_service_namespace") ||
    equalsAscii(start, length, "destination_canonical_service") ||
    equalsAscii(start, length, "destination_canonical_revision") ||
    equalsAscii(start, length, "destination_version") ||
    equalsAscii(start, length, "request_protocol") ||
    equalsAscii(start, length, "grpc_response_status") ||
    equalsAscii(start, length, "response_flags") ||
    equalsAscii(start, length, "connection_security_policy")
  );
}
