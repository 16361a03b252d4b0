// HealthCheckPolicy: Envoy asks the endpoints of a host whether they are well. Istio has no resource for it;
// this one leaves Istio's own YAML as it is.

import { duration, integer, list, map, nonEmpty, type ObjectSchema, percent, string } from "./language.ts";

const dayMs = 86_400_000;
const moment = duration(1, dayMs);

const http: ObjectSchema = {
  type: "object",
  name: "HttpHealthCheck",
  doc: "A request that a healthy endpoint answers with an expected status.",
  fields: {
    path: { schema: nonEmpty(2048, "path"), required: true, doc: "Path, perhaps with a query." },
    method: {
      schema: { type: "enum", name: "HealthCheckMethod", values: ["GET", "HEAD", "OPTIONS", "POST", "PUT"] },
      default: "GET",
      doc: "Method.",
    },
    host: { schema: nonEmpty(253, "host"), doc: "Host header; default: the service's host." },
    headers: { schema: map(string(4096, "headerValue"), 64, "headerName"), doc: "Further headers." },
    expectedStatuses: {
      schema: list(nonEmpty(7, "statusRange"), 32, 1),
      default: ["200"],
      doc: "Codes such as `204` and ranges such as `200-299`.",
    },
  },
};

const grpc: ObjectSchema = {
  type: "object",
  name: "GrpcHealthCheck",
  doc: "The call grpc.health.v1.Health/Check; SERVING is healthy.",
  fields: {
    service: { schema: string(1024), doc: "The service asked for; default: the server as a whole." },
    authority: { schema: nonEmpty(253, "host"), doc: "The :authority; default: the service's host." },
  },
};

export const healthCheckSpec: ObjectSchema = {
  type: "object",
  name: "HealthCheckSpec",
  doc: "How Envoy finds out which endpoints of a host are well.",
  fields: {
    host: {
      schema: nonEmpty(253, "host"),
      required: true,
      doc: "A ServiceEntry's host; a short name is of the resource's namespace.",
    },
    subsets: {
      schema: list(nonEmpty(63, "name"), 1024, 1),
      doc: "Only the endpoints of these subsets, where a route names them; absent: all.",
    },
    port: { schema: integer(1, 65_535), doc: "Only for this port of the host; absent: for every port." },
    http: { schema: http, doc: "By an HTTP request, in the protocol of the host's port." },
    grpc: { schema: grpc, doc: "By a gRPC call." },
    tcp: {
      schema: {
        type: "object",
        name: "TcpHealthCheck",
        doc: "A connection that opens is healthy.",
        fields: {},
      },
      doc: "By a connection: write `tcp: {}`.",
    },
    checkPort: { schema: integer(1, 65_535), doc: "Port of the endpoints to ask, where it is another." },
    interval: { schema: moment, default: "10s", doc: "Time between checks of an endpoint." },
    timeout: { schema: moment, default: "1s", doc: "No answer within this is a failure." },
    unhealthyThreshold: {
      schema: integer(1, 1000),
      default: 3,
      doc: "Failures in a row that take an endpoint out. An unexpected status takes it out at once.",
    },
    healthyThreshold: {
      schema: integer(1, 1000),
      default: 2,
      doc: "Successes in a row that bring it back; a new endpoint needs one.",
    },
    unhealthyInterval: {
      schema: moment,
      doc: "Time between checks of an endpoint that is out; default: `interval`.",
    },
    panicThreshold: {
      schema: percent,
      doc: "With fewer healthy endpoints than this, all of them get requests (panic); 0: never. Default: the DestinationRule's `minHealthPercent`, else 50.",
    },
  },
  exactlyOneOf: [["http", "grpc", "tcp"]],
};
