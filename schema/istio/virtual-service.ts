// VirtualService: how the requests to a host are routed.

import {
  boolean,
  duration,
  enumeration,
  type Field,
  integer,
  list,
  map,
  nonEmpty,
  type ObjectSchema,
  percent,
  string,
} from "../language.ts";
import { grpcStatus } from "../fault.ts";
import { exportTo, headers, maxInt32, refused, serviceDestination, yearMs } from "./common.ts";

const operand = string(8192);
const ours = (instead: string): Field =>
  refused(
    "Not one of Istio's conditions.",
    `a VirtualService knows exact, prefix and regex only; ${instead}`,
  );

/** Istio's StringMatch; `{}` asks only that the text is present. */
const istioStringMatch: ObjectSchema = {
  type: "object",
  name: "IstioStringMatch",
  doc: "One condition on a text; empty: the text is present.",
  fields: {
    exact: { schema: operand, doc: "Equal, byte for byte." },
    prefix: { schema: operand, doc: "Starts with; a string prefix, not a path segment." },
    regex: { schema: nonEmpty(4096, "regex"), doc: "Matches as a whole, RE2 syntax." },
    suffix: ours("write `regex: .*\\.png` for the suffix `.png`"),
    contains: ours("write `regex: .*word.*` for what contains `word`"),
    in: ours("write `regex: a|b`, or one entry of `match` for each value"),
  },
  atMostOneOf: [["exact", "prefix", "regex"]],
};

const conditions = map(istioStringMatch, 64, "headerName");

const httpMatchRequest: ObjectSchema = {
  type: "object",
  name: "HttpMatchRequest",
  doc: "Conditions on one request, all of which must hold.",
  fields: {
    name: { schema: string(256), doc: "Shown in explanations." },
    uri: { schema: istioStringMatch, doc: "The path without the query." },
    scheme: { schema: istioStringMatch, doc: "`http` or `https`." },
    method: { schema: istioStringMatch, doc: "The HTTP method; case-sensitive." },
    authority: { schema: istioStringMatch, doc: "The Host or :authority header." },
    headers: { schema: conditions, doc: "By header name." },
    withoutHeaders: { schema: conditions, doc: "None of these may hold; an absent header satisfies it." },
    queryParams: { schema: map(istioStringMatch, 64), doc: "By parameter name; the first value counts." },
    ignoreUriCase: { schema: boolean, default: false, doc: "`uri` exact and prefix ignore case." },
    port: refused(
      "Port of the listener.",
      "routes do not differ by port; remove it, or bind the VirtualService to a Gateway of that port",
    ),
    sourceLabels: refused(
      "Labels of the calling workload.",
      "the caller's labels are not known here; match on a header instead",
    ),
    sourceNamespace: refused(
      "Namespace of the calling workload.",
      "the caller's namespace is not known here; match on a header instead",
    ),
    gateways: refused(
      "Gateways of this match.",
      "list the gateways in `spec.gateways`, or write a VirtualService for each",
    ),
    statPrefix: refused("Prefix of route statistics.", "routes are counted by their `name`; remove it"),
    cookies: refused(
      "Not one of Istio's conditions.",
      "match the `cookie` header with a regex, or use a HeaderRoutingPolicy, which knows cookies",
    ),
    sourceIp: refused("Not one of Istio's conditions.", "use a HeaderRoutingPolicy, which knows sourceIp"),
  },
};

const httpRouteDestination: ObjectSchema = {
  type: "object",
  name: "HttpRouteDestination",
  doc: "A destination and its share of the requests.",
  fields: {
    destination: { schema: serviceDestination, required: true, doc: "Where the requests go." },
    weight: {
      schema: integer(0, maxInt32),
      doc: "Relative to the sum of the weights; a single destination needs none.",
    },
    headers: { schema: headers, doc: "Headers changed for this destination only." },
  },
};

