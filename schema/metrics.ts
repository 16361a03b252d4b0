// MetricsPolicy: which labels the request metrics carry, and how many series they may make.

import { boolean, enumeration, type Field, integer, list, nonEmpty, type ObjectSchema } from "./language.ts";
import { policyShapes } from "./policy.ts";

const none: ObjectSchema = { type: "object", name: "NoOptions", doc: "No options.", fields: {} };

const names = enumeration("MetricNames", "sluice", "istio", "otel");

export const dimension: ObjectSchema = {
  type: "object",
  name: "Dimension",
  doc: "One further label and where its value comes from; exactly one source.",
  fields: {
    name: {
      schema: nonEmpty(64, "name"),
      required: true,
      doc: "The label's name: letters, digits and underscores, a letter first.",
    },
    header: { schema: nonEmpty(256, "headerName"), doc: "A request header." },
    queryParam: { schema: nonEmpty(256), doc: "A query parameter." },
    cookie: { schema: nonEmpty(256, "token"), doc: "A cookie." },
    responseHeader: { schema: nonEmpty(256, "headerName"), doc: "A response header." },
    path: {
      schema: {
        type: "object",
        name: "PathTemplates",
        doc: "The path as a template.",
        fields: {
          templates: {
            schema: list(nonEmpty(512, "path"), 1024),
            doc: "Given ones, such as /users/{id}; first match wins.",
          },
          learn: { schema: boolean, default: true, doc: "Elsewhere numbers, UUIDs and hashes become {id}." },
        },
      },
      doc: "The path as a template.",
    },
    method: { schema: none, doc: "The request's method." },
    grpcStatus: { schema: none, doc: "The gRPC status by name." },
    responseFlags: { schema: none, doc: "Envoy's response flags, such as UF or UT." },
    maxValues: {
      schema: integer(1, 10_000),
      default: 50,
      doc: "Distinct values, `values` among them; the rest counts as _other.",
    },
    values: { schema: list(nonEmpty(128), 10_000), doc: "Always kept, whatever clients send." },
  },
  exactlyOneOf: [
    ["header", "queryParam", "cookie", "responseHeader", "path", "method", "grpcStatus", "responseFlags"],
  ],
};

const policyFields: Record<string, Field> = {
  dimensions: { schema: list(dimension, 16, 0, "name"), doc: "Further labels." },
  names: {
    schema: list(names, 3, 1),
    default: ["sluice"],
    doc: "Under which names requests and durations are reported.",
  },
  buckets: {
    schema: list({ type: "number", min: 0.001, max: 86_400_000 }, 64, 1),
    doc: "Upper bounds of the duration histogram in ms.",
    unsupported:
      "buckets are a setting of Envoy's, made when it starts; write sluice bootstrap --duration-buckets, or histogram_bucket_settings in your own bootstrap",
  },
  maxSeries: {
    schema: integer(1, 100_000),
    default: 10_000,
    doc: "Label sets per metric, over all policies; beyond it all labels but the response's class become _other.",
  },
};

const shapes = policyShapes({
  name: "Metrics",
  puts: "Labels of the request metrics",
  filter: "metrics",
  fields: policyFields,
  configFields: {
    arenaKiB: { schema: integer(16, 16_384), default: 128, doc: "Memory for one request's headers." },
  },
});

/** The `spec` of a MetricsPolicy resource. */
export const metricsSpec: ObjectSchema = shapes.spec;

/** What `metrics.wasm` reads: strict JSON of this shape. */
export const metricsConfig: ObjectSchema = shapes.config;
