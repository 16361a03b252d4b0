// What a VirtualService's route does with a request, beside sending it on: redirect, answer, rewrite, retry,
// mirror, CORS.

import {
  boolean,
  duration,
  enumeration,
  integer,
  list,
  nonEmpty,
  type ObjectSchema,
  string,
} from "../language.ts";
import { maxInt32, serviceDestination, yearMs } from "./common.ts";
import { share } from "./virtual-service-faults.ts";
import { istioStringMatch } from "./virtual-service-match.ts";

export const httpRedirect: ObjectSchema = {
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

export const httpDirectResponse: ObjectSchema = {
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

export const httpRewrite: ObjectSchema = {
  type: "object",
  name: "HttpRewrite",
  doc: "Changes path and host before the request goes upstream.",
  fields: {
    uri: { schema: nonEmpty(8192), doc: "Replaces the matched prefix, or the whole of an exact match." },
    uriRegexRewrite: {
      schema: {
        type: "object",
        name: "RegexRewrite",
        doc: "Replaces whatever of the path, without the query, a regular expression finds.",
        fields: {
          match: { schema: nonEmpty(4096, "regex"), required: true, doc: "RE2 syntax; found anywhere." },
          rewrite: {
            schema: nonEmpty(8192),
            required: true,
            doc: "In its place; `\\1` stands for the first group, `\\0` for all that was found.",
          },
        },
      },
      doc: "Replaces parts of the path by regular expression.",
    },
    authority: { schema: nonEmpty(253), doc: "Replaces the host." },
  },
  atMostOneOf: [["uri", "uriRegexRewrite"]],
  atLeastOneOf: [["uri", "authority", "uriRegexRewrite"]],
};

export const httpRetry: ObjectSchema = {
  type: "object",
  name: "HttpRetry",
  doc: "When and how often a failed request is tried again. Without it: twice.",
  fields: {
    attempts: {
      schema: integer(0, maxInt32),
      doc: "Retries after the first try; 0 switches them off.",
      default: 0,
    },
    perTryTimeout: { schema: duration(1, yearMs), doc: "Of each try; default: the route's timeout." },
    retryOn: {
      schema: string(1024, "retryOn"),
      default: "connect-failure,refused-stream,unavailable,cancelled",
      doc: "Envoy's conditions or status codes, separated by commas.",
    },
    backoff: {
      schema: duration(1, yearMs),
      default: "25ms",
      doc: "Upper bound of the wait before the first retry; later ones are longer, to ten times this.",
    },
    retryRemoteLocalities: {
      schema: boolean,
      default: false,
      doc: "Retries also try localities of a lower priority.",
    },
    retryIgnorePreviousHosts: {
      schema: boolean,
      doc: "Retries avoid hosts tried before; default: true, and false where a consistent hash chooses.",
    },
  },
};

export const httpMirrorPolicy: ObjectSchema = {
  type: "object",
  name: "HttpMirrorPolicy",
  doc: "A destination that gets a copy of the requests; what it answers is thrown away.",
  fields: {
    destination: { schema: serviceDestination, required: true, doc: "Where the copies go." },
    percentage: { schema: share, doc: "Share of the requests that are copied; absent: all." },
  },
};

const tokens = (doc: string) => ({ schema: list(nonEmpty(256, "token"), 256), doc });

export const corsPolicy: ObjectSchema = {
  type: "object",
  name: "CorsPolicy",
  doc: "Which pages of other origins may send requests and read what is answered.",
  fields: {
    allowOrigins: {
      schema: list(
        {
          ...istioStringMatch,
          name: "CorsOrigin",
          doc: "Origins such as `https://shop.example.com`.",
          exactlyOneOf: [["exact", "prefix", "regex"]],
          atMostOneOf: [],
        },
        256,
      ),
      doc: 'Origins that are allowed; `exact: "*"` is all.',
    },
    allowOrigin: {
      schema: list(nonEmpty(8192), 256),
      doc: "The old way to write `allowOrigins`, exact ones only.",
    },
    allowMethods: tokens("Methods, in access-control-allow-methods."),
    allowHeaders: tokens("Request headers, in access-control-allow-headers."),
    exposeHeaders: tokens("Response headers that a page may read, in access-control-expose-headers."),
    maxAge: {
      schema: duration(0, yearMs),
      doc: "How long a browser remembers the answer; whole seconds.",
    },
    allowCredentials: {
      schema: boolean,
      doc: "Whether requests may carry cookies, in access-control-allow-credentials.",
    },
    unmatchedPreflights: {
      schema: enumeration("UnmatchedPreflights", "UNSPECIFIED", "FORWARD", "IGNORE"),
      default: "FORWARD",
      doc: "FORWARD: a preflight request of another origin goes to the service; IGNORE: it is answered 200, with no CORS headers.",
    },
  },
  atMostOneOf: [["allowOrigins", "allowOrigin"]],
};
