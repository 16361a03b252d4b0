// Retries of failed requests: Istio retries twice unless told otherwise, on hosts not tried yet.

import { create } from "@bufbuild/protobuf";
import {
  type RetryPolicy,
  RetryPolicy_RetryHostPredicateSchema,
  RetryPolicy_RetryPrioritySchema,
  RetryPolicySchema,
} from "../../build/envoy-api/envoy/config/route/v3/route_components_pb.ts";
import { PreviousHostsPredicateSchema } from "../../build/envoy-api/envoy/extensions/retry/host/previous_hosts/v3/previous_hosts_pb.ts";
import { PreviousPrioritiesConfigSchema } from "../../build/envoy-api/envoy/extensions/retry/priority/previous_priorities/v3/previous_priorities_config_pb.ts";
import type { HttpRetry } from "../../schema/generated/types.ts";
import { duration, pack } from "./wire.ts";

/** `isHashed`: a consistent hash chooses the host, and a retry must not leave it unless told to. */
export function retryPolicy(retries: HttpRetry | undefined, isHashed: boolean): RetryPolicy | undefined {
  if (retries === undefined) return isHashed ? defaultHashed : defaultRetries;
  return (retries.attempts ?? 0) === 0 ? undefined : build(retries, isHashed);
}

/** As in Istio, no status code is among them: what a service has answered is not tried again unasked. */
const defaultRetryOn = "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes";

const previousHosts = create(RetryPolicy_RetryHostPredicateSchema, {
  name: "envoy.retry_host_predicates.previous_hosts",
  configType: {
    case: "typedConfig",
    value: pack(PreviousHostsPredicateSchema, create(PreviousHostsPredicateSchema)),
  },
});

/** Each second retry looks anew at which priorities were tried: those of other localities among them. */
const previousPriorities = create(RetryPolicy_RetryPrioritySchema, {
  name: "envoy.retry_priorities.previous_priorities",
  configType: {
    case: "typedConfig",
    value: pack(
      PreviousPrioritiesConfigSchema,
      create(PreviousPrioritiesConfigSchema, { updateFrequency: 2 }),
    ),
  },
});

function build(retries: HttpRetry, isHashed: boolean): RetryPolicy {
  const { conditions, codes } = retryConditions(retries.retryOn);
  const avoidsTried = retries.retryIgnorePreviousHosts ?? !isHashed;
  return create(RetryPolicySchema, {
    retryOn: conditions,
    retriableStatusCodes: codes,
    numRetries: retries.attempts ?? 0,
    hostSelectionRetryMaxAttempts: 5n,
    retryHostPredicate: avoidsTried ? [previousHosts] : [],
    ...(retries.retryRemoteLocalities === true ? { retryPriority: previousPriorities } : {}),
    ...(retries.perTryTimeout === undefined ? {} : { perTryTimeout: duration(retries.perTryTimeout) }),
    ...(retries.backoff === undefined ? {} : { retryBackOff: { baseInterval: duration(retries.backoff) } }),
  });
}

const defaultRetries = build({ attempts: 2 }, false);
const defaultHashed = build({ attempts: 2 }, true);

/** Numbers among the conditions are status codes. */
function retryConditions(retryOn: string | undefined): { conditions: string; codes: number[] } {
  if (retryOn === undefined || retryOn === "") return { conditions: defaultRetryOn, codes: [] };
  const parts = retryOn.split(",").map((part) => part.trim());
  const codes = parts.filter((part) => /^[1-5]\d\d$/.test(part)).map(Number);
  const conditions = parts.filter((part) => part !== "" && !/^[1-5]\d\d$/.test(part));
  if (codes.length > 0 && !conditions.includes("retriable-status-codes")) {
    conditions.push("retriable-status-codes");
  }
  return { conditions: conditions.join(","), codes };
}
