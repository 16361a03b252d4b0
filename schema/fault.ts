// FaultPolicy: delays, aborts and throttled responses for a share of the requests, with guard rails.

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
  type Schema,
  string,
} from "./language.ts";
import { requestMatches } from "./match.ts";
import { arenaField, explainField, policyShapes, streamsField } from "./policy.ts";

const hour = 3_600_000;
const latency = duration(1, hour);
const timestamp: Schema = { type: "timestamp" };

export const faultDelay: ObjectSchema = {
  type: "object",
  name: "FaultDelay",
  doc: "How long a request is held before it goes on; exactly one form.",
  fields: {
    fixed: { schema: latency, doc: "Always this long." },
    uniform: {
      schema: {
        type: "object",
        name: "UniformDelay",
        doc: "Evenly distributed between two bounds.",
        fields: {
          min: { schema: duration(0, hour), required: true, doc: "Lower bound." },
          max: { schema: latency, required: true, doc: "Upper bound; at least `min`." },
        },
      },
      doc: "Evenly distributed.",
    },
    percentiles: {
      schema: map(latency, 16, "token"),
      doc: "By percentile, such as `p50`, `p99.9`, `p100`: rising, interpolated.",
    },
    normal: {
      schema: {
        type: "object",
        name: "NormalDelay",
        doc: "Normally distributed, never below 0.",
        fields: {
          mean: { schema: latency, required: true, doc: "The mean." },
          stddev: { schema: latency, required: true, doc: "The standard deviation." },
          max: { schema: latency, required: true, doc: "The cap." },
        },
      },
      doc: "Normally distributed with a cap.",
    },
    pareto: {
      schema: {
        type: "object",
        name: "ParetoDelay",
        doc: "A long tail: min / u^(1/shape), capped.",
        fields: {
          min: { schema: latency, required: true, doc: "The smallest delay." },
          shape: {
            schema: { type: "number", min: 0.1, max: 100 },
            required: true,
            doc: "Smaller is longer in the tail.",
          },
          max: { schema: latency, required: true, doc: "The cap." },
        },
      },
      doc: "Pareto distributed with a cap.",
    },
  },
  exactlyOneOf: [["fixed", "uniform", "percentiles", "normal", "pareto"]],
};

export const grpcStatus = enumeration(
  "GrpcStatus",
  "OK",
  "CANCELLED",
  "UNKNOWN",
  "INVALID_ARGUMENT",
  "DEADLINE_EXCEEDED",
  "NOT_FOUND",
  "ALREADY_EXISTS",
  "PERMISSION_DENIED",
  "RESOURCE_EXHAUSTED",
  "FAILED_PRECONDITION",
  "ABORTED",
  "OUT_OF_RANGE",
  "UNIMPLEMENTED",
  "INTERNAL",
  "UNAVAILABLE",
  "DATA_LOSS",
  "UNAUTHENTICATED",
);

export const faultAbort: ObjectSchema = {
  type: "object",
  name: "FaultAbort",
  doc: "The answer that is given in place of the service's.",
  fields: {
    httpStatus: {
      schema: integer(200, 599),
      doc: "HTTP status; 200 for gRPC when only grpcStatus is given.",
    },
    grpcStatus: { schema: grpcStatus, doc: "gRPC status by name." },
    grpcCode: { schema: integer(0, 16), doc: "gRPC status by number." },
    body: { schema: string(65_536), default: "fault filter abort", doc: "The body." },
    contentType: { schema: nonEmpty(256, "headerValue"), doc: "Default: text/plain." },
    headers: {
      schema: map(string(8192, "headerValue"), 64, "headerName"),
      doc: "Further headers of the answer.",
    },
  },
  atLeastOneOf: [["httpStatus", "grpcStatus", "grpcCode"]],
  atMostOneOf: [["grpcStatus", "grpcCode"]],
};

export const faultThrottle: ObjectSchema = {
  type: "object",
  name: "FaultThrottle",
  doc: "The response body's speed.",
  fields: { kibPerSecond: { schema: integer(1, 4_194_304), required: true, doc: "KiB per second." } },
};

const weekday = enumeration("Weekday", "mon", "tue", "wed", "thu", "fri", "sat", "sun");
const clock = nonEmpty(5);

export const faultSchedule: ObjectSchema = {
  type: "object",
  name: "FaultSchedule",
  doc: "When the fault is active; all given conditions must hold.",
  fields: {
    from: { schema: timestamp, doc: "Not before." },
    until: { schema: timestamp, doc: "Not from then on." },
    weekly: {
      schema: list(
        {
          type: "object",
          name: "WeeklyWindow",
          doc: "A window of the week, in UTC.",
          fields: {
            days: { schema: list(weekday, 7, 1), required: true, doc: "On these days." },
            start: { schema: clock, required: true, doc: "HH:MM, UTC." },
            end: { schema: clock, required: true, doc: "HH:MM, UTC, after `start`; 24:00 is allowed." },
          },
        },
        64,
        1,
      ),
      doc: "Only inside one of these windows.",
    },
  },
  atLeastOneOf: [["from", "until", "weekly"]],
};

