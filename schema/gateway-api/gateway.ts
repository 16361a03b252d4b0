// The Gateway API's Gateway: on which ports and for which hosts a proxy at the edge listens.

import { enumeration, type EnumSchema, list, nonEmpty, type ObjectSchema, string } from "../language.ts";
import { refused } from "../istio/common.ts";
import { hostname, labelSelector, portNumber, sectionName } from "./common.ts";

const elsewhere = "write a Gateway of networking.istio.io with a VirtualService's tcp or tls routes";

const protocol: EnumSchema = {
  type: "enum",
  name: "ListenerProtocol",
  values: ["HTTP", "HTTPS"],
  unsupported: {
    TLS: `TLSRoute is not read here; ${elsewhere}`,
    TCP: `TCPRoute is not read here; ${elsewhere}`,
    UDP: "Envoy proxies connections; let clients speak to the service directly",
  },
};

const tls: ObjectSchema = {
  type: "object",
  name: "ListenerTls",
  doc: "TLS of the listener.",
  fields: {
    mode: {
      schema: {
        ...enumeration("ListenerTlsMode", "Terminate"),
        unsupported: { Passthrough: `it needs a TLSRoute, which is not read here; ${elsewhere}` },
      },
      default: "Terminate",
      doc: "TLS ends here.",
    },
    certificateRefs: {
      schema: list(
        {
          type: "object",
          name: "CertificateReference",
          doc: "A Secret with tls.crt and tls.key.",
          fields: {
            group: { schema: string(253), default: "", doc: "The group." },
            kind: { schema: nonEmpty(63), default: "Secret", doc: "Secret." },
            name: { schema: nonEmpty(253, "name"), required: true, doc: "The Secret's name." },
            namespace: {
              schema: nonEmpty(63, "name"),
              doc: "Default: the Gateway's; another one must allow it by a ReferenceGrant.",
            },
          },
        },
        2,
      ),
      doc: "The certificates; two: one with an RSA and one with an ECDSA key.",
    },
    options: refused("Options of implementations.", "there are none here; remove it"),
  },
};

const listener: ObjectSchema = {
  type: "object",
  name: "GatewayListener",
  doc: "A port with the hosts that it serves.",
  fields: {
    name: { schema: sectionName, required: true, doc: "What a route's or policy's sectionName refers to." },
    hostname: { schema: hostname, doc: "The host, or `*.suffix`; default: every one." },
    port: { schema: portNumber, required: true, doc: "The port to listen on." },
    protocol: { schema: protocol, required: true, doc: "HTTP, or HTTPS with `tls`." },
    tls: { schema: tls, doc: "Needed for HTTPS." },
    allowedRoutes: {
      schema: {
        type: "object",
        name: "AllowedRoutes",
        doc: "Which routes may be attached.",
        fields: {
          namespaces: {
            schema: {
              type: "object",
              name: "RouteNamespaces",
              doc: "Of which namespaces.",
              fields: {
                from: {
                  schema: enumeration("FromNamespaces", "All", "Selector", "Same"),
                  default: "Same",
                  doc: "Same: the Gateway's own.",
                },
                selector: { schema: labelSelector, doc: "With Selector." },
              },
            },
            doc: "Of which namespaces; default: the Gateway's own.",
          },
          kinds: {
            schema: list(
              {
                type: "object",
                name: "RouteGroupKind",
                doc: "A kind of route.",
                fields: {
                  group: { schema: string(253), default: "gateway.networking.k8s.io", doc: "The group." },
                  kind: {
                    schema: enumeration("RouteKind", "HTTPRoute", "GRPCRoute"),
                    required: true,
                    doc: "HTTPRoute or GRPCRoute.",
                  },
                },
              },
              8,
            ),
            doc: "Default: both.",
          },
        },
      },
      doc: "Default: routes of the Gateway's own namespace.",
    },
  },
};

export const apiGatewaySpec: ObjectSchema = {
  type: "object",
  name: "ApiGatewaySpec",
  doc: "Listeners of a proxy at the edge.",
  fields: {
    gatewayClassName: {
      schema: nonEmpty(253),
      required: true,
      doc: "Any: the folder has one kind of proxy.",
    },
    listeners: { schema: list(listener, 64, 1, "name"), required: true, doc: "Ports and hosts." },
    addresses: refused("Addresses to listen on.", "listeners bind to the address of `--listen`; remove it"),
    infrastructure: refused("What is deployed for it.", "nothing is deployed here; remove it"),
    allowedListeners: refused("ListenerSets.", "they are not read here; write the listeners here"),
    tls: refused(
      "Client certificates.",
      "write a Gateway of networking.istio.io with mode MUTUAL for that port",
    ),
    defaultScope: refused(
      "Default Gateways.",
      "it is not in the standard channel; routes name their Gateway",
    ),
  },
};
