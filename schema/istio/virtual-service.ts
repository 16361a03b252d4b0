// VirtualService: how the requests and connections to a host are routed.

import { duration, integer, list, nonEmpty, type ObjectSchema, string } from "../language.ts";
import { exportTo, headers, maxInt32, refused, serviceDestination, yearMs } from "./common.ts";
import { tcpRoute, tlsRoute } from "./virtual-service-connections.ts";
import { httpFaultInjection, share } from "./virtual-service-faults.ts";
import {
  corsPolicy,
  httpDirectResponse,
  httpMirrorPolicy,
  httpRedirect,
  httpRetry,
  httpRewrite,
} from "./virtual-service-http.ts";
import { httpMatchRequest } from "./virtual-service-match.ts";

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

const delegate: ObjectSchema = {
  type: "object",
  name: "Delegate",
  doc: "A VirtualService without hosts.",
  fields: {
    name: { schema: nonEmpty(253, "name"), required: true, doc: "Its name." },
    namespace: { schema: nonEmpty(63, "name"), doc: "Default: that of this VirtualService." },
  },
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
    delegate: {
      schema: delegate,
      doc: "The routes of another VirtualService stand here, each narrowed to this route's `match` and with its settings where they have none.",
    },
    rewrite: { schema: httpRewrite, doc: "Changes path and host." },
    timeout: { schema: duration(1, yearMs), doc: "Of the whole request; absent: none." },
    retries: { schema: httpRetry, doc: "Retries of failed requests." },
    headers: { schema: headers, doc: "Headers changed on this route." },
    mirror: { schema: serviceDestination, doc: "A destination that gets a copy of the requests." },
    mirrors: { schema: list(httpMirrorPolicy, 16), doc: "Several that get copies, each a share." },
    mirrorPercentage: { schema: share, doc: "Share of the requests that `mirror` gets; absent: all." },
    mirrorPercent: { schema: integer(0, 100), doc: "The old way to write `mirrorPercentage`." },
    mirror_percent: refused("An old spelling.", "write `mirrorPercentage: {value: 10}`"),
    corsPolicy: { schema: corsPolicy, doc: "Which other origins' pages may send requests." },
    fault: { schema: httpFaultInjection, doc: "Faults, injected by a FaultPolicy made from this." },
  },
  exactlyOneOf: [["route", "redirect", "directResponse", "delegate"]],
  atMostOneOf: [
    ["redirect", "rewrite"],
    ["directResponse", "rewrite"],
    ["mirror", "mirrors"],
    ["mirrorPercentage", "mirrorPercent"],
  ],
};

export const virtualServiceSpec: ObjectSchema = {
  type: "object",
  name: "VirtualServiceSpec",
  doc: "Routes of the requests to some hosts.",
  fields: {
    hosts: {
      schema: list(nonEmpty(253, "hostPattern"), 256),
      doc: "Host names, `*.suffix` or `*`; none: routes for others to delegate to.",
    },
    gateways: {
      schema: list(nonEmpty(317, "gatewayName"), 256),
      doc: "Gateways (`name` or `namespace/name`) that serve it; `mesh`, the default: the mesh's own listener and sidecars.",
    },
    http: { schema: list(httpRoute, 16_384, 1), doc: "Routes of requests, in order." },
    tls: {
      schema: list(tlsRoute, 4096, 1),
      doc: "Routes of TLS connections that are passed through, by the name asked for.",
    },
    tcp: { schema: list(tcpRoute, 4096, 1), doc: "Routes of TCP connections, in order." },
    exportTo,
  },
  atLeastOneOf: [["http", "tls", "tcp"]],
};
