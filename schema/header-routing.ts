// HeaderRoutingPolicy: which requests go to which destination, and who stays there.

import { duration, type Field, integer, list, map, nonEmpty, type ObjectSchema, string } from "./language.ts";
import { requestMatches } from "./match.ts";
import { arenaField, explainField, policyShapes, streamsField } from "./policy.ts";

const destinationFields: Record<string, Field> = {
  host: { schema: nonEmpty(253, "host"), doc: "Default: the host of the route's own destination." },
  subset: { schema: nonEmpty(63, "name"), doc: "A subset of the host's DestinationRule." },
  port: { schema: integer(1, 65_535), doc: "Default: the port of the route's own destination." },
};

export const destination: ObjectSchema = {
  type: "object",
  name: "Destination",
  doc: "Where matching requests go.",
  fields: destinationFields,
  atLeastOneOf: [["host", "subset"]],
};

export const weightedDestination: ObjectSchema = {
  type: "object",
  name: "WeightedDestination",
  doc: "A destination and its share.",
  fields: {
    ...destinationFields,
    weight: { schema: integer(0, 1_000_000), required: true, doc: "Relative to the sum of the weights." },
  },
  atLeastOneOf: [["host", "subset"]],
};

export const stickyBy: ObjectSchema = {
  type: "object",
  name: "StickyBy",
  doc: "What keeps a client on its destination; exactly one.",
  fields: {
    header: { schema: nonEmpty(256, "headerName"), doc: "The value of this header." },
    cookie: {
      schema: {
        type: "object",
        name: "StickyCookie",
        doc: "A cookie, set when absent.",
        fields: {
          name: { schema: nonEmpty(256, "token"), required: true, doc: "The cookie's name." },
          ttl: { schema: duration(0, 31_536_000_000), default: "0s", doc: "Max-Age; 0s: a session cookie." },
        },
      },
      doc: "The value of this cookie.",
    },
    sourceIp: {
      schema: { type: "object", name: "SourceIpKey", doc: "The client's address.", fields: {} },
      doc: "The client's address.",
    },
  },
  exactlyOneOf: [["header", "cookie", "sourceIp"]],
};

const headerValues = map(string(8192, "headerValue"), 64, "headerName");

export const headerChange: ObjectSchema = {
  type: "object",
  name: "HeaderChange",
  doc: "Changes of headers, in the order remove, set, add.",
  fields: {
    set: { schema: headerValues, doc: "Replaced, or added where absent." },
    add: { schema: headerValues, doc: "Appended as a further value." },
    remove: { schema: list(nonEmpty(256, "headerName"), 64), doc: "Removed with all their values." },
  },
};

export const headerChanges: ObjectSchema = {
  type: "object",
  name: "HeaderChanges",
  doc: "Changes of the request's and the response's headers.",
  fields: {
    request: { schema: headerChange, doc: "Before the request goes upstream." },
    response: { schema: headerChange, doc: "Before the response goes to the client." },
  },
};

export const headerRoutingRule: ObjectSchema = {
  type: "object",
  name: "HeaderRoutingRule",
  doc: "A rule; the first that matches decides.",
  fields: {
    name: { schema: nonEmpty(128), required: true, doc: "Shown in metrics and explanations." },
    match: { schema: requestMatches, doc: "Any of these; absent: every request." },
    destination: { schema: destination, doc: "The one destination." },
    destinations: { schema: list(weightedDestination, 64, 1), doc: "Several, by weight." },
    stickyBy: { schema: stickyBy, doc: "Keeps a client on its choice; absent: drawn per request." },
    headers: { schema: headerChanges, doc: "Headers changed for matching requests." },
  },
  atMostOneOf: [["destination", "destinations"]],
  atLeastOneOf: [["destination", "destinations", "headers"]],
};

const policyFields: Record<string, Field> = {
  rules: {
    schema: list(headerRoutingRule, 1024, 1, "name"),
    required: true,
    doc: "In order; the first match wins, no match leaves Envoy's own route.",
  },
  seed: { schema: string(256), doc: "Seed of sticky choices; default: the policy's namespace/name." },
};

const shapes = policyShapes({
  name: "HeaderRouting",
  puts: "Header-based routing",
  filter: "header_routing",
  fields: policyFields,
  configFields: { ...arenaField, ...explainField, ...streamsField },
});

/** The `spec` of a HeaderRoutingPolicy resource. */
export const headerRoutingSpec: ObjectSchema = shapes.spec;

/** What `header_routing.wasm` reads: strict JSON of this shape. */
export const headerRoutingConfig: ObjectSchema = shapes.config;
