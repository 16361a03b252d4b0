// Envoy's local_ratelimit and ours side by side: 50 random limits on 50 routes each, the same load on both. First
// burst and long-run rate must be the same.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../host/index.ts";
import { directRoute, startLimited } from "./rate-limit-envoy.ts";
import { flood } from "./rate-limit-flood.ts";

const LIMITS = 50;
const SECONDS = 6;

const localRateLimit = (bucket: object | undefined): object => ({
  "@type": "type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit",
  stat_prefix: "native",
  ...(bucket === undefined
    ? {}
    : {
        token_bucket: bucket,
        filter_enabled: { default_value: { numerator: 100, denominator: "HUNDRED" } },
        filter_enforced: { default_value: { numerator: 100, denominator: "HUNDRED" } },
      }),
});

test("50 random limits let through what Envoy's own let through", async () => {
  const random = new Random(5);
  const limits = Array.from({ length: LIMITS }, (_, i) => {
    const everyMs = [50, 100, 200, 500, 1000][random.below(5)] ?? 1000;
    const requests = 1 + random.below(Math.ceil((20 * everyMs) / 1000));
    return { route: `r${i}`, everyMs, requests, burst: requests * (1 + random.below(4)) };
  });
  const path = (n: number) => `/${limits[n % LIMITS]?.route}/`;
  const nativeRoutes = limits.map(({ route, everyMs, requests, burst }) => {
    const bucket = { max_tokens: burst, tokens_per_fill: requests, fill_interval: `${everyMs / 1000}s` };
    const config = { "envoy.filters.http.local_ratelimit": localRateLimit(bucket) };
    return directRoute(route, `/${route}/`, { typed_per_filter_config: config });
  });
  const native = await startLimited(
    { filters: [{ name: "envoy.filters.http.local_ratelimit", typed_config: localRateLimit(undefined) }] },
    { routes: nativeRoutes },
  );
  const policies = limits.map(({ route, everyMs, requests, burst }) => ({
    name: `ns/${route}`,
    attach: [{ route }],
    limits: [{ name: "all", requests, per: `${everyMs}ms`, burst }],
  }));
  const ours = await startLimited(
    { policies },
    { routes: limits.map(({ route }) => directRoute(route, `/${route}/`)) },
  );
  try {
    // The burst of the largest bucket, and then more than any rate.
    const load = { connections: 24, perSecond: 2500, seconds: SECONDS, path };
    const [a, b] = await Promise.all([
      flood({ ...load, port: native.port }),
      flood({ ...load, port: ours.port }),
    ]);
    const wrong: string[] = [];
    for (const { route, everyMs, requests, burst } of limits) {
      const rate = (1000 * requests) / everyMs;
      const theirs = a.admitted.get(`/${route}/`) ?? 0;
      const mine = b.admitted.get(`/${route}/`) ?? 0;
      const bound = burst + rate * b.seconds;
      // Ours fills one by one, theirs in its own steps; both began and ended within the load's time.
      if (Math.abs(theirs - mine) > 3 + requests + 0.04 * bound || mine > bound)
        wrong.push(
          `${requests} per ${everyMs} ms, burst ${burst}: native ${theirs}, ours ${mine}, bound ${bound}`,
        );
    }
    assert.deepEqual(wrong, []);
  } finally {
    await native.close();
    await ours.close();
  }
});
