// What a route does, in Envoy's messages: forward, redirect, answer; with Istio's defaults.

import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type DirectResponseAction,
  DirectResponseActionSchema,
  type RedirectAction,
  RedirectAction_RedirectResponseCode as RedirectCode,
  RedirectActionSchema,
  type RouteAction,
  type RouteAction_HashPolicy,
  type RouteAction_RequestMirrorPolicy,
  RouteAction_RequestMirrorPolicySchema,
  RouteActionSchema,
  type RouteSchema,
  WeightedCluster_ClusterWeightSchema,
} from "../../build/envoy-api/envoy/config/route/v3/route_components_pb.ts";
import { FractionalPercent_DenominatorType as Denominator } from "../../build/envoy-api/envoy/type/v3/percent_pb.ts";
import type { Headers, HttpDirectResponse, HttpRedirect, HttpRoute } from "../../schema/generated/types.ts";
import { headerFields, newAuthority } from "./header-operations.ts";
import { retryPolicy } from "./retries.ts";
import { duration, seconds } from "./wire.ts";

/** A destination with the cluster that it stands for. */
export interface MeshDestination {
  host: string;
  subset: string | undefined;
  port: number;
  cluster: string;
  weight: number;
  headers: Headers | undefined;
  /** What its consistent hash is made of; undefined: another way of balancing. */
  hash: RouteAction_HashPolicy | undefined;
}

/** A cluster that gets copies of requests. */
export interface MeshMirror {
  cluster: string;
  /** Of the requests; above 0. */
  millionths: number;
}

export type RouteOptions = Pick<HttpRoute, "headers" | "rewrite" | "timeout" | "retries">;

/** A Route's fields, but for its name and match. */
export type RouteFields = MessageInitShape<typeof RouteSchema>;

/** Of a route that forwards. A destination of weight 0 beside others gets nothing and is left out. */
export function forward(
  http: RouteOptions,
  destinations: readonly MeshDestination[],
  mirrors: readonly MeshMirror[] = [],
): RouteFields {
  const weighted = destinations.length === 1 ? destinations : destinations.filter((d) => d.weight > 0);
  const [only] = weighted;
  const own = weighted.length === 1 ? only?.headers : undefined;
  const authority = http.rewrite?.authority ?? newAuthority(http.headers) ?? newAuthority(own);
  const retries = retryPolicy(http.retries, weighted.length === 1 && only?.hash !== undefined);
  const action = create(RouteActionSchema, {
    timeout: http.timeout === undefined ? seconds(0) : duration(http.timeout),
    prefixRewrite: http.rewrite?.uri ?? "",
    ...regexRewrite(http.rewrite),
    hostRewriteSpecifier: hostRewrite(authority),
    requestMirrorPolicies: mirrors.map(mirrorPolicy),
    hashPolicy: weighted.flatMap(({ hash }) => hash ?? []),
    clusterSpecifier: weighted.length === 1 ? single(only) : weightedClusters(weighted),
    ...(retries === undefined ? {} : { retryPolicy: retries }),
  });
  return { ...headerFields(http.headers, own), action: { case: "route", value: action } };
}

function regexRewrite(rewrite: HttpRoute["rewrite"]) {
  const { match: regex, rewrite: substitution } = rewrite?.uriRegexRewrite ?? {};
  return regex === undefined
    ? {}
    : { regexRewrite: { pattern: { regex }, substitution: substitution ?? "" } };
}

/** Copies are not traced of their own, as in Istio; Envoy adds `-shadow` to their host. */
const mirrorPolicy = ({ cluster, millionths }: MeshMirror): RouteAction_RequestMirrorPolicy =>
  create(RouteAction_RequestMirrorPolicySchema, {
    cluster,
    runtimeFraction: { defaultValue: { numerator: millionths, denominator: Denominator.MILLION } },
    traceSampled: false,
  });

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

const redirectCodes = new Map([
  [301, RedirectCode.MOVED_PERMANENTLY],
  [302, RedirectCode.FOUND],
  [303, RedirectCode.SEE_OTHER],
  [307, RedirectCode.TEMPORARY_REDIRECT],
  [308, RedirectCode.PERMANENT_REDIRECT],
]);

/** `listenPort` is the port of the request, for FROM_REQUEST_PORT; `isTls`: that it comes by TLS. */
export function redirect(spec: HttpRedirect, listenPort: number, isTls = false): RedirectAction {
  const scheme = spec.scheme ?? (isTls ? "https" : "http");
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
