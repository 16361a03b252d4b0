// The labels of our filters' metrics. A stat of a Wasm module is only a name, so a filter writes the labels
// into it, each as the byte 1F, the label, `=` and the value:
//
//   wasmcustom.sluice_route_choices_total␟policy=ficool/canary␟rule=insiders␟destination=v3
//
// and one rule per label takes them out again: Prometheus then prints real labels. The values stay intact,
// whatever they contain (dots, dashes, colons, slashes, UTF-8, quotes, spaces), in histograms too; a name that
// separates with dots could not do that.

import { create } from "@bufbuild/protobuf";
import {
  type TagSpecifier,
  TagSpecifierSchema,
} from "../build/envoy-api/envoy/config/metrics/v3/stats_pb.ts";

/** Labels of the metrics that exist without any MetricsPolicy. */
export const standardLabels = [
  "virtual_host",
  "route",
  "response_code",
  "policy",
  "limit",
  "rule",
  "fault",
  "destination",
  "decision",
  "type",
  "reason",
] as const;

/** The regex's first group is cut out of the name, the second is the value. */
export function statsTags(labels: readonly string[] = standardLabels): TagSpecifier[] {
  return labels.map((label) =>
    create(TagSpecifierSchema, {
      tagName: label,
      tagValue: { case: "regex", value: `(\\x1f${label}=([^\\x1f]*))` },
    }),
  );
}
