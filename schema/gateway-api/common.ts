// What the declarations of the Gateway API have in common.
//
// Names, defaults and meanings are those of the Gateway API's standard channel (gateway.networking.k8s.io/v1). A
// field of it that is not acted upon carries the reason in `unsupported`.

import {
  enumeration,
  type Field,
  integer,
  list,
  map,
  nonEmpty,
  type ObjectSchema,
  type Schema,
  string,
} from "../language.ts";
import { refused } from "../istio/common.ts";

export const portNumber = integer(1, 65_535);
export const sectionName = nonEmpty(253, "name");
export const hostname = nonEmpty(253, "hostPattern");
const group = string(253);
const kind = nonEmpty(63);

export const labelSelector: ObjectSchema = {
  type: "object",
  name: "NamespaceSelector",
  doc: "Namespaces by their labels; here each has one, `kubernetes.io/metadata.name`.",
  fields: {
    matchLabels: { schema: map(string(63), 64), doc: "Labels that a namespace must have." },
    matchExpressions: {
      schema: list(
        {
          type: "object",
          name: "SelectorExpression",
          doc: "A condition on one label.",
          fields: {
            key: { schema: nonEmpty(317), required: true, doc: "The label." },
            operator: {
              schema: enumeration("SelectorOperator", "In", "NotIn", "Exists", "DoesNotExist"),
              required: true,
              doc: "How it is compared.",
            },
            values: { schema: list(string(63), 64), doc: "With In and NotIn." },
          },
        },
        64,
      ),
      doc: "Conditions that must all hold.",
    },
  },
};

export const parentRefs: Field = {
  schema: list(
    {
      type: "object",
      name: "ParentReference",
      doc: "A Gateway, or one listener of it.",
      fields: {
        group: { schema: group, default: "gateway.networking.k8s.io", doc: "The group." },
        kind: { schema: kind, default: "Gateway", doc: "Gateway." },
        name: { schema: nonEmpty(253, "name"), required: true, doc: "The Gateway's name." },
        namespace: { schema: nonEmpty(63, "name"), doc: "Its namespace; default: the route's." },
        sectionName: { schema: sectionName, doc: "A listener's name; default: all that allow the route." },
        port: { schema: portNumber, doc: "Only listeners on this port." },
      },
    },
    32,
  ),
  doc: "Gateways that the route is for.",
};

/** Fields of a reference to a backend. */
const backendFields: Record<string, Field> = {
  group: { schema: group, default: "", doc: 'The group: "" for Service, networking.istio.io for Hostname.' },
  kind: {
    schema: kind,
    default: "Service",
    doc: "Service: the host NAME.NAMESPACE.svc.cluster.local; Hostname: `name` is the host.",
  },
  name: { schema: nonEmpty(253, "host"), required: true, doc: "The Service's name, or the host." },
  namespace: {
    schema: nonEmpty(63, "name"),
    doc: "Default: the route's; another one must allow it by a ReferenceGrant.",
  },
  port: { schema: portNumber, doc: "The port; needed for a Service." },
};

const backendReference: ObjectSchema = {
  type: "object",
  name: "BackendReference",
  doc: "A host of the mesh.",
  fields: backendFields,
};

/** Hosts with their shares; `filters` are those of the kind of route. */
export const backendReferences = (name: string, what: string, filters: Schema, doc: string): Field => ({
  schema: list(
    {
      type: "object",
      name,
      doc: `A host of the mesh with its share of the ${what}.`,
      fields: {
        ...backendFields,
        weight: { schema: integer(0, 1_000_000), default: 1, doc: "Its share among the others'." },
        filters: { schema: filters, doc: "For this backend only." },
      },
    },
    16,
  ),
  doc,
});

/** What both kinds of route consist of. */
export const routeFields = (rule: ObjectSchema): Record<string, Field> => ({
  parentRefs,
  hostnames: {
    schema: list(hostname, 16),
    doc: "Host names, or `*.suffix`; default: those of the listeners.",
  },
  rules: { schema: list(rule, 16), doc: "Which of several rules applies: the Gateway API's order." },
  useDefaultGateways: refused("Default Gateways.", "it is not in the standard channel; write `parentRefs`"),
});

export const headerModifier: ObjectSchema = {
  type: "object",
  name: "HeaderModifier",
  doc: "Changes of headers.",
  fields: {
    set: { schema: list(namedHeader(), 64), doc: "Replaced, or added where absent." },
    add: { schema: list(namedHeader(), 64), doc: "Appended as a further value." },
    remove: { schema: list(nonEmpty(256, "headerName"), 64), doc: "Removed with all their values." },
  },
};

function namedHeader(): ObjectSchema {
  return {
    type: "object",
    name: "NamedHeader",
    doc: "A header with its value.",
    fields: {
      name: { schema: nonEmpty(256, "headerName"), required: true, doc: "The name." },
      value: { schema: string(4096, "headerValue"), required: true, doc: "The value." },
    },
  };
}

export const requestMirror: ObjectSchema = {
  type: "object",
  name: "RequestMirror",
  doc: "Copies of requests, whose answers are dropped.",
  fields: {
    backendRef: { schema: backendReference, required: true, doc: "Where they go." },
    percent: { schema: integer(0, 100), doc: "How many of the requests, in percent; default: all." },
    fraction: {
      schema: {
        type: "object",
        name: "Fraction",
        doc: "A part of a whole.",
        fields: {
          numerator: { schema: integer(0, 2_147_483_647), required: true, doc: "The part." },
          denominator: { schema: integer(1, 2_147_483_647), default: 100, doc: "The whole." },
        },
      },
      doc: "How many of the requests, as a fraction.",
    },
  },
  atMostOneOf: [["percent", "fraction"]],
};

export const headerMatches: Field = {
  schema: list(
    {
      type: "object",
      name: "RouteHeaderMatch",
      doc: "A condition on a header.",
      fields: {
        type: {
          schema: enumeration("RouteMatchType", "Exact", "RegularExpression"),
          default: "Exact",
          doc: "How it is compared; a RegularExpression is RE2 and must match the whole value.",
        },
        name: { schema: nonEmpty(256, "headerName"), required: true, doc: "The header's name." },
        value: { schema: string(4096), required: true, doc: "The value, or the expression." },
      },
    },
    16,
  ),
  doc: "Conditions on headers, all of which must hold.",
};

/** Fields that filters of both kinds of route have. */
export const filterFields: Record<string, Field> = {
  requestHeaderModifier: { schema: headerModifier, doc: "Of type RequestHeaderModifier." },
  responseHeaderModifier: { schema: headerModifier, doc: "Of type ResponseHeaderModifier." },
  requestMirror: { schema: requestMirror, doc: "Of type RequestMirror." },
  extensionRef: {
    schema: { type: "any" },
    doc: "Of type ExtensionRef.",
    unsupported: "policies refer to routes here; write a policy whose `targetRefs` name this route",
  },
};

export const noExtensionRef = {
  ExtensionRef: "policies refer to routes here; write a policy whose `targetRefs` name this route",
};
