// A route's corsPolicy for Envoy's CORS filter, which is off in the listener and switched on by it.

import { create } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import { CorsPolicySchema } from "../../build/envoy-api/envoy/extensions/filters/http/cors/v3/cors_pb.ts";
import {
  type StringMatcher,
  StringMatcherSchema,
} from "../../build/envoy-api/envoy/type/matcher/v3/string_pb.ts";
import { FractionalPercent_DenominatorType as Denominator } from "../../build/envoy-api/envoy/type/v3/percent_pb.ts";
import type { CorsPolicy } from "../../schema/generated/types.ts";
import { durationNs } from "../../schema/values.ts";
import { corsFilter } from "./listeners.ts";
import { pack } from "./wire.ts";

/** A route's typed_per_filter_config. */
export function corsConfig(policy: CorsPolicy | undefined): Record<string, Any> {
  if (policy === undefined) return {};
  const message = create(CorsPolicySchema, {
    allowOriginStringMatch: origins(policy),
    allowMethods: (policy.allowMethods ?? []).join(","),
    allowHeaders: (policy.allowHeaders ?? []).join(","),
    exposeHeaders: (policy.exposeHeaders ?? []).join(","),
    maxAge: policy.maxAge === undefined ? "" : String(durationNs(policy.maxAge) / 1_000_000_000n),
    ...(policy.allowCredentials === undefined ? {} : { allowCredentials: policy.allowCredentials }),
    filterEnabled: { defaultValue: { numerator: 100, denominator: Denominator.HUNDRED } },
    forwardNotMatchingPreflights: policy.unmatchedPreflights !== "IGNORE",
  });
  return { [corsFilter]: pack(CorsPolicySchema, message) };
}

function origins({ allowOrigins, allowOrigin }: CorsPolicy): StringMatcher[] {
  const exact = (allowOrigin ?? []).map((value) => ({ exact: value }));
  return (allowOrigins ?? exact).map((origin: { exact?: string; prefix?: string; regex?: string }) => {
    if (origin.exact !== undefined)
      return create(StringMatcherSchema, { matchPattern: { case: "exact", value: origin.exact } });
    if (origin.prefix !== undefined)
      return create(StringMatcherSchema, { matchPattern: { case: "prefix", value: origin.prefix } });
    const regex = origin.regex ?? "";
    return create(StringMatcherSchema, { matchPattern: { case: "safeRegex", value: { regex } } });
  });
}
