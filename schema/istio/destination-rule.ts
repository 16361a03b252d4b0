// DestinationRule: a host's subsets, and how connections to them are balanced, limited and secured.

import {
  duration,
  enumeration,
  type Field,
  integer,
  list,
  nonEmpty,
  type ObjectSchema,
  percent,
} from "../language.ts";
import { exportTo, labels, portSelector, refused, yearMs } from "./common.ts";
import { loadBalancer } from "./destination-rule-balancing.ts";
import { outlierDetection } from "./destination-rule-outlier.ts";
import { connectionPool } from "./destination-rule-pool.ts";
import { clientTls } from "./destination-rule-tls.ts";

/** What can be said for all ports and for one. */
const portFields: Record<string, Field> = {
  loadBalancer: { schema: loadBalancer, doc: "How an endpoint is chosen." },
  connectionPool: { schema: connectionPool, doc: "Limits of connections and requests." },
  outlierDetection: { schema: outlierDetection, doc: "Endpoints that fail are left out for a while." },
  tls: { schema: clientTls, doc: "TLS to the host." },
};

const portTrafficPolicy: ObjectSchema = {
  type: "object",
  name: "PortTrafficPolicy",
  doc: "Settings of one port: nothing is taken over from those for all ports.",
  fields: { port: { schema: portSelector, required: true, doc: "The port of the host." }, ...portFields },
};

const retryBudget: ObjectSchema = {
  type: "object",
  name: "RetryBudget",
  doc: "Retries under way at once, in proportion to the requests under way.",
  fields: {
    percent: { schema: percent, default: 20, doc: "Of the requests under way and waiting." },
    minRetryConcurrency: {
      schema: integer(0, 4_294_967_295),
      default: 3,
      doc: "Retries that are always allowed at once. 0 is read as the default.",
    },
    budgetInterval: {
      schema: duration(0, yearMs),
      default: "0s",
      doc: "Requests of this time count too.",
    },
  },
};

const trafficPolicy: ObjectSchema = {
  type: "object",
  name: "TrafficPolicy",
  doc: "How requests to a host, or to a subset, are balanced, limited and secured.",
  fields: {
    ...portFields,
    portLevelSettings: {
      schema: list(portTrafficPolicy, 256),
      doc: "Settings of single ports, in place of the four above as a whole.",
    },
    proxyProtocol: {
      schema: {
        type: "object",
        name: "ProxyProtocol",
        doc: "The client's address, told to the host in front of each connection.",
        fields: {
          version: {
            schema: enumeration("ProxyProtocolVersion", "V1", "V2"),
            default: "V1",
            doc: "V1 is text.",
          },
        },
      },
      doc: "The PROXY protocol to the host.",
    },
    retryBudget: { schema: retryBudget, doc: "In place of `connectionPool.http.maxRetries`." },
    tunnel: refused("Tunnelling by CONNECT.", "connections are not tunnelled; remove it"),
  },
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
    workloadSelector: {
      schema: {
        type: "object",
        name: "DestinationRuleWorkloads",
        doc: "Which proxies the rule is for.",
        fields: {
          matchLabels: { schema: labels, doc: "Labels that the proxy must all have." },
        },
      },
      doc: "Only for the proxies of its own namespace with these labels, before any rule for all.",
    },
  },
};
