// ServiceEntry: hosts with their ports and endpoints; outside Kubernetes, the registry of services.

import { type EnumSchema, enumeration, integer, list, nonEmpty, type ObjectSchema } from "../language.ts";
import { exportTo, labels } from "./common.ts";
import { workloadEntrySpec } from "./workload-entry.ts";

const portNumber = integer(1, 65_535);

const resolution = enumeration("Resolution", "NONE", "STATIC", "DNS", "DNS_ROUND_ROBIN", "DYNAMIC_DNS");

/** Istio reads protocols in any case. */
const protocol: EnumSchema = {
  type: "enum",
  name: "ServiceProtocol",
  values: ["HTTP", "HTTP2", "GRPC", "GRPC-WEB", "HTTPS", "TLS", "TCP", "MONGO", "MYSQL", "REDIS"],
  unsupported: { UDP: "Envoy proxies connections; a client of UDP speaks to the service directly" },
  ignoreCase: true,
};

const servicePort: ObjectSchema = {
  type: "object",
  name: "ServicePort",
  doc: "A port of the service.",
  fields: {
    number: { schema: portNumber, required: true, doc: "The port that clients name." },
    name: { schema: nonEmpty(63, "name"), required: true, doc: "What an endpoint's `ports` refers to." },
    protocol: {
      schema: protocol,
      default: "HTTP",
      doc: "HTTP2 and GRPC: HTTP/2 to the endpoints. HTTPS and TLS: passed through. TCP, MONGO, MYSQL, REDIS: bytes.",
    },
    targetPort: { schema: portNumber, doc: "The port of the endpoints that name none; default: `number`." },
  },
};

export const serviceEntrySpec: ObjectSchema = {
  type: "object",
  name: "ServiceEntrySpec",
  doc: "Hosts, their ports and where their instances are.",
  fields: {
    hosts: {
      schema: list(nonEmpty(253, "hostPattern"), 256, 1),
      required: true,
      doc: "Full host names; patterns such as `*.example.com` with resolution NONE and DYNAMIC_DNS.",
    },
    ports: { schema: list(servicePort, 256, 1, "number"), required: true, doc: "The ports of the hosts." },
    addresses: {
      schema: list(nonEmpty(64, "subnet"), 256),
      doc: "Virtual addresses of the service: further names of it in a Host header; for TCP and TLS the proxy listens on those that are the machine's own, such as 127.0.10.1.",
    },
    location: {
      schema: enumeration("ServiceLocation", "MESH_EXTERNAL", "MESH_INTERNAL"),
      default: "MESH_EXTERNAL",
      doc: "Whether the service is part of the mesh. It makes no difference here.",
    },
    resolution: {
      schema: resolution,
      default: "NONE",
      doc: "STATIC: the endpoints' addresses. DNS: all addresses of the names; DNS_ROUND_ROBIN: the first one at each connection. NONE, DYNAMIC_DNS: the name in the request's Host header is looked up.",
    },
    endpoints: {
      schema: list(workloadEntrySpec, 4096),
      doc: "The instances; with DNS, absent: the hosts themselves.",
    },
    workloadSelector: {
      schema: {
        type: "object",
        name: "WorkloadSelector",
        doc: "Which WorkloadEntries of the namespace are instances.",
        fields: { labels: { schema: labels, doc: "Labels that they must all have." } },
      },
      doc: "In place of `endpoints`: WorkloadEntries of the same namespace.",
    },
    subjectAltNames: {
      schema: list(nonEmpty(253), 256),
      doc: "One of these must be in the host's certificate, where the DestinationRule's `tls` names none.",
    },
    exportTo,
  },
  atMostOneOf: [["endpoints", "workloadSelector"]],
};
