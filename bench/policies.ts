// What our filters are given, each alone, four in a row, and as the suite.

import { moduleOf, routeName, virtualHost, wasm } from "./chains.ts";

const RESPONSE = "proxy_on_response_headers";
const LOG = "proxy_on_log";
const TICK = "proxy_on_tick";

const attached = (policy: object) => ({ name: "bench/policy", attach: [{ route: routeName }], ...policy });
const plan = (policy: object) => ({ policies: [attached(policy)] });

export const limit = (limit: object) => plan({ limits: [limit] });
export const unkeyed = (requests: number) => limit({ name: "all", requests, per: "1s" });
export const keyed = (maxKeys: number) =>
  limit({ name: "user", key: [{ header: "uid" }], requests: 1_000_000, per: "1s", maxKeys });

export const routing = plan({
  rules: [
    { name: "none", match: [{ headers: { uid: { exact: "nobody" } } }], destination: { subset: "v3" } },
  ],
});

/** Aborts where the header uid meets the condition. */
export const fault = (condition: object) =>
  plan({
    faults: [
      {
        name: "down",
        percentage: 100,
        match: [{ headers: { uid: condition } }],
        abort: { httpStatus: 503 },
      },
    ],
  });

/** By both names, as our server attaches what is not unique, and metrics: found by the route's number. */
const byNumber = ({ policies }: { policies: object[] }) => ({
  policies: policies.map((policy) => ({ ...policy, attach: [{ virtualHost, route: routeName }] })),
});

export const metrics = byNumber(plan({}));

/** The policy, and `others` more of its kind on routes that are never asked for. */
export const among = ({ policies }: { policies: object[] }, others: number) => ({
  policies: [
    ...policies,
    ...Array.from({ length: others }, (_, i) => ({
      ...policies[0],
      name: `bench/other-${i}`,
      attach: [{ route: `route-${i}` }],
    })),
  ],
});

/** All four kinds on the route, none of which does anything to the requests of this load. */
export const suite = {
  rateLimit: byNumber(unkeyed(1_000_000)),
  headerRouting: byNumber(routing),
  fault: byNumber(fault({ exact: "nobody" })),
  metrics,
};

export const suiteIdle = [RESPONSE, TICK];

export const limiting = (configuration: object) =>
  wasm("rate_limit", moduleOf("rate_limit"), configuration, [RESPONSE, LOG]);
export const routingFilter = (configuration: object) =>
  wasm("header_routing", moduleOf("header_routing"), configuration, [RESPONSE, LOG]);
export const faultFilter = (configuration: object) =>
  wasm("fault", moduleOf("fault"), configuration, [RESPONSE, LOG, TICK]);
export const metricsFilter = wasm("metrics", moduleOf("metrics"), metrics);
export const suiteFilter = (configuration: object) =>
  wasm("suite", moduleOf("suite"), configuration, suiteIdle);

export const fourInARow = [
  metricsFilter,
  limiting(suite.rateLimit),
  routingFilter(suite.headerRouting),
  faultFilter(suite.fault),
];