const httpRedirect: ObjectSchema = {
  type: "object",
  name: "HttpRedirect",
  doc: "Answers with a redirect.",
  fields: {
    uri: { schema: nonEmpty(8192), doc: "Replaces the whole path." },
    prefixRewrite: { schema: nonEmpty(8192), doc: "Replaces the matched prefix of the path." },
    authority: { schema: nonEmpty(253), doc: "Replaces the host." },
    port: { schema: integer(1, 65_535), doc: "Replaces the port." },
    derivePort: {
      schema: enumeration("RedirectPortSelection", "FROM_PROTOCOL_DEFAULT", "FROM_REQUEST_PORT"),
      doc: "Port by protocol, or that of the request.",
    },
    scheme: { schema: enumeration("RedirectScheme", "http", "https"), doc: "Replaces the scheme." },
    redirectCode: {
      schema: { ...integer(301, 308), values: [301, 302, 303, 307, 308] },
      default: 301,
      doc: "The status that is answered.",
    },
  },
  atMostOneOf: [
    ["uri", "prefixRewrite"],
    ["port", "derivePort"],
  ],
  atLeastOneOf: [["uri", "prefixRewrite", "authority", "port", "derivePort", "scheme"]],
};

const httpDirectResponse: ObjectSchema = {
  type: "object",
  name: "HttpDirectResponse",
  doc: "Answers without asking any destination.",
  fields: {
    status: { schema: integer(200, 599), required: true, doc: "The status that is answered." },
    body: {
      schema: {
        type: "object",
        name: "HttpBody",
        doc: "The body that is answered.",
        fields: {
          string: { schema: string(1_048_576), doc: "As text." },
          bytes: { schema: string(1_398_104, "base64"), doc: "As base64." },
        },
        exactlyOneOf: [["string", "bytes"]],
      },
      doc: "Absent: an empty body.",
    },
  },
};

const httpRewrite: ObjectSchema = {
  type: "object",
  name: "HttpRewrite",
  doc: "Changes path and host before the request goes upstream.",
  fields: {
    uri: { schema: nonEmpty(8192), doc: "Replaces the matched prefix, or the whole of an exact match." },
    authority: { schema: nonEmpty(253), doc: "Replaces the host." },
    uriRegexRewrite: refused(
      "Rewrite by regular expression.",
      "write a `match` with a uri prefix and `rewrite.uri`",
    ),
  },
  atLeastOneOf: [["uri", "authority"]],
};

const httpRetry: ObjectSchema = {
  type: "object",
  name: "HttpRetry",
  doc: "When and how often a failed request is tried again.",
  fields: {
    attempts: {
      schema: integer(0, maxInt32),
      doc: "Retries after the first try; 0 switches them off.",
      default: 2,
    },
    perTryTimeout: { schema: duration(1, yearMs), doc: "Of each try; default: the route's timeout." },
    retryOn: {
      schema: string(1024, "retryOn"),
      default: "connect-failure,refused-stream,unavailable,cancelled",
      doc: "Envoy's conditions or status codes, separated by commas.",
    },
    retryRemoteLocalities: refused(
      "Retries in other localities.",
      "localities are not known here; remove it",
    ),
    retryIgnorePreviousHosts: refused(
      "Retries on hosts tried before.",
      "a retry always prefers a host not tried yet; remove it",
    ),
    backoff: refused("First interval between retries.", "Envoy's own back-off of 25 ms applies; remove it"),
  },
};

const share: ObjectSchema = {
  type: "object",
  name: "IstioPercent",
  doc: "A percentage, as Istio writes it.",
  fields: { value: { schema: percent, default: 0, doc: "From 0 to 100." } },
};

