// DestinationRule's connectionPool: limits of connections and requests; 0 stands for no limit, as in Istio.

import { boolean, duration, enumeration, type Field, integer, type ObjectSchema } from "../language.ts";
import { maxInt32, yearMs } from "./common.ts";

const count = (doc: string): Field => ({ schema: integer(0, maxInt32), doc });

const tcpKeepalive: ObjectSchema = {
  type: "object",
  name: "TcpKeepalive",
  doc: "Probes on a connection on which nothing moves.",
  fields: {
    probes: {
      schema: integer(0, 4_294_967_295),
      doc: "Unanswered probes that end it; default: the system's.",
    },
    time: { schema: duration(1000, yearMs), doc: "Idle time before the first probe; default: the system's." },
    interval: { schema: duration(1000, yearMs), doc: "Time between probes; default: the system's." },
  },
};

const tcpSettings: ObjectSchema = {
  type: "object",
  name: "TcpSettings",
  doc: "Limits of connections.",
  fields: {
    maxConnections: count("Connections to the host at once, per proxy."),
    connectTimeout: { schema: duration(1, yearMs), default: "10s", doc: "Of a new connection." },
    tcpKeepalive: { schema: tcpKeepalive, doc: "TCP keepalive; absent: none." },
    maxConnectionDuration: { schema: duration(1, yearMs), doc: "Longest life of a connection." },
    idleTimeout: {
      schema: duration(0, yearMs),
      default: "1h",
      doc: "An idle connection is closed after this; 0s: never. `http.idleTimeout` comes first.",
    },
  },
};

const http2KeepAlive: ObjectSchema = {
  type: "object",
  name: "Http2KeepAlive",
  doc: "PINGs on HTTP/2 connections.",
  fields: {
    interval: { schema: duration(1, yearMs), required: true, doc: "Time between PINGs." },
    timeout: { schema: duration(1, yearMs), required: true, doc: "An answer later than this ends it." },
  },
};

const httpSettings: ObjectSchema = {
  type: "object",
  name: "HttpSettings",
  doc: "Limits of requests.",
  fields: {
    http1MaxPendingRequests: count("Requests that wait for a connection; more are answered 503."),
    http2MaxRequests: count("Requests under way at once; more are answered 503."),
    maxRequestsPerConnection: count("Requests on one connection; 1: no keep-alive."),
    maxRetries: count("Retries under way at once."),
    idleTimeout: {
      schema: duration(1, yearMs),
      default: "1h",
      doc: "An idle connection is closed after this.",
    },
    h2UpgradePolicy: {
      schema: enumeration("H2UpgradePolicy", "DEFAULT", "DO_NOT_UPGRADE", "UPGRADE"),
      doc: "UPGRADE: HTTP/2 to the host whatever its port says. DEFAULT: as the port's protocol says.",
    },
    useClientProtocol: { schema: boolean, default: false, doc: "HTTP/1.1 or HTTP/2, as the client does." },
    maxConcurrentStreams: count("Streams on one HTTP/2 connection."),
    http2KeepAlive: { schema: http2KeepAlive, doc: "PINGs on HTTP/2 connections; absent: none." },
  },
};

export const connectionPool: ObjectSchema = {
  type: "object",
  name: "ConnectionPoolSettings",
  doc: "Limits of connections and requests.",
  fields: {
    tcp: { schema: tcpSettings, doc: "Of connections." },
    http: { schema: httpSettings, doc: "Of requests." },
  },
};
