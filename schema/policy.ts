// The two shapes of every kind of policy: the resource's spec, which names its targets, and what its filter is
// given, in which every policy says on which routes it applies.

import { attachments, targetRefs } from "./attach.ts";
import { boolean, enumeration, type Field, integer, list, nonEmpty, type ObjectSchema } from "./language.ts";

export interface PolicyKind {
  /** Such as `RateLimit`: the generated types are RateLimitSpec, RateLimitPolicy and RateLimitConfig. */
  name: string;
  /** What it puts on routes, such as `Rate limits`. */
  puts: string;
  /** Of the filter that reads it. */
  filter: string;
  /** Common to both shapes. */
  fields: Record<string, Field>;
  /** Of a policy as the filter is given it. */
  givenFields?: Record<string, Field>;
  /** Of the filter's configuration, beside its policies. */
  configFields: Record<string, Field>;
}

/** Settings of a filter that reads requests. */
export const arenaField: Record<string, Field> = {
  arenaKiB: {
    schema: integer(16, 16_384),
    default: 128,
    doc: "Memory for one request's headers; more is answered 431.",
  },
};
export const streamsField: Record<string, Field> = {
  maxStreams: { schema: integer(64, 1_048_576), default: 65_536, doc: "Streams with state per worker." },
};

/** Settings of a filter that decides about requests. */
export const explainField: Record<string, Field> = {
  explainTokenSha256: {
    schema: { type: "string", minLength: 64, maxLength: 64 },
    doc:
      "Requests whose sluice-explain header is the text with this SHA-256 (hexadecimal) are told in the response " +
      "header sluice-explanation what was decided. Absent: nobody is.",
  },
};

/** Of every filter's configuration. */
const labelsField: Record<string, Field> = {
  labels: {
    schema: enumeration("LabelEncoding", "sluice", "istio"),
    default: "sluice",
    doc: "How labels are written into a stat's name: for the rules of our bootstrap, or of Istio's.",
  },
};

export function policyShapes(kind: PolicyKind): { spec: ObjectSchema; config: ObjectSchema } {
  const fields: Record<string, Field> = {
    ...kind.fields,
    inherit: { schema: boolean, default: true, doc: "false: less specific policies do not apply." },
  };
  const policy: ObjectSchema = {
    type: "object",
    name: `${kind.name}Policy`,
    doc: "One policy with the routes that it applies to.",
    fields: {
      name: { schema: nonEmpty(512), required: true, doc: "namespace/name." },
      attach: { schema: attachments, doc: "Absent: every request." },
      ...kind.givenFields,
      ...fields,
    },
  };
  return {
    spec: {
      type: "object",
      name: `${kind.name}Spec`,
      doc: `${kind.puts} on the routes that targetRefs name.`,
      fields: { targetRefs: { schema: targetRefs, doc: "Absent: every route of the proxy." }, ...fields },
    },
    config: {
      type: "object",
      name: `${kind.name}Config`,
      doc: `Configuration of the ${kind.filter} filter.`,
      fields: {
        policies: {
          schema: list(policy, 50_000, 0, "name"),
          required: true,
          doc: "From the most specific attachment to the least.",
        },
        ...labelsField,
        ...kind.configFields,
      },
    },
  };
}