export const faultStopWhen: ObjectSchema = {
  type: "object",
  name: "FaultStopWhen",
  doc: "The fault switches itself off for `coolDown` when a bound is crossed.",
  fields: {
    upstreamErrorsAbove: {
      schema: percent,
      doc: "Share of 5xx among upstream's answers to matching requests, over a second or more and at least 10 answers.",
    },
    requestsBelow: { schema: nonEmpty(32), doc: "Matching requests per time, such as 5/s or 30/m." },
    coolDown: { schema: duration(1000, 24 * hour), default: "5m", doc: "How long it stays off." },
  },
  atLeastOneOf: [["upstreamErrorsAbove", "requestsBelow"]],
};

export const faultStickyBy: ObjectSchema = {
  type: "object",
  name: "FaultStickyBy",
  doc: "What makes a client the same client; exactly one. A request without it is drawn for itself.",
  fields: {
    header: { schema: nonEmpty(256, "headerName"), doc: "The first value of this header." },
    cookie: { schema: nonEmpty(256, "token"), doc: "The value of this cookie; it is never set." },
    sourceIp: {
      schema: { type: "object", name: "FaultSourceIp", doc: "The client's address.", fields: {} },
      doc: "The client's address.",
    },
  },
  exactlyOneOf: [["header", "cookie", "sourceIp"]],
};

export const fault: ObjectSchema = {
  type: "object",
  name: "Fault",
  doc: "One fault. A request gets at most one delay, one abort and one throttle: of the first fault that hits.",
  fields: {
    name: {
      schema: nonEmpty(128),
      required: true,
      doc: "Shown in metrics, in x-sluice-fault and in explanations.",
    },
    match: { schema: requestMatches, doc: "Any of these; absent: every request." },
    percentage: { schema: percent, required: true, doc: "Share of the matching requests, to 0.0001." },
    stickyBy: { schema: faultStickyBy, doc: "The same clients are hit each time." },
    delay: { schema: faultDelay, doc: "Held before it goes on." },
    abort: { schema: faultAbort, doc: "Answered in the service's place." },
    throttle: { schema: faultThrottle, doc: "The response body slowed down." },
    schedule: { schema: faultSchedule, doc: "When it is active; absent: always." },
    stopWhen: { schema: faultStopWhen, doc: "When it switches itself off." },
  },
  atLeastOneOf: [["delay", "abort", "throttle"]],
};

export const faultHeaderControl: ObjectSchema = {
  type: "object",
  name: "FaultHeaderControl",
  doc: "What callers may ask for with Envoy's x-envoy-fault-* request headers.",
  fields: {
    delay: { schema: boolean, default: false, doc: "x-envoy-fault-delay-request." },
    abort: { schema: boolean, default: false, doc: "x-envoy-fault-abort-request and -abort-grpc-request." },
    throttle: { schema: boolean, default: false, doc: "x-envoy-fault-throughput-response." },
    maxPercentage: { schema: percent, default: 100, doc: "Cap on the percentage that a caller asks for." },
    maxDelay: { schema: latency, default: "30s", doc: "Cap on the delay that a caller asks for." },
  },
};

const policyFields: Record<string, Field> = {
  faults: { schema: list(fault, 256, 0, "name"), required: true, doc: "In order." },
  maxActive: {
    schema: integer(1, 1_000_000),
    doc: "Requests held or throttled at once, over all workers; over it they pass and are counted.",
  },
  expiresAt: { schema: timestamp, doc: "From then on the policy does nothing." },
  headerControl: { schema: faultHeaderControl, doc: "Faults that callers ask for; absent: none." },
  responseHeader: { schema: boolean, default: true, doc: "Answers carry x-sluice-fault: policy/fault." },
  seed: { schema: string(256), doc: "Seed of sticky choices; default: the policy's namespace/name." },
};

const shapes = policyShapes({
  name: "Fault",
  puts: "Faults",
  filter: "fault",
  fields: policyFields,
  configFields: {
    disabled: { schema: boolean, default: false, doc: "The kill switch: no fault at all." },
    ...arenaField,
    ...explainField,
    ...streamsField,
  },
});

/** The `spec` of a FaultPolicy resource. */
export const faultSpec: ObjectSchema = shapes.spec;

/** What `fault.wasm` reads: strict JSON of this shape. */
export const faultConfig: ObjectSchema = shapes.config;

/** The `spec` of a FaultSwitch resource, which `sluice faults off` writes. */
export const faultSwitchSpec: ObjectSchema = {
  type: "object",
  name: "FaultSwitchSpec",
  doc: "Switches every fault of the folder off, as long as it is there.",
  fields: {
    disabled: { schema: boolean, required: true, doc: "true: no fault at all." },
    reason: { schema: string(1024), doc: "For those who find it." },
  },
};
