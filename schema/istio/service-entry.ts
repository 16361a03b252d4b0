// ServiceEntry: hosts with their ports and endpoints; outside Kubernetes, the registry of services.

import {
  type EnumSchema,
  enumeration,
  integer,
  list,
  map,
  nonEmpty,
  type ObjectSchema,
} from "../language.ts";
import { exportTo, labels, refused } from "./common.ts";
import { protocol } from "./gateway.ts";

const portNumber = integer(1, 65_535);

const resolution: EnumSchema = {
  type: "enum",
  name: "Resolution",
  values: ["STATIC", "DNS"],
  unsupported: {
    NONE: "the address that a client asked for is not known here; write STATIC with `endpoints`, or DNS",
    DNS_ROUND_ROBIN: "write DNS, which balances over all the addresses of the name",
    DYNAMIC_DNS: "write DNS and one ServiceEntry for each host",
  },
};

const servicePort: ObjectSchema = {
  type: "object",
  name: "ServicePort",
  doc: "A port of the service.",
  fields: {
    number: { schema: portNumber, required: true, doc: "The port that clients name." },
    name: { schema: nonEmpty(63, "name"), required: true, doc: "What an endpoint's `ports` refers to." },
    protocol: { schema: protocol, default: "HTTP", doc: "HTTP, HTTP2 or GRPC." },
    targetPort: { schema: portNumber, doc: "The port of the endpoints that name none; default: `number`." },
  },
};

const workloadEntry: ObjectSchema = {
  type: "object",
  name: "WorkloadEntry",
  doc: "One endpoint.",
  fields: {
    address: {
      schema: nonEmpty(256, "address"),
      required: true,
      doc: "An IP address; a host name where resolution is DNS.",
    },
    ports: { schema: map(portNumber, 128, "name"), doc: "Port numbers by the port's name." },
    labels: { schema: labels, doc: "What subsets select by." },
    weight: {
      schema: integer(0, 4_294_967_295),
      doc: "Share of the requests, relative to the other endpoints; default: 1.",
    },
    network: refused("Network of the endpoint.", "endpoints are reached directly; remove it"),
    locality: refused("Region, zone and sub-zone.", "localities are not known here; remove it"),
    serviceAccount: refused("Identity of the workload.", "connections to endpoints are plain; remove it"),
  },
};

export const serviceEntrySpec: ObjectSchema = {
  type: "object",
  name: "ServiceEntrySpec",
  doc: "Hosts, their ports and where their instances are.",
  fields: {
    hosts: { schema: list(nonEmpty(253, "host"), 256, 1), required: true, doc: "Full host names." },
    ports: { schema: list(servicePort, 256, 1, "number"), required: true, doc: "The ports of the hosts." },
    location: {
      schema: enumeration("ServiceLocation", "MESH_EXTERNAL", "MESH_INTERNAL"),
      default: "MESH_EXTERNAL",
      doc: "Whether the service is part of the mesh.",
    },
    resolution: {
      schema: resolution,
      required: true,
      doc: "STATIC: the endpoints' addresses; DNS: the names are looked up.",
    },
    endpoints: {
      schema: list(workloadEntry, 4096),
      doc: "The instances; with DNS, absent: the hosts themselves.",
    },
    exportTo,
    addresses: refused("Virtual addresses of the service.", "services are found by host name; remove it"),
    workloadSelector: refused("Endpoints by labels of workloads.", "list the `endpoints`"),
    subjectAltNames: refused(
      "Names in the service's certificate.",
      "connections to endpoints are plain; remove it",
    ),
  },
};
