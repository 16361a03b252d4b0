// Who is measured: chains of HTTP filters that stand before one direct response.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../envoy/root.ts";
import { readModule } from "../server/policy/modules.ts";

export interface Contestant {
  name: string;
  filters: unknown[];
  /** What every request is answered. */
  status: number;
}

const typeUrl = (name: string) => `type.googleapis.com/envoy.extensions.filters.http.${name}`;
export const routeName = "search";
export const virtualHost = "search:80";

const localRateLimit = (perSecond: number) => ({
  name: "local_ratelimit",
  typed_config: {
    "@type": typeUrl("local_ratelimit.v3.LocalRateLimit"),
    stat_prefix: "local",
    token_bucket: { max_tokens: perSecond, tokens_per_fill: perSecond, fill_interval: "1s" },
    filter_enabled: { default_value: { numerator: 100 } },
    filter_enforced: { default_value: { numerator: 100 } },
  },
});

const nativeFault = {
  name: "fault",
  typed_config: {
    "@type": typeUrl("fault.v3.HTTPFault"),
    abort: { http_status: 503, percentage: { numerator: 100 } },
    headers: [{ name: "x-fault", string_match: { exact: "on" } }],
  },
};

const headerToMetadata = {
  name: "header_to_metadata",
  typed_config: {
    "@type": typeUrl("header_to_metadata.v3.Config"),
    request_rules: [
      { header: "uid", on_header_present: { metadata_namespace: "envoy.lb", key: "uid", type: "STRING" } },
    ],
  },
};

/** `idle`: callbacks of the module that its policy does not need, and that are therefore not allowed. */
function wasm(name: string, file: string, configuration: unknown, idle: readonly string[] = []): unknown {
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
          value: JSON.stringify(configuration),
        },
        vm_config: {
          runtime: "envoy.wasm.runtime.v8",
          vm_id: name,
          code: { local: { filename: file } },
        },
      },
    },
  };
}

function allowing(file: string, idle: readonly string[]) {
  const { hostcalls, callbacks } = readModule("", readFileSync(file));
  const names = [...hostcalls, ...callbacks].filter((name) => !idle.includes(name));
  return { allowed_capabilities: Object.fromEntries(names.map((name) => [name, {}])) };
}

const ours = (filter: string, policy: object, idle: readonly string[] = []) =>
  wasm(
    filter,
    join(projectRoot, `build/filters/${filter}.wasm`),
    { policies: [{ name: "bench/policy", attach: [{ route: routeName }], ...policy }] },
    idle,
  );

const responseCallbacks = ["proxy_on_response_headers", "proxy_on_log"];
const plenty = 100_000_000;
const limited = (limit: object) => ours("rate_limit", { limits: [limit] }, responseCallbacks);
const unkeyed = (requests: number) => limited({ name: "all", requests, per: "1s", burst: requests });
const keyed = limited({
  name: "user",
  key: [{ header: "uid" }],
  requests: 1_000_000,
  per: "1s",
  maxKeys: 10_000,
});
const routing = ours(
  "header_routing",
  {
    rules: [
      { name: "none", match: [{ headers: { uid: { exact: "nobody" } } }], destination: { subset: "v3" } },
    ],
  },
  responseCallbacks,
);

const fault = (value: string) =>
  ours(
    "fault",
    {
      faults: [
        {
          name: "down",
          percentage: 100,
          match: [{ headers: { uid: value === "" ? {} : { exact: value } } }],
          abort: { httpStatus: 503 },
        },
      ],
    },
    [...responseCallbacks, "proxy_on_tick"],
  );
const nativeAbort = {
  ...nativeFault,
  typed_config: { ...nativeFault.typed_config, headers: [{ name: "uid", present_match: true }] },
};

export function contestants(): Contestant[] {
  const chain = [localRateLimit(plenty), nativeFault, headerToMetadata];
  return [
    { name: "no filter", filters: [], status: 200 },
    { name: "native local_ratelimit", filters: [localRateLimit(plenty)], status: 200 },
    { name: "native chain (local_ratelimit, fault, header_to_metadata)", filters: chain, status: 200 },
    { name: "an empty Wasm module", filters: [wasm("empty", emptyModule(), {})], status: 200 },
    { name: "header_routing, no rule matches", filters: [routing], status: 200 },
    { name: "rate_limit, one bucket, admitted", filters: [unkeyed(1_000_000)], status: 200 },
    { name: "rate_limit, a bucket per user, admitted", filters: [keyed], status: 200 },
    { name: "rate_limit, refused", filters: [unkeyed(1)], status: 429 },
    { name: "fault, does not match", filters: [fault("nobody")], status: 200 },
    { name: "native fault, does not match", filters: [nativeFault], status: 200 },
    { name: "fault, aborts", filters: [fault("")], status: 503 },
    { name: "native fault, aborts", filters: [nativeAbort], status: 503 },
    { name: "native local_ratelimit, refused", filters: [localRateLimit(1)], status: 429 },
  ];
}

function emptyModule(): string {
  const file = join(projectRoot, "build/bench/empty.wasm");
  const asc = join(projectRoot, "node_modules/assemblyscript/bin/asc.js");
  execFileSync(process.execPath, [asc, "bench/peers/empty.ts", "--target", "release", "-o", file], {
    cwd: projectRoot,
    stdio: "inherit",
  });
  return file;
}
