// Gateway: on which ports and for which hosts a proxy at the edge listens.

import { type EnumSchema, integer, list, nonEmpty, type ObjectSchema, string } from "../language.ts";
import { labels, refused } from "./common.ts";
import { serverTls } from "./gateway-tls.ts";

/** Istio reads protocols in any case. */
const protocol: EnumSchema = {
  type: "enum",
  name: "GatewayProtocol",
  values: ["HTTP", "HTTP2", "GRPC", "GRPC-WEB", "HTTPS", "TLS", "TCP", "MONGO", "MYSQL", "REDIS"],
  unsupported: {
    HTTP3: "HTTP/3 is not served; HTTPS speaks HTTP/2 and HTTP/1.1",
    QUIC: "HTTP/3 is not served; HTTPS speaks HTTP/2 and HTTP/1.1",
    UDP: "Envoy proxies connections; write TCP, or let clients speak to the service directly",
    HBONE: "there is no ambient mesh here; write HTTP, HTTPS, TLS or TCP",
  },
  ignoreCase: true,
};

const port: ObjectSchema = {
  type: "object",
  name: "GatewayPort",
  doc: "The port of a server.",
  fields: {
    number: { schema: integer(1, 65_535), required: true, doc: "The port to listen on." },
    protocol: {
      schema: protocol,
      required: true,
      doc: "HTTP, HTTP2, GRPC: requests in plain text. HTTPS: requests in TLS. TLS: connections by the name asked for. TCP: connections.",
    },
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
    bind: { schema: nonEmpty(64), doc: "IP address to listen on; default: that of `--listen`." },
    tls: { schema: serverTls, doc: "Needed for HTTPS and TLS." },
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
