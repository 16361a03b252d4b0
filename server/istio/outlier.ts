// Outlier detection: Istio's field by field, with Istio's choice of what counts.

import type { OutlierDetectionSchema } from "../../build/envoy-api/envoy/config/cluster/v3/outlier_detection_pb.ts";
import type { MatchPredicateSchema } from "../../build/envoy-api/envoy/config/common/matcher/v3/matcher_pb.ts";
import type { OutlierDetection } from "../../schema/generated/types.ts";
import { duration, type Fields } from "./wire.ts";

/** Envoy's comparison of success rates is off, as in Istio: it ejects by statistics that few requests give. */
export function outlierMessage(spec: OutlierDetection): Fields<typeof OutlierDetectionSchema> {
  const { consecutive5xxErrors, consecutiveGatewayErrors, consecutiveLocalOriginFailures } = spec;
  return {
    enforcingSuccessRate: 0,
    ...(consecutive5xxErrors === undefined
      ? {}
      : { consecutive5xx: consecutive5xxErrors, enforcingConsecutive5xx: enforced(consecutive5xxErrors) }),
    ...(consecutiveGatewayErrors === undefined
      ? {}
      : {
          consecutiveGatewayFailure: consecutiveGatewayErrors,
          enforcingConsecutiveGatewayFailure: enforced(consecutiveGatewayErrors),
        }),
    ...(spec.interval === undefined ? {} : { interval: duration(spec.interval) }),
    ...(spec.baseEjectionTime === undefined ? {} : { baseEjectionTime: duration(spec.baseEjectionTime) }),
    ...(spec.maxEjectionPercent ? { maxEjectionPercent: spec.maxEjectionPercent } : {}),
    ...(spec.splitExternalLocalOriginErrors !== true
      ? {}
      : {
          splitExternalLocalOriginErrors: true,
          enforcingLocalOriginSuccessRate: 0,
          ...(consecutiveLocalOriginFailures
            ? {
                consecutiveLocalOriginFailure: consecutiveLocalOriginFailures,
                enforcingConsecutiveLocalOriginFailure: 100,
              }
            : {}),
        }),
  };
}

/** In percent. 0 errors in a row stands for never. */
const enforced = (count: number): number => (count > 0 ? 100 : 0);

/** The answers that count as errors, where they are not 500 to 599. */
export function errorMatcher(
  spec: OutlierDetection | undefined,
): Fields<typeof MatchPredicateSchema> | undefined {
  const rules = spec?.outlierDetectionHttpErrorCodes?.map(statusIs) ?? [];
  if (rules.length < 2) return rules[0];
  return { rule: { case: "orMatch", value: { rules } } };
}

const statusIs = (code: number): Fields<typeof MatchPredicateSchema> => ({
  rule: {
    case: "httpResponseHeadersMatch",
    value: {
      headers: [
        {
          name: ":status",
          headerMatchSpecifier: {
            case: "stringMatch",
            value: { matchPattern: { case: "exact", value: String(code) } },
          },
        },
      ],
    },
  },
});
