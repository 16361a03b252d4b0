// Gateway: on which ports and for which hosts a proxy at the edge listens.

import { type EnumSchema, integer, list, nonEmpty, type ObjectSchema, string } from "../language.ts";
import { labels, refused } from "./common.ts";

const plainOnly = "only plain HTTP is served; write HTTP, HTTP2 or GRPC";

/** Istio reads protocols in any case. */
export const protocol: EnumSchema = {
  type: "enum",
  name: "Protocol",
  values: ["HTTP", "HTTP2", "GRPC"],
  unsupported: {
    "GRPC-WEB": "gRPC-Web is not translated; write GRPC or HTTP",
    HTTPS: plainOnly,
    TLS: plainOnly,
    TCP: plainOnly,
    MONGO: plainOnly,
    MYSQL: plainOnly,
    REDIS: plainOnly,
    UDP: plainOnly,
    HBONE: plainOnly,
  },
  ignoreCase: true,
};

const port: ObjectSchema = {
  type: "object",
  name: "GatewayPort",
  doc: "The port of a server.",
  fields: {
    number: { schema: integer(1, 65_535), required: true, doc: "The port to listen on." },
    protocol: { schema: protocol, required: true, doc: "HTTP, HTTP2 or GRPC." },
    name: { schema: nonEmpty(63), required: true, doc: "A label for the port." },
    targetPort: refused("Old name of the port of the workload.", "write the port to listen on in `number`"),
  },
};

const server: ObjectSchema = {
  type: "object",
  name: "GatewayServer",
  doc: "A port with the hosts that it serves.",
  fields: {
    port: { schema: port, required: true, doc: "The port to listen on." },
    hosts: {
      schema: list(nonEmpty(317, "gatewayHost"), 256, 1),
      required: true,
      doc: "Host names, `*.suffix` or `*`, each perhaps as `namespace/host`.",
    },
    name: { schema: string(253), doc: "What a policy's sectionName refers to." },
    bind: refused("Address to listen on.", "the server listens on the address of `--listen`; remove it"),
    tls: refused("TLS of the server.", "only plain HTTP is served; remove it and write `protocol: HTTP`"),
    defaultEndpoint: refused("Where other traffic goes.", "write a VirtualService for the host"),
  },
};

export const gatewaySpec: ObjectSchema = {
  type: "object",
  name: "GatewaySpec",
  doc: "Servers of a proxy at the edge.",
  fields: {
    servers: { schema: list(server, 256, 1), required: true, doc: "Ports and hosts." },
    selector: { schema: labels, doc: "Labels of the proxies that it configures; absent: every gateway." },
  },
};
