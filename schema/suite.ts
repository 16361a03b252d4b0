// The suite: all four filters as one, which takes the very pieces that the single filters take.

import { faultConfig } from "./fault.ts";
import { headerRoutingConfig } from "./header-routing.ts";
import type { ObjectSchema } from "./language.ts";
import { metricsConfig } from "./metrics.ts";
import { rateLimitConfig } from "./rate-limit.ts";

/** What each part of the suite reads, by the folder of the filter that reads the same by itself. */
export const suiteParts: Readonly<Record<string, string>> = {
  rate_limit: "rateLimit",
  header_routing: "headerRouting",
  fault: "fault",
  metrics: "metrics",
};

/** What `suite.wasm` reads: strict JSON of this shape. */
export const suiteConfig: ObjectSchema = {
  type: "object",
  name: "SuiteConfig",
  doc: "Configuration of the suite: of each filter what it takes by itself.",
  fields: {
    rateLimit: { schema: rateLimitConfig, doc: "Rate limits, decided first; absent: none." },
    headerRouting: { schema: headerRoutingConfig, doc: "Header routing, decided second; absent: none." },
    fault: { schema: faultConfig, doc: "Faults, decided last; absent: none." },
    metrics: { schema: metricsConfig, doc: "Metrics of every request; absent: none." },
  },
  atLeastOneOf: [["rateLimit", "headerRouting", "fault", "metrics"]],
};
