// DestinationRule's loadBalancer: how an endpoint is chosen for each request.

import {
  boolean,
  duration,
  type EnumSchema,
  integer,
  list,
  map,
  nonEmpty,
  type ObjectSchema,
  percent,
  string,
} from "../language.ts";
import { refused, yearMs } from "./common.ts";

const simpleLb: EnumSchema = {
  type: "enum",
  name: "SimpleLb",
  values: ["UNSPECIFIED", "ROUND_ROBIN", "LEAST_REQUEST", "LEAST_CONN", "RANDOM", "PASSTHROUGH"],
};

const httpCookie: ObjectSchema = {
  type: "object",
  name: "HashCookie",
  doc: "The cookie whose value is hashed.",
  fields: {
    name: { schema: nonEmpty(256, "token"), required: true, doc: "Its name." },
    path: { schema: string(1024, "headerValue"), doc: "Of a cookie that Envoy sets." },
    ttl: {
      schema: duration(0, yearMs),
      doc: "Given: a request without the cookie gets one with this lifetime; 0s: until the browser ends. Absent: none is set.",
    },
    attributes: {
      schema: list(
        {
          type: "object",
          name: "CookieAttribute",
          doc: "An attribute of a cookie that Envoy sets, such as SameSite.",
          fields: {
            name: { schema: nonEmpty(256, "token"), required: true, doc: "Its name." },
            value: { schema: string(1024, "headerValue"), doc: "Its value; absent: none." },
          },
        },
        16,
        0,
        "name",
      ),
      doc: "Further attributes of a cookie that Envoy sets.",
    },
  },
};

/** Envoy's bound. */
const ringSize = integer(1, 8_388_608);

const consistentHash: ObjectSchema = {
  type: "object",
  name: "ConsistentHash",
  doc: "Requests with the same value go to the same endpoint, as long as it is there and healthy.",
  fields: {
    httpHeaderName: { schema: nonEmpty(256, "headerName"), doc: "The header that is hashed." },
    httpCookie: { schema: httpCookie, doc: "The cookie that is hashed." },
    useSourceIp: { schema: boolean, doc: "The client's address is hashed." },
    httpQueryParameterName: { schema: nonEmpty(256), doc: "The query parameter that is hashed." },
    ringHash: {
      schema: {
        type: "object",
        name: "RingHash",
        doc: "A ring of virtual nodes.",
        fields: {
          minimumRingSize: {
            schema: ringSize,
            default: 1024,
            doc: "Virtual nodes at least; more: more even.",
          },
        },
      },
      doc: "The default.",
    },
    maglev: {
      schema: {
        type: "object",
        name: "Maglev",
        doc: "Maglev's table: faster than a ring, a little less stable when endpoints come and go.",
        fields: {
          tableSize: { schema: integer(2, 5_000_011), default: 65_537, doc: "A prime number." },
        },
      },
      doc: "A table in place of the ring.",
    },
    minimumRingSize: { schema: ringSize, doc: "Old place of `ringHash.minimumRingSize`." },
  },
  exactlyOneOf: [["httpHeaderName", "httpCookie", "useSourceIp", "httpQueryParameterName"]],
  atMostOneOf: [["ringHash", "maglev", "minimumRingSize"]],
};

const warmup: ObjectSchema = {
  type: "object",
  name: "Warmup",
  doc: "Slow start of new endpoints; with ROUND_ROBIN and LEAST_REQUEST.",
  fields: {
    duration: {
      schema: duration(1, yearMs),
      required: true,
      doc: "Time until an endpoint has its full share.",
    },
    minimumPercent: { schema: percent, default: 10, doc: "Of its share that an endpoint gets at the least." },
    aggression: {
      schema: { type: "number", min: 0, max: 100 },
      default: 1,
      doc: "Form of the rise: 1 is linear; above 1 it is fast at first. Above 0.",
    },
  },
};

const place = nonEmpty(2048);

const localityLbSetting: ObjectSchema = {
  type: "object",
  name: "LocalityLbSetting",
  doc: "By region, zone and sub-zone of proxy and endpoints.",
  fields: {
    enabled: { schema: boolean, default: true, doc: "false: localities make no difference." },
    distribute: {
      schema: list(
        {
          type: "object",
          name: "LocalityDistribute",
          doc: "Shares of the localities for the requests from one.",
          fields: {
            from: {
              schema: place,
              required: true,
              doc: "`region/zone/subzone` of the proxy; `region/*` for all below, `*` for all.",
            },
            to: {
              schema: map(integer(1, 100), 256),
              required: true,
              doc: "Percentages by locality; their sum is 100. Localities that are not named get nothing.",
            },
          },
        },
        256,
      ),
      doc: "Fixed shares.",
    },
    failover: {
      schema: list(
        {
          type: "object",
          name: "LocalityFailover",
          doc: "Where requests go when a region has no healthy endpoints left.",
          fields: {
            from: { schema: place, required: true, doc: "The proxy's region." },
            to: { schema: place, required: true, doc: "The region that comes next." },
          },
        },
        256,
        0,
        "from",
      ),
      doc: "The region that comes next; needs `outlierDetection`.",
    },
    failoverPriority: {
      schema: list(nonEmpty(512), 64),
      doc: "Labels, `label` or `label=value`: endpoints that have the proxy's values of the first n come before those with fewer; needs `outlierDetection`.",
    },
  },
  atMostOneOf: [
    ["distribute", "failover"],
    ["distribute", "failoverPriority"],
  ],
};

export const loadBalancer: ObjectSchema = {
  type: "object",
  name: "LoadBalancerSettings",
  doc: "How an endpoint is chosen for each request.",
  fields: {
    simple: {
      schema: simpleLb,
      doc: "LEAST_REQUEST is the default; LEAST_CONN is its old name. PASSTHROUGH: the address that the client asked for.",
    },
    consistentHash: {
      schema: consistentHash,
      doc: "By hash of a header, cookie, query parameter or address.",
    },
    localityLbSetting: { schema: localityLbSetting, doc: "By region, zone and sub-zone." },
    warmup: { schema: warmup, doc: "Slow start of new endpoints." },
    warmupDurationSecs: { schema: duration(1, yearMs), doc: "Old form of `warmup.duration`." },
    zoneAwareLbSetting: refused(
      "Balancing by the sizes of zones.",
      "the proxies of a zone do not know of each other here; write `localityLbSetting`",
    ),
    backendUtilization: refused(
      "Balancing by the load that endpoints report.",
      "reports of load are not read; write `simple: LEAST_REQUEST`",
    ),
  },
  atMostOneOf: [
    ["simple", "consistentHash"],
    ["warmup", "warmupDurationSecs"],
  ],
};
