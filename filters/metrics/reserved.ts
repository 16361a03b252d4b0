// Labels that the metrics have already, under our names or Istio's: a second one of the same name would make
// Prometheus refuse the whole scrape.

import { equalsAscii } from "../../assembly/bytes";

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

/** Whether Istio's metrics have this label: they go without the dimension. */
export function isIstiosLabel(start: usize, length: u32): bool {
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
