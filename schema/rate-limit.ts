// RateLimitPolicy: how many requests are let through, per route and per key.
//
// What one schema cannot say is checked when the filter is configured, with the same kind of message:
// at most 1,000,000 requests per second, burst x per / requests within 62 bits of nanoseconds, override
// `values` only where there is a key, and known placeholders only.

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
  string,
} from "./language.ts";
import { requestMatches } from "./match.ts";
import { arenaField, explainField, policyShapes, streamsField } from "./policy.ts";

const part = (name: string, doc: string): ObjectSchema => ({ type: "object", name, doc, fields: {} });

export const rateLimitKeyPart: ObjectSchema = {
  type: "object",
  name: "RateLimitKeyPart",
  doc: "A part of the key; exactly one.",
  fields: {
    header: { schema: nonEmpty(256, "headerName"), doc: "The first value of this header." },
    queryParam: { schema: nonEmpty(256), doc: "The first value of this parameter, as it is written." },
    cookie: { schema: nonEmpty(256, "token"), doc: "The value of this cookie." },
    sourceIp: {
      schema: {
        type: "object",
        name: "RateLimitSourceIp",
        doc: "The client's address, or the network that it is in.",
        fields: {
          ipv4Prefix: { schema: integer(8, 32), default: 32, doc: "Bits of an IPv4 address that count." },
          ipv6Prefix: {
            schema: integer(16, 128),
            default: 64,
            doc: "Bits of an IPv6 address that count; one client commonly owns a whole /64.",
          },
        },
      },
      doc: "The client's address.",
    },
    path: { schema: part("RateLimitPath", "The path."), doc: "The path without the query." },
    method: { schema: part("RateLimitMethod", "The method."), doc: "The HTTP method." },
  },
  exactlyOneOf: [["header", "queryParam", "cookie", "sourceIp", "path", "method"]],
};

const requests: Field = {
  schema: integer(1, 1_000_000_000),
  required: true,
  doc: "How many requests, or units of cost, `per` lets through in the long run.",
};
// A day is the longest: the interval between two requests then fits the 47 bits kept for it per key.
const per = duration(1, 86_400_000);
const burst = integer(1, 4_000_000_000);

export const rateLimitOverride: ObjectSchema = {
  type: "object",
  name: "RateLimitOverride",
  doc: "Another rate for some keys or requests; the first that applies counts.",
  fields: {
    values: {
      schema: list(string(1024), 10_000, 1),
      doc: "Values of the key's first part; the key keeps its bucket when it moves between overrides.",
    },
    match: {
      schema: requestMatches,
      doc: "Requests, which get a bucket of their own, per key where there is one.",
    },
    requests,
    per: { schema: per, doc: "Default: the limit's." },
    burst: { schema: burst, doc: "Default: `requests` of this override." },
  },
  exactlyOneOf: [["values", "match"]],
};

export const rateLimitCost: ObjectSchema = {
  type: "object",
  name: "RateLimitCost",
  doc: "What a request costs, from one of its headers.",
  fields: {
    header: {
      schema: nonEmpty(256, "headerName"),
      required: true,
      doc: "A whole number from 1; absent: 1; anything else: 1, and counted.",
    },
    max: {
      schema: integer(1, 1_000_000_000),
      default: 1000,
      doc: "More counts as this much.",
    },
  },
};

export const rateLimit: ObjectSchema = {
  type: "object",
  name: "RateLimit",
  doc: "One limit; a request must be admitted by all of them.",
  fields: {
    name: {
      schema: nonEmpty(128),
      required: true,
      doc: "Shown in answers, metrics and explanations; the bucket's state follows it.",
    },
    match: { schema: requestMatches, doc: "Any of these; absent: every request." },
    key: {
      schema: list(rateLimitKeyPart, 8, 1),
      doc: "A bucket for each combination of these; absent: one bucket.",
    },
    whenKeyMissing: {
      schema: enumeration("WhenKeyMissing", "share", "skip", "deny"),
      default: "share",
      doc: "A part of the key is absent: one bucket for all such requests, no limit, or refusal.",
    },
    requests,
    per: { schema: per, required: true, doc: "The time in which `requests` are let through." },
    burst: { schema: burst, doc: "How many at once, after a rest; default: `requests`." },
    cost: { schema: rateLimitCost, doc: "Absent: 1." },
    overrides: { schema: list(rateLimitOverride, 256), doc: "Other rates; the first that applies counts." },
    enforce: { schema: boolean, default: true, doc: "false: counted, never refused." },
    maxKeys: {
      schema: integer(1, 4_000_000),
      default: 10_000,
      doc: "Keys that are remembered at the same time while their buckets are not full.",
    },
    showKeys: {
      schema: boolean,
      default: false,
      doc: "Show the 20 keys that are refused most, by name, in sluice_rate_limit_refused_keys_total. Keys may be personal data.",
    },
    onFull: {
      schema: enumeration("OnFull", "evict", "refuse"),
      default: "evict",
      doc: "No room for a new key: the bucket nearest to full is forgotten, or the new key is refused.",
    },
  },
};

export const rateLimitResponse: ObjectSchema = {
  type: "object",
  name: "RateLimitResponse",
  doc: "How a refused request is answered.",
  fields: {
    status: { schema: integer(400, 599), default: 429, doc: "HTTP status; gRPC gets RESOURCE_EXHAUSTED." },
    body: {
      schema: string(4096),
      default: "",
      doc: "With %POLICY%, %LIMIT%, %REQUESTS%, %PER%, %BURST%, %REMAINING%, %RETRY_AFTER% and %%.",
    },
    headers: {
      schema: map(string(1024, "headerValue"), 16, "headerName"),
      doc: "Further headers, with the same placeholders.",
    },
    rateLimitHeaders: {
      schema: list(enumeration("RateLimitHeaders", "ietf", "draft03"), 2),
      default: ["ietf"],
      doc: "RateLimit and RateLimit-Policy (ietf), x-ratelimit-limit, -remaining and -reset (draft03).",
    },
    when: {
      schema: enumeration("RateLimitHeadersWhen", "refusal", "always"),
      default: "refusal",
      doc: "The answers that carry `rateLimitHeaders`.",
    },
  },
};

const policyFields: Record<string, Field> = {
  limits: {
    schema: list(rateLimit, 32, 1, "name"),
    required: true,
    doc: "All are looked at; none is charged unless all admit the request.",
  },
  response: { schema: rateLimitResponse, doc: "How a refused request is answered." },
};

const shapes = policyShapes({
  name: "RateLimit",
  puts: "Rate limits",
  filter: "rate_limit",
  fields: policyFields,
  givenFields: {
    seed: {
      schema: nonEmpty(512),
      doc: "Names the buckets: entries with one seed share them, limit by limit; default: `name`.",
    },
  },
  configFields: { ...arenaField, ...explainField, ...streamsField },
});

/** The `spec` of a RateLimitPolicy resource. */
export const rateLimitSpec: ObjectSchema = shapes.spec;

/** What `rate_limit.wasm` reads: strict JSON of this shape. */
export const rateLimitConfig: ObjectSchema = shapes.config;
