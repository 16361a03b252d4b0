// What a VirtualService's route asks of a request: Istio's HTTPMatchRequest.

import { boolean, type Field, integer, list, map, nonEmpty, type ObjectSchema, string } from "../language.ts";
import { labels, refused } from "./common.ts";

const operand = string(8192);
const ours = (instead: string): Field =>
  refused(
    "Not one of Istio's conditions.",
    `a VirtualService knows exact, prefix and regex only; ${instead}`,
  );

/** Istio's StringMatch; `{}` asks only that the text is present. */
export const istioStringMatch: ObjectSchema = {
  type: "object",
  name: "IstioStringMatch",
  doc: "One condition on a text; empty: the text is present.",
  fields: {
    exact: { schema: operand, doc: "Equal, byte for byte." },
    prefix: { schema: operand, doc: "Starts with; a string prefix, not a path segment." },
    regex: { schema: nonEmpty(4096, "regex"), doc: "Matches as a whole, RE2 syntax." },
    suffix: ours("write `regex: .*\\.png` for the suffix `.png`"),
    contains: ours("write `regex: .*word.*` for what contains `word`"),
    in: ours("write `regex: a|b`, or one entry of `match` for each value"),
  },
  atMostOneOf: [["exact", "prefix", "regex"]],
};

const conditions = map(istioStringMatch, 64, "headerName");

/** What depends on the proxy and the port alone: decided when its routes are made, not for each request. */
export const placeConditions: Record<"port" | "sourceLabels" | "sourceNamespace" | "gateways", Field> = {
  port: { schema: integer(1, 65_535), doc: "The port of the host that is addressed." },
  sourceLabels: {
    schema: labels,
    doc: "Labels of the calling workload's proxy. Not looked at where `gateways` is given.",
  },
  sourceNamespace: {
    schema: nonEmpty(63, "name"),
    doc: "Namespace of the calling workload's proxy. Not looked at where `gateways` is given.",
  },
  gateways: {
    schema: list(nonEmpty(317, "gatewayName"), 256),
    doc: "Only on these Gateways, or `mesh`; some of those in `spec.gateways`.",
  },
};

export const httpMatchRequest: ObjectSchema = {
  type: "object",
  name: "HttpMatchRequest",
  doc: "Conditions on one request, all of which must hold.",
  fields: {
    name: { schema: string(256), doc: "Shown in explanations." },
    uri: { schema: istioStringMatch, doc: "The path without the query." },
    scheme: { schema: istioStringMatch, doc: "`http` or `https`." },
    method: { schema: istioStringMatch, doc: "The HTTP method; case-sensitive." },
    authority: { schema: istioStringMatch, doc: "The Host or :authority header." },
    headers: { schema: conditions, doc: "By header name." },
    withoutHeaders: { schema: conditions, doc: "None of these may hold; an absent header satisfies it." },
    queryParams: { schema: map(istioStringMatch, 64), doc: "By parameter name; the first value counts." },
    ignoreUriCase: { schema: boolean, default: false, doc: "`uri` exact and prefix ignore case." },
    ...placeConditions,
    statPrefix: {
      schema: nonEmpty(256),
      doc: "No condition: Envoy counts the route's requests as `vhost.VIRTUALHOST.route.STATPREFIX.*`.",
    },
    cookies: refused(
      "Not one of Istio's conditions.",
      "match the `cookie` header with a regex, or use a HeaderRoutingPolicy, which knows cookies",
    ),
    sourceIp: refused("Not one of Istio's conditions.", "use a HeaderRoutingPolicy, which knows sourceIp"),
  },
};
