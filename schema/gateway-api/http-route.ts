// HTTPRoute: requests by host, path, headers, query and method, to hosts of the mesh.

import {
  boolean,
  duration,
  enumeration,
  type EnumSchema,
  integer,
  type IntegerSchema,
  list,
  nonEmpty,
  type ObjectSchema,
  string,
} from "../language.ts";
import {
  backendReferences,
  filterFields,
  headerMatches,
  headerModifier,
  noExtensionRef,
  portNumber,
  routeFields,
  sectionName,
} from "./common.ts";
import { refused } from "../istio/common.ts";

const hourMs = 3_600_000;

const pathMatch: ObjectSchema = {
  type: "object",
  name: "RoutePathMatch",
  doc: "A condition on the path.",
  fields: {
    type: {
      schema: enumeration("RoutePathMatchType", "Exact", "PathPrefix", "RegularExpression"),
      default: "PathPrefix",
      doc: "PathPrefix goes by whole segments: /a is a prefix of /a and /a/b, not of /ab.",
    },
    value: {
      schema: nonEmpty(1024),
      default: "/",
      doc: "The path, or the expression (RE2, of the whole path).",
    },
  },
};

const methods = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];

const match: ObjectSchema = {
  type: "object",
  name: "HttpRouteMatch",
  doc: "Conditions, all of which must hold.",
  fields: {
    path: { schema: pathMatch, doc: "On the path; default: any." },
    headers: headerMatches,
    queryParams: {
      schema: list(
        {
          type: "object",
          name: "RouteQueryMatch",
          doc: "A condition on a query parameter.",
          fields: {
            type: {
              schema: enumeration("RouteMatchType", "Exact", "RegularExpression"),
              default: "Exact",
              doc: "How it is compared.",
            },
            name: { schema: nonEmpty(256), required: true, doc: "The parameter's name." },
            value: { schema: string(1024), required: true, doc: "The value, or the expression." },
          },
        },
        16,
      ),
      doc: "Conditions on query parameters, all of which must hold.",
    },
    method: { schema: enumeration("HttpMethod", ...methods), doc: "The method." },
  },
};

const pathModifier: ObjectSchema = {
  type: "object",
  name: "PathModifier",
  doc: "A new path.",
  fields: {
    type: {
      schema: enumeration("PathModifierType", "ReplaceFullPath", "ReplacePrefixMatch"),
      required: true,
      doc: "Which part of it is replaced.",
    },
    replaceFullPath: { schema: string(1024), doc: "In place of the whole path." },
    replacePrefixMatch: { schema: string(1024), doc: "In place of the prefix that matched." },
  },
};

const statusCode: IntegerSchema = { ...integer(301, 308), values: [301, 302, 303, 307, 308] };

const redirect: ObjectSchema = {
  type: "object",
  name: "RequestRedirect",
  doc: "An answer that sends the client elsewhere.",
  fields: {
    scheme: { schema: enumeration("RedirectScheme", "http", "https"), doc: "Default: the request's." },
    hostname: { schema: nonEmpty(253, "host"), doc: "Default: the request's." },
    path: { schema: pathModifier, doc: "Default: the request's." },
    port: { schema: portNumber, doc: "Default: that of the scheme, else the listener's." },
    statusCode: { schema: statusCode, default: 302, doc: "The status." },
  },
};

const rewrite: ObjectSchema = {
  type: "object",
  name: "UrlRewrite",
  doc: "Changes of the request's URL on its way.",
  fields: {
    hostname: { schema: nonEmpty(253, "host"), doc: "In place of the Host header." },
    path: { schema: pathModifier, doc: "The new path." },
  },
};

const cors: ObjectSchema = {
  type: "object",
  name: "RouteCors",
  doc: "Which pages of other origins may call.",
  fields: {
    allowOrigins: {
      schema: list(nonEmpty(253), 64),
      doc: "Origins; `*`, or `*` in front of a host's suffix.",
    },
    allowCredentials: { schema: boolean, doc: "Whether browsers may send cookies." },
    allowMethods: { schema: list(enumeration("CorsMethod", ...methods, "*"), 9), doc: "Methods, or `*`." },
    allowHeaders: { schema: list(nonEmpty(256), 64), doc: "Headers that a request may have, or `*`." },
    exposeHeaders: { schema: list(nonEmpty(256), 64), doc: "Headers that the page may read, or `*`." },
    maxAge: {
      schema: integer(1, 2_147_483_647),
      default: 5,
      doc: "Seconds for which this may be remembered.",
    },
  },
};

