// Filters as Envoy's configuration has them: its own, and Wasm modules with what each may do.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../envoy/root.ts";
import { readModule } from "../server/policy/modules.ts";

export const routeName = "search";
export const virtualHost = "search:80";

const typeUrl = (name: string) => `type.googleapis.com/envoy.extensions.filters.http.${name}`;

export const localRateLimit = (perSecond: number) => ({
  name: "local_ratelimit",
  typed_config: {
    "@type": typeUrl("local_ratelimit.v3.LocalRateLimit"),
    stat_prefix: "local",
    token_bucket: { max_tokens: perSecond, tokens_per_fill: perSecond, fill_interval: "1s" },
    filter_enabled: { default_value: { numerator: 100 } },
    filter_enforced: { default_value: { numerator: 100 } },
  },
});

/** Aborts where the header `name` meets the condition. */
export const nativeFault = (name: string, condition: object) => ({
  name: "fault",
  typed_config: {
    "@type": typeUrl("fault.v3.HTTPFault"),
    abort: { http_status: 503, percentage: { numerator: 100 } },
    headers: [{ name, ...condition }],
  },
});

export const headerToMetadata = {
  name: "header_to_metadata",
  typed_config: {
    "@type": typeUrl("header_to_metadata.v3.Config"),
    request_rules: [
      { header: "uid", on_header_present: { metadata_namespace: "envoy.lb", key: "uid", type: "STRING" } },
    ],
  },
};

const tags = [
  { name: "route", value_format: "%ROUTE_NAME%" },
  { name: "response_code", value_format: "%RESPONSE_CODE%" },
];

/** Requests and durations by route and response code, as access_loggers.stats counts them. */
export const nativeMetrics = {
  name: "stats",
  typed_config: {
    "@type": "type.googleapis.com/envoy.extensions.access_loggers.stats.v3.Config",
    stat_prefix: "bench",
    counters: [{ stat: { name: "requests", tags }, value_fixed: 1 }],
    histograms: [{ stat: { name: "duration", tags }, unit: "Milliseconds", value_format: "%DURATION%" }],
  },
};

/** `idle`: callbacks of the module that its policy does not need, and that are therefore not allowed. */
export function wasm(
  name: string,
  file: string,
  configuration: unknown,
  idle: readonly string[] = [],
): unknown {
  return {
    name,
    typed_config: {
      "@type": typeUrl("wasm.v3.Wasm"),
      config: {
        name,
        root_id: name,
        failure_policy: "FAIL_RELOAD",
        ...(idle.length === 0 ? {} : { capability_restriction_config: allowing(file, idle) }),
        configuration: {
          "@type": "type.googleapis.com/google.protobuf.StringValue",
          value: typeof configuration === "string" ? configuration : JSON.stringify(configuration),
        },
        vm_config: { runtime: "envoy.wasm.runtime.v8", vm_id: name, code: { local: { filename: file } } },
      },
    },
  };
}

function allowing(file: string, idle: readonly string[]) {
  const { hostcalls, callbacks } = readModule("", readFileSync(file));
  const names = [...hostcalls, ...callbacks].filter((name) => !idle.includes(name));
  return { allowed_capabilities: Object.fromEntries(names.map((name) => [name, {}])) };
}

export const moduleOf = (filter: string) => join(projectRoot, `build/filters/${filter}.wasm`);
