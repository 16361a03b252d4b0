// What a route does, in Envoy's messages: forward, redirect, answer; with Istio's defaults.

import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type HeaderValueOption,
  HeaderValueOption_HeaderAppendAction as Append,
  HeaderValueOptionSchema,
} from "../../build/envoy-api/envoy/config/core/v3/base_pb.ts";
import {
  type DirectResponseAction,
  DirectResponseActionSchema,
  type RedirectAction,
  RedirectAction_RedirectResponseCode as RedirectCode,
  RedirectActionSchema,
  type RetryPolicy,
  RetryPolicy_RetryHostPredicateSchema,
  RetryPolicySchema,
  type RouteAction,
  RouteActionSchema,
  type RouteSchema,
  WeightedCluster_ClusterWeightSchema,
} from "../../build/envoy-api/envoy/config/route/v3/route_components_pb.ts";
import { PreviousHostsPredicateSchema } from "../../build/envoy-api/envoy/extensions/retry/host/previous_hosts/v3/previous_hosts_pb.ts";
import type {
  HeaderOperations,
  Headers,
  HttpDirectResponse,
  HttpRedirect,
  HttpRetry,
  HttpRoute,
} from "../../schema/generated/types.ts";
import { compare } from "./registry.ts";
import { duration, pack, seconds } from "./wire.ts";

/** A destination with the cluster that it stands for. */
export interface MeshDestination {
  host: string;
  subset: string | undefined;
  port: number;
  cluster: string;
  weight: number;
  headers: Headers | undefined;
}

export type RouteOptions = Pick<HttpRoute, "headers" | "rewrite" | "timeout" | "retries">;

/** A Route's fields, but for its name and match. */
export type RouteFields = MessageInitShape<typeof RouteSchema>;

/** Of a route that forwards. A destination of weight 0 beside others gets nothing and is left out. */
export function forward(http: RouteOptions, destinations: readonly MeshDestination[]): RouteFields {
  const weighted = destinations.length === 1 ? destinations : destinations.filter((d) => d.weight > 0);
  const [only] = weighted;
  const own = weighted.length === 1 ? only?.headers : undefined;
  const authority = http.rewrite?.authority ?? newAuthority(http.headers) ?? newAuthority(own);
  const action = create(RouteActionSchema, {
    timeout: http.timeout === undefined ? seconds(0) : duration(http.timeout),
    prefixRewrite: http.rewrite?.uri ?? "",
    hostRewriteSpecifier: hostRewrite(authority),
    clusterSpecifier: weighted.length === 1 ? single(only) : weightedClusters(weighted),
  });
  const retries = retryPolicy(http.retries);
  if (retries !== undefined) action.retryPolicy = retries;
  return { ...headerFields(http.headers, own), action: { case: "route", value: action } };
}

const hostRewrite = (authority: string | undefined) =>
  authority === undefined ? { case: undefined } : ({ case: "hostRewriteLiteral", value: authority } as const);

const single = (d: MeshDestination | undefined): RouteAction["clusterSpecifier"] => ({
  case: "cluster",
  value: d?.cluster ?? "",
});

function weightedClusters(destinations: readonly MeshDestination[]): RouteAction["clusterSpecifier"] {
  return create(RouteActionSchema, {
    clusterSpecifier: {
      case: "weightedClusters",
      value: {
        clusters: destinations.map((d) =>
          create(WeightedCluster_ClusterWeightSchema, {
            name: d.cluster,
            weight: d.weight,
            hostRewriteSpecifier: hostRewrite(newAuthority(d.headers)),
            ...headerFields(d.headers),
          }),
        ),
      },
    },
  }).clusterSpecifier;
}

const defaultRetryOn = "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes";

const previousHosts = create(RetryPolicy_RetryHostPredicateSchema, {
  name: "envoy.retry_host_predicates.previous_hosts",
  configType: {
    case: "typedConfig",
    value: pack(PreviousHostsPredicateSchema, create(PreviousHostsPredicateSchema)),
  },
});

/** Istio retries twice unless told otherwise, on hosts not tried yet. */
export const retryPolicy = (retries: HttpRetry | undefined): RetryPolicy | undefined =>
  retries === undefined ? defaultRetries : buildRetryPolicy(retries);

function buildRetryPolicy(retries: HttpRetry | undefined): RetryPolicy | undefined {
  const attempts = retries?.attempts ?? 2;
  if (attempts === 0) return undefined;
  const { conditions, codes } = retryConditions(retries?.retryOn);
  return create(RetryPolicySchema, {
    retryOn: conditions,
    retriableStatusCodes: codes,
    numRetries: attempts,
    hostSelectionRetryMaxAttempts: 5n,
    retryHostPredicate: [previousHosts],
    ...(retries?.perTryTimeout === undefined ? {} : { perTryTimeout: duration(retries.perTryTimeout) }),
  });
}

