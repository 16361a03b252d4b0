// GRPCRoute: calls by service, method and headers, to hosts of the mesh.

import { enumeration, type EnumSchema, list, nonEmpty, type ObjectSchema } from "../language.ts";
import { refused } from "../istio/common.ts";
import {
  backendReferences,
  filterFields,
  headerMatches,
  noExtensionRef,
  routeFields,
  sectionName,
} from "./common.ts";
import { backendFilters } from "./http-route.ts";

const method: ObjectSchema = {
  type: "object",
  name: "GrpcMethodMatch",
  doc: "A condition on the call's service and method.",
  fields: {
    type: {
      schema: enumeration("RouteMatchType", "Exact", "RegularExpression"),
      default: "Exact",
      doc: "How they are compared.",
    },
    service: { schema: nonEmpty(1024), doc: "The full name, such as `shop.v1.Search`." },
    method: { schema: nonEmpty(1024), doc: "The method's name." },
  },
  atLeastOneOf: [["service", "method"]],
};

const filterType: EnumSchema = {
  type: "enum",
  name: "GrpcFilterType",
  values: ["RequestHeaderModifier", "ResponseHeaderModifier", "RequestMirror"],
  unsupported: noExtensionRef,
};

const rule: ObjectSchema = {
  type: "object",
  name: "GrpcRouteRule",
  doc: "Conditions, one of which must hold, and what is then done.",
  fields: {
    name: { schema: sectionName, doc: "What a policy's sectionName refers to." },
    matches: {
      schema: list(
        {
          type: "object",
          name: "GrpcRouteMatch",
          doc: "Conditions, all of which must hold.",
          fields: {
            method: { schema: method, doc: "On service and method; default: any." },
            headers: headerMatches,
          },
        },
        64,
      ),
      doc: "Default: every call.",
    },
    filters: {
      schema: list(
        {
          type: "object",
          name: "GrpcRouteFilter",
          doc: "What is done to calls and answers.",
          fields: {
            type: { schema: filterType, required: true, doc: "Which field it has." },
            ...filterFields,
          },
        },
        16,
      ),
      doc: "What is done to calls and answers.",
    },
    backendRefs: backendReferences(
      "GrpcBackendReference",
      "calls",
      backendFilters,
      "Where calls go; none: they fail with UNAVAILABLE.",
    ),
    sessionPersistence: refused("Sticky sessions.", "it is not in the standard channel; remove it"),
  },
};

export const grpcRouteSpec: ObjectSchema = {
  type: "object",
  name: "GrpcRouteSpec",
  doc: "Routes of gRPC calls behind a Gateway.",
  fields: routeFields(rule),
};
