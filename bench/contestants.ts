// Who is measured: chains of HTTP filters that stand before one direct response.

import { headerToMetadata, localRateLimit, nativeFault, nativeMetrics, wasm } from "./chains.ts";
import type { Modules } from "./modules.ts";
import {
  among,
  fault,
  faultFilter,
  fourInARow,
  keyed,
  limiting,
  metricsFilter,
  routing,
  routingFilter,
  suite,
  suiteFilter,
  unkeyed,
} from "./policies.ts";

export interface Contestant {
  name: string;
  filters: unknown[];
  /** What every request is answered. */
  status: number;
  accessLog?: unknown[];
  /** Fields of the route beside its direct response. */
  route?: object;
  /** How many users ask; default 100. */
  users?: number;
}

export const noFilter = "no filter";
export const nativeChain = "native chain: local_ratelimit, fault, header_to_metadata, access_loggers.stats";
export const bareModule = "a bare module: the suite's callbacks and hostcalls, doing nothing";
export const theSuite = "the suite, all four kinds on the route";
export const fourFilters = "four filters of ours in a row";
export const rustPeer = "as the Rust SDK's examples are, the same job";
export const refusedOnRoute = "rate_limit, one bucket, refused";
export const answeredOnRoute = "rate_limit, one bucket, admitted; the route answers as a refusal does";

const plenty = 100_000_000;
const nobody = { exact: "nobody" };

/** The headers of a refusal, on a direct response. */
const asRefused = {
  response_headers_to_add: [
    ["retry-after", "1"],
    ["ratelimit-policy", '"all";q=1;w=1'],
    ["ratelimit", '"all";r=0;t=1'],
  ].map(([key, value]) => ({ header: { key, value } })),
  direct_response: { status: 429 },
};

/** `calls`: what the bare module does. */
export function contestants(modules: Modules, calls = ""): Contestant[] {
  const chain = [
    localRateLimit(plenty),
    nativeFault("x-fault", { string_match: { exact: "on" } }),
    headerToMetadata,
  ];
  const list: (Contestant | undefined)[] = [
    { name: noFilter, filters: [], status: 200 },
    { name: nativeChain, filters: chain, status: 200, accessLog: [nativeMetrics] },
    { name: "an empty Wasm module", filters: [wasm("empty", modules.empty, {})], status: 200 },
    { name: bareModule, filters: [wasm("bare", modules.calls, calls)], status: 200 },
    { name: theSuite, filters: [suiteFilter(suite)], status: 200 },
    { name: fourFilters, filters: fourInARow, status: 200 },
    peer("proxy-runtime's classes: two headers, a counter", "peer", modules.proxyRuntime),
    peer(rustPeer, "rust", modules.rust),
    ...single(),
    ...many(),
  ];
  return list.filter((one) => one !== undefined);
}

const peer = (name: string, root: string, file: string | undefined): Contestant | undefined =>
  file === undefined ? undefined : { name, filters: [wasm(root, file, {})], status: 200 };

const single = (): Contestant[] => [
  { name: "header_routing, no rule matches", filters: [routingFilter(routing)], status: 200 },
  { name: "rate_limit, one bucket, admitted", filters: [limiting(unkeyed(1_000_000))], status: 200 },
  { name: refusedOnRoute, filters: [limiting(unkeyed(1))], status: 429 },
  { name: answeredOnRoute, filters: [limiting(unkeyed(1_000_000))], status: 429, route: asRefused },
  { name: "rate_limit, a bucket per user, admitted", filters: [limiting(keyed(10_000))], status: 200 },
  { name: "native local_ratelimit, admitted", filters: [localRateLimit(plenty)], status: 200 },
  { name: "native local_ratelimit, refused", filters: [localRateLimit(1)], status: 429 },
  { name: "fault, does not match", filters: [faultFilter(fault(nobody))], status: 200 },
  { name: "fault, aborts", filters: [faultFilter(fault({}))], status: 503 },
  {
    name: "native fault, does not match",
    filters: [nativeFault("uid", { string_match: nobody })],
    status: 200,
  },
  { name: "native fault, aborts", filters: [nativeFault("uid", { present_match: true })], status: 503 },
  { name: "metrics", filters: [metricsFilter], status: 200 },
  { name: "native access_loggers.stats", filters: [], status: 200, accessLog: [nativeMetrics] },
];

/** Beside those above, which have one route and a hundred keys. */
const many = (): Contestant[] => [
  {
    name: "rate_limit, one bucket, admitted; 10,000 routes",
    filters: [limiting(among(unkeyed(1_000_000), 9_999))],
    status: 200,
  },
  {
    name: "rate_limit, a bucket per user, admitted; 1,000,000 users",
    filters: [limiting(keyed(1_000_000))],
    status: 200,
    users: 1_000_000,
  },
];