const defaultRetries = buildRetryPolicy(undefined);

/** Numbers among the conditions are status codes. */
function retryConditions(retryOn: string | undefined): { conditions: string; codes: number[] } {
  if (retryOn === undefined || retryOn === "") return { conditions: defaultRetryOn, codes: [503] };
  const parts = retryOn.split(",").map((part) => part.trim());
  const codes = parts.filter((part) => /^[1-5]\d\d$/.test(part)).map(Number);
  const conditions = parts.filter((part) => part !== "" && !/^[1-5]\d\d$/.test(part));
  if (codes.length > 0 && !conditions.includes("retriable-status-codes")) {
    conditions.push("retriable-status-codes");
  }
  return { conditions: conditions.join(","), codes };
}

const redirectCodes = new Map([
  [301, RedirectCode.MOVED_PERMANENTLY],
  [302, RedirectCode.FOUND],
  [303, RedirectCode.SEE_OTHER],
  [307, RedirectCode.TEMPORARY_REDIRECT],
  [308, RedirectCode.PERMANENT_REDIRECT],
]);

/** `listenPort` is the port of the request, for FROM_REQUEST_PORT. */
export function redirect(spec: HttpRedirect, listenPort: number): RedirectAction {
  const scheme = spec.scheme ?? "http";
  const wanted = spec.derivePort === "FROM_REQUEST_PORT" ? listenPort : (spec.port ?? 0);
  const isDefault = (wanted === 80 && scheme === "http") || (wanted === 443 && scheme === "https");
  return create(RedirectActionSchema, {
    hostRedirect: spec.authority ?? "",
    portRedirect: isDefault ? 0 : wanted,
    pathRewriteSpecifier:
      spec.prefixRewrite !== undefined
        ? { case: "prefixRewrite", value: spec.prefixRewrite }
        : { case: "pathRedirect", value: spec.uri ?? "" },
    schemeRewriteSpecifier:
      spec.scheme === undefined ? { case: undefined } : { case: "schemeRedirect", value: spec.scheme },
    responseCode: redirectCodes.get(spec.redirectCode ?? 301) ?? RedirectCode.MOVED_PERMANENTLY,
  });
}

export function directResponse(spec: HttpDirectResponse): DirectResponseAction {
  const action = create(DirectResponseActionSchema, { status: spec.status });
  if (spec.body === undefined) return action;
  return create(DirectResponseActionSchema, {
    status: spec.status,
    body: {
      specifier:
        spec.body.bytes !== undefined
          ? { case: "inlineBytes", value: Uint8Array.from(Buffer.from(spec.body.bytes, "base64")) }
          : { case: "inlineString", value: spec.body.string ?? "" },
    },
  });
}

/** The four fields that routes and weighted clusters have in common; later entries come after earlier ones. */
export function headerFields(...all: (Headers | undefined)[]) {
  return {
    requestHeadersToAdd: all.flatMap((headers) => additions(headers?.request)),
    requestHeadersToRemove: all.flatMap((headers) => removals(headers?.request)),
    responseHeadersToAdd: all.flatMap((headers) => additions(headers?.response)),
    responseHeadersToRemove: all.flatMap((headers) => removals(headers?.response)),
  };
}

const additions = (operations: HeaderOperations | undefined): HeaderValueOption[] => [
  ...values(operations?.set, Append.OVERWRITE_IF_EXISTS_OR_ADD),
  ...values(operations?.add, Append.APPEND_IF_EXISTS_OR_ADD),
];

const removals = (operations: HeaderOperations | undefined): string[] =>
  (operations?.remove ?? []).filter(isOrdinary);

/** Host and :authority cannot be changed as headers: Envoy rewrites them. */
const newAuthority = (headers: Headers | undefined): string | undefined =>
  authorityOf(headers?.request?.set) ?? authorityOf(headers?.request?.add);

const isOrdinary = (name: string): boolean => !name.startsWith(":") && name.toLowerCase() !== "host";

function authorityOf(map: Record<string, string> | undefined): string | undefined {
  const entry = Object.entries(map ?? {}).find(([name]) => /^(:authority|host)$/i.test(name));
  return entry?.[1];
}

function values(map: Record<string, string> | undefined, appendAction: Append): HeaderValueOption[] {
  return Object.entries(map ?? {})
    .filter(([name]) => isOrdinary(name))
    .sort(([a], [b]) => compare(a, b))
    .map(([key, value]) => create(HeaderValueOptionSchema, { header: { key, value }, appendAction }));
}
