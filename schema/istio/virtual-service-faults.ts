// Faults that a VirtualService's route injects.

import { duration, integer, type ObjectSchema, percent } from "../language.ts";
import { grpcStatus } from "../fault.ts";
import { refused } from "./common.ts";

export const share: ObjectSchema = {
  type: "object",
  name: "IstioPercent",
  doc: "A percentage, as Istio writes it.",
  fields: { value: { schema: percent, default: 0, doc: "From 0 to 100." } },
};

/** Istio's default is that no request is hit; ours, in a FaultPolicy, is that there is none. */
export const httpFaultInjection: ObjectSchema = {
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
