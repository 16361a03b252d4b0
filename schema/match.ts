// How a request is matched: Istio's HTTPMatchRequest with its semantics, and a few words more.
// Source of the semantics: Istio's reference of VirtualService, HTTPMatchRequest and StringMatch.

import { boolean, list, map, nonEmpty, type ObjectSchema, string } from "./language.ts";

const operand = string(8192);

/** One condition on a text. `{}` asks only that the text is present. */
export const stringMatch: ObjectSchema = {
  type: "object",
  name: "StringMatch",
  doc: "One condition on a text; empty: the text is present.",
  fields: {
    exact: { schema: operand, doc: "Equal, byte for byte." },
    prefix: { schema: operand, doc: "Starts with; a string prefix, not a path segment." },
    suffix: { schema: operand, doc: "Ends with." },
    contains: { schema: operand, doc: "Occurs anywhere within." },
    regex: { schema: nonEmpty(4096, "regex"), doc: "Matches as a whole, RE2 syntax." },
    in: { schema: list(operand, 100_000, 1), doc: "Equal to one of these; hashed." },
  },
  atMostOneOf: [["exact", "prefix", "suffix", "contains", "regex", "in"]],
};

/** All conditions of one entry must hold; a list of entries is an OR. */
export const requestMatch: ObjectSchema = {
  type: "object",
  name: "RequestMatch",
  doc: "Conditions on one request, all of which must hold.",
  fields: {
    name: { schema: string(256), doc: "Shown in explanations." },
    uri: { schema: stringMatch, doc: "The path without the query." },
    scheme: { schema: stringMatch, doc: "`http` or `https`." },
    method: { schema: stringMatch, doc: "The HTTP method; case-sensitive." },
    authority: { schema: stringMatch, doc: "The Host or :authority header." },
    headers: {
      schema: map(stringMatch, 64, "headerName"),
      doc: "By header name; repeated values are tried one by one.",
    },
    withoutHeaders: {
      schema: map(stringMatch, 64, "headerName"),
      doc: "None of these may hold; an absent header satisfies it.",
    },
    queryParams: { schema: map(stringMatch, 64), doc: "By parameter name; the first value counts." },
    cookies: { schema: map(stringMatch, 64, "token"), doc: "By cookie name." },
    sourceIp: {
      schema: list(nonEmpty(64, "cidr"), 4096, 1),
      doc: "The client's address is in one of these CIDR ranges.",
    },
    ignoreUriCase: {
      schema: boolean,
      default: false,
      doc: "`uri` exact and prefix ignore the case of ASCII letters.",
    },
  },
};

export const requestMatches = list(requestMatch, 256);
