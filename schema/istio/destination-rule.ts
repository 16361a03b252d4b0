// DestinationRule: a host's subsets, and how connections to them are balanced and limited.

import {
  duration,
  type EnumSchema,
  type Field,
  integer,
  list,
  nonEmpty,
  type ObjectSchema,
} from "../language.ts";
import { exportTo, labels, maxInt32, refused, yearMs } from "./common.ts";

const simpleLb: EnumSchema = {
  type: "enum",
  name: "SimpleLb",
  values: ["UNSPECIFIED", "ROUND_ROBIN", "LEAST_REQUEST", "LEAST_CONN", "RANDOM"],
  unsupported: {
    PASSTHROUGH:
      "a destination is always one of the host's endpoints here; write ROUND_ROBIN, LEAST_REQUEST or RANDOM",
  },
};

const loadBalancer: ObjectSchema = {
  type: "object",
  name: "LoadBalancerSettings",
  doc: "How an endpoint is chosen for each request.",
  fields: {
    simple: { schema: simpleLb, doc: "LEAST_REQUEST is the default; LEAST_CONN is its old name." },
    consistentHash: refused("Endpoints by hash.", "requests are not hashed to endpoints; use `simple`"),
    localityLbSetting: refused("Balancing by locality.", "localities are not known here; remove it"),
    zoneAwareLbSetting: refused("Balancing by zone.", "zones are not known here; remove it"),
    warmupDurationSecs: refused(
      "Slow start of new endpoints.",
      "new endpoints get their full share at once; remove it",
    ),
    warmup: refused("Slow start of new endpoints.", "new endpoints get their full share at once; remove it"),
  },
};

const tcpSettings: ObjectSchema = {
  type: "object",
  name: "TcpSettings",
  doc: "Limits of connections.",
  fields: {
    maxConnections: { schema: integer(0, maxInt32), doc: "Connections to the host at once, per proxy." },
    connectTimeout: { schema: duration(1, yearMs), default: "10s", doc: "Of a new connection." },
    tcpKeepalive: refused("TCP keepalive probes.", "the system's own keepalive applies; remove it"),
    maxConnectionDuration: refused("Longest life of a connection.", "use `http.maxRequestsPerConnection`"),
    idleTimeout: refused(
      "Idle TCP connections.",
      "only HTTP is routed; write `connectionPool.http.idleTimeout`",
    ),
  },
};

const count = (doc: string): Field => ({ schema: integer(0, maxInt32), doc });

const httpSettings: ObjectSchema = {
  type: "object",
  name: "HttpSettings",
  doc: "Limits of requests.",
  fields: {
    http1MaxPendingRequests: count("Requests that wait for a connection."),
    http2MaxRequests: count("Requests under way at once."),
    maxRequestsPerConnection: count("Requests on one connection; 0: no limit."),
    maxRetries: count("Retries under way at once."),
    idleTimeout: {
      schema: duration(1, yearMs),
      default: "1h",
      doc: "An idle connection is closed after this.",
    },
    h2UpgradePolicy: refused(
      "HTTP/2 to the host.",
      "the protocol follows the ServiceEntry's port; write `protocol: HTTP2` there",
    ),
    useClientProtocol: refused(
      "The client's protocol to the host.",
      "the protocol follows the ServiceEntry's port; remove it",
    ),
    maxConcurrentStreams: refused("Streams on one HTTP/2 connection.", "write `http2MaxRequests`"),
    http2KeepAlive: refused("HTTP/2 keepalive pings.", "connections are not pinged; remove it"),
  },
};

const policyFields: Record<string, Field> = {
  loadBalancer: { schema: loadBalancer, doc: "How an endpoint is chosen." },
  connectionPool: {
    schema: {
      type: "object",
      name: "ConnectionPoolSettings",
      doc: "Limits of connections and requests.",
      fields: {
        tcp: { schema: tcpSettings, doc: "Of connections." },
        http: { schema: httpSettings, doc: "Of requests." },
      },
    },
    doc: "Limits of connections and requests.",
  },
  outlierDetection: refused("Ejection of failing endpoints.", "failing endpoints are not ejected; remove it"),
  tls: refused("TLS to the host.", "connections to endpoints are plain; remove it"),
  portLevelSettings: refused(
    "Settings by port.",
    "settings apply to every port of the host; move them to `trafficPolicy`",
  ),
  tunnel: refused("Tunnelling by CONNECT.", "connections are not tunnelled; remove it"),
  proxyProtocol: refused("The PROXY protocol to the host.", "the PROXY protocol is not sent; remove it"),
  retryBudget: refused("A budget of retries.", "write `connectionPool.http.maxRetries`"),
};

const trafficPolicy: ObjectSchema = {
  type: "object",
  name: "TrafficPolicy",
  doc: "How requests to a host, or to a subset, are balanced and limited.",
  fields: policyFields,
};

const subset: ObjectSchema = {
  type: "object",
  name: "Subset",
  doc: "Endpoints of the host with some labels.",
  fields: {
    name: {
      schema: nonEmpty(63, "name"),
      required: true,
      doc: "What a route's `destination.subset` refers to.",
    },
    labels: { schema: labels, doc: "Labels that an endpoint must all have; absent: every endpoint." },
    trafficPolicy: { schema: trafficPolicy, doc: "In place of the host's, setting by setting." },
  },
};

export const destinationRuleSpec: ObjectSchema = {
  type: "object",
  name: "DestinationRuleSpec",
  doc: "Subsets and traffic policy of a host.",
  fields: {
    host: {
      schema: nonEmpty(253, "hostPattern"),
      required: true,
      doc: "The host's name; a short name is of the resource's namespace.",
    },
    trafficPolicy: { schema: trafficPolicy, doc: "Of the host, and of subsets that do not override it." },
    subsets: { schema: list(subset, 1024, 0, "name"), doc: "Named groups of endpoints." },
    exportTo,
    workloadSelector: refused("Workloads to which it applies.", "it applies to every proxy; remove it"),
  },
};
