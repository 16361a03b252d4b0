// ReferenceGrant: which resources of other namespaces may refer to those of its own.

import { list, nonEmpty, type ObjectSchema, string } from "../language.ts";

const namespace = nonEmpty(63, "name");

export const referenceGrantSpec: ObjectSchema = {
  type: "object",
  name: "ReferenceGrantSpec",
  doc: "Leave for others to refer to resources of this namespace.",
  fields: {
    from: {
      schema: list(
        {
          type: "object",
          name: "GrantFrom",
          doc: "Who refers.",
          fields: {
            group: { schema: string(253), required: true, doc: "The group, such as sluice.traffic." },
            kind: { schema: nonEmpty(63), required: true, doc: "The kind, such as RateLimitPolicy." },
            namespace: { schema: namespace, required: true, doc: "The namespace." },
          },
        },
        16,
        1,
      ),
      required: true,
      doc: "Who may refer.",
    },
    to: {
      schema: list(
        {
          type: "object",
          name: "GrantTo",
          doc: "What is referred to.",
          fields: {
            group: { schema: string(253), required: true, doc: 'The group; "" for Service and Secret.' },
            kind: { schema: nonEmpty(63), required: true, doc: "The kind, such as HTTPRoute." },
            name: { schema: nonEmpty(253, "host"), doc: "The name; default: all of the kind." },
          },
        },
        16,
        1,
      ),
      required: true,
      doc: "To what.",
    },
  },
};