/** Istio's default is that no request is hit; ours, in a FaultPolicy, is that there is none. */
const httpFaultInjection: ObjectSchema = {
  type: "object",
  name: "HttpFaultInjection",
  doc: "Faults on the route's requests: the delay first, then the abort, each with dice of its own.",
  fields: {
    delay: {
      schema: {
        type: "object",
        name: "HttpFaultDelay",
        doc: "Requests that are held before they go on.",
        fields: {
          fixedDelay: { schema: duration(1, 3_600_000), required: true, doc: "How long." },
          percentage: { schema: share, doc: "Share of the requests; absent: none." },
          percent: { schema: integer(0, 100), doc: "The old way to write `percentage`." },
          exponentialDelay: refused(
            "Exponential delay.",
            "Istio does not act on it either; write a FaultPolicy with `delay.pareto`",
          ),
        },
        atMostOneOf: [["percentage", "percent"]],
      },
      doc: "A delay.",
    },
    abort: {
      schema: {
        type: "object",
        name: "HttpFaultAbort",
        doc: "Requests that are answered in the service's place.",
        fields: {
          httpStatus: { schema: integer(200, 599), doc: "HTTP status." },
          grpcStatus: { schema: grpcStatus, doc: "gRPC status by name." },
          http2Error: refused("HTTP/2 error.", "Envoy answers no such thing; write `httpStatus`"),
          percentage: { schema: share, doc: "Share of the requests; absent: none." },
        },
        exactlyOneOf: [["httpStatus", "grpcStatus"]],
      },
      doc: "An abort.",
    },
  },
  atLeastOneOf: [["delay", "abort"]],
};

const httpRoute: ObjectSchema = {
  type: "object",
  name: "HttpRoute",
  doc: "One route; the first that matches takes the request.",
  fields: {
    name: {
      schema: string(256),
      doc: "Name of the route in Envoy, and what a policy's sectionName refers to.",
    },
    match: { schema: list(httpMatchRequest, 256), doc: "Any of these; absent: every request." },
    route: { schema: list(httpRouteDestination, 256, 1), doc: "Where the requests go, by weight." },
    redirect: { schema: httpRedirect, doc: "Answers with a redirect." },
    directResponse: { schema: httpDirectResponse, doc: "Answers at once." },
    rewrite: { schema: httpRewrite, doc: "Changes path and host." },
    timeout: { schema: duration(1, yearMs), doc: "Of the whole request; absent: none." },
    retries: { schema: httpRetry, doc: "Retries of failed requests." },
    headers: { schema: headers, doc: "Headers changed on this route." },
    delegate: refused(
      "Routes of another VirtualService.",
      "VirtualServices are not delegated; move its routes here",
    ),
    fault: { schema: httpFaultInjection, doc: "Injected faults; a FaultPolicy on this route." },
    mirror: refused("A copy of the requests.", "requests are not mirrored; remove it"),
    mirrors: refused("Copies of the requests.", "requests are not mirrored; remove it"),
    mirrorPercent: refused("Share of mirrored requests.", "requests are not mirrored; remove it"),
    mirror_percent: refused("Share of mirrored requests.", "requests are not mirrored; remove it"),
    mirrorPercentage: refused("Share of mirrored requests.", "requests are not mirrored; remove it"),
    corsPolicy: refused(
      "Cross-origin rules.",
      "CORS is not answered by the proxy; answer it in the service and remove this",
    ),
  },
  exactlyOneOf: [["route", "redirect", "directResponse"]],
  atMostOneOf: [
    ["redirect", "rewrite"],
    ["directResponse", "rewrite"],
  ],
};

export const virtualServiceSpec: ObjectSchema = {
  type: "object",
  name: "VirtualServiceSpec",
  doc: "Routes of the requests to some hosts.",
  fields: {
    hosts: {
      schema: list(nonEmpty(253, "hostPattern"), 256, 1),
      required: true,
      doc: "Host names, `*.suffix` or `*`.",
    },
    gateways: {
      schema: list(nonEmpty(317, "gatewayName"), 256),
      doc: "Gateways (`name` or `namespace/name`) that serve it; `mesh`, the default: the mesh's own listener.",
    },
    http: { schema: list(httpRoute, 16_384, 1), required: true, doc: "Routes, in order." },
    exportTo,
    tcp: refused("Routes of TCP connections.", "only HTTP is routed; remove it"),
    tls: refused("Routes of TLS connections.", "only HTTP is routed; remove it"),
  },
};