const types = [
  "RequestHeaderModifier",
  "ResponseHeaderModifier",
  "RequestMirror",
  "RequestRedirect",
  "URLRewrite",
  "CORS",
];

const filterType: EnumSchema = {
  type: "enum",
  name: "HttpFilterType",
  values: types,
  unsupported: {
    ...noExtensionRef,
    ExternalAuth: "requests are not asked about elsewhere here",
  },
};

const filter: ObjectSchema = {
  type: "object",
  name: "HttpRouteFilter",
  doc: "What is done to requests and answers.",
  fields: {
    type: { schema: filterType, required: true, doc: "Which field it has." },
    ...filterFields,
    requestRedirect: { schema: redirect, doc: "Of type RequestRedirect." },
    urlRewrite: { schema: rewrite, doc: "Of type URLRewrite." },
    cors: { schema: cors, doc: "Of type CORS." },
    externalAuth: refused("Of type ExternalAuth.", "requests are not asked about elsewhere here; remove it"),
  },
};

const ofRule = "of one backend only headers can be changed; write it in the rule's `filters`";

const backendFilter: EnumSchema = {
  type: "enum",
  name: "BackendFilterType",
  values: ["RequestHeaderModifier", "ResponseHeaderModifier"],
  unsupported: Object.fromEntries(
    ["RequestMirror", "RequestRedirect", "URLRewrite", "CORS", "ExtensionRef", "ExternalAuth"].map((type) => [
      type,
      ofRule,
    ]),
  ),
};

export const backendFilters = list(
  {
    type: "object",
    name: "BackendFilter",
    doc: "What is done to the requests to one backend and to its answers.",
    fields: {
      type: { schema: backendFilter, required: true, doc: "Which field it has." },
      requestHeaderModifier: { schema: headerModifier, doc: "Of type RequestHeaderModifier." },
      responseHeaderModifier: { schema: headerModifier, doc: "Of type ResponseHeaderModifier." },
      requestMirror: refused("Of type RequestMirror.", ofRule),
      requestRedirect: refused("Of type RequestRedirect.", ofRule),
      urlRewrite: refused("Of type URLRewrite.", ofRule),
      cors: refused("Of type CORS.", ofRule),
      extensionRef: refused("Of type ExtensionRef.", ofRule),
      externalAuth: refused("Of type ExternalAuth.", ofRule),
    },
  },
  16,
);

const rule: ObjectSchema = {
  type: "object",
  name: "HttpRouteRule",
  doc: "Conditions, one of which must hold, and what is then done.",
  fields: {
    name: { schema: sectionName, doc: "What a policy's sectionName refers to." },
    matches: { schema: list(match, 64), doc: "Default: every request." },
    filters: { schema: list(filter, 16), doc: "What is done to requests and answers." },
    backendRefs: backendReferences(
      "HttpBackendReference",
      "requests",
      backendFilters,
      "Where requests go; none: they are answered 500.",
    ),
    timeouts: {
      schema: {
        type: "object",
        name: "RouteTimeouts",
        doc: "How long a request may take; 0s: for ever.",
        fields: {
          request: { schema: duration(0, 24 * hourMs), doc: "From its arrival to the whole answer." },
          backendRequest: { schema: duration(0, 24 * hourMs), doc: "Each attempt." },
        },
      },
      doc: "Default: none.",
    },
    retry: refused("Retries.", "it is not in the standard channel; requests are retried as Istio does"),
    sessionPersistence: refused(
      "Sticky sessions.",
      "it is not in the standard channel; write a HeaderRoutingPolicy with `stickyBy`, or a DestinationRule's consistentHash",
    ),
  },
};

export const httpRouteSpec: ObjectSchema = {
  type: "object",
  name: "HttpRouteSpec",
  doc: "Routes of requests behind a Gateway.",
  fields: routeFields(rule),
};
