// A VirtualService's routes of connections: TCP by port, TLS by the name that the client asks for (SNI).

import { integer, list, nonEmpty, type ObjectSchema } from "../language.ts";
import { maxInt32, refused, serviceDestination } from "./common.ts";
import { placeConditions } from "./virtual-service-match.ts";

const destinationSubnets = {
  schema: list(nonEmpty(64, "subnet"), 256),
  doc: "Addresses connected to, as CIDR. Without effect on Gateways, as in Istio.",
} as const;

const connectionDestination: ObjectSchema = {
  type: "object",
  name: "RouteDestination",
  doc: "A destination and its share of the connections.",
  fields: {
    destination: { schema: serviceDestination, required: true, doc: "Where the connections go." },
    weight: {
      schema: integer(0, maxInt32),
      doc: "Relative to the sum of the weights; a single destination needs none.",
    },
  },
};

const route = {
  schema: list(connectionDestination, 256, 1),
  required: true,
  doc: "Where the connections go, by weight.",
} as const;

export const tcpRoute: ObjectSchema = {
  type: "object",
  name: "TcpRoute",
  doc: "A route of TCP connections; the first that matches takes them.",
  fields: {
    match: {
      schema: list(
        {
          type: "object",
          name: "L4MatchAttributes",
          doc: "Conditions on a connection, all of which must hold.",
          fields: {
            destinationSubnets,
            ...placeConditions,
            sourceSubnet: refused("Address of the client.", "Istio does not act on it either; remove it"),
          },
        },
        256,
      ),
      doc: "Any of these; absent: every connection.",
    },
    route,
  },
};

export const tlsRoute: ObjectSchema = {
  type: "object",
  name: "TlsRoute",
  doc: "A route of TLS connections that are passed through as they are.",
  fields: {
    match: {
      schema: list(
        {
          type: "object",
          name: "TlsMatchAttributes",
          doc: "Conditions on a connection, all of which must hold.",
          fields: {
            sniHosts: {
              schema: list(nonEmpty(253, "hostPattern"), 256, 1),
              required: true,
              doc: "Names that the client asks for; each among the VirtualService's hosts, or narrower.",
            },
            destinationSubnets,
            ...placeConditions,
          },
        },
        256,
        1,
      ),
      required: true,
      doc: "Any of these.",
    },
    route,
  },
};
