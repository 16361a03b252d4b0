// Where a policy applies: `targetRefs` as users write them, `attach` as the filters are given them.

import { list, nonEmpty, type ObjectSchema, string } from "./language.ts";
import { stringMatch } from "./match.ts";

export const targetRef: ObjectSchema = {
  type: "object",
  name: "TargetRef",
  doc: "A resource to which a policy is attached.",
  fields: {
    group: { schema: string(253), required: true, doc: "API group, such as networking.istio.io." },
    kind: {
      schema: nonEmpty(63),
      required: true,
      doc: "VirtualService, HTTPRoute, GRPCRoute, Gateway, ServiceEntry, Service or EnvoyRoute.",
    },
    name: {
      schema: nonEmpty(253),
      required: true,
      doc: "The resource's name; Envoy's route name for EnvoyRoute.",
    },
    namespace: { schema: nonEmpty(63), doc: "Default: the policy's own." },
    sectionName: { schema: nonEmpty(253), doc: "`http[].name`, the route rule's name, or the listener's." },
    virtualHost: { schema: nonEmpty(512), doc: "EnvoyRoute only: the virtual host's name." },
  },
};

export const targetRefs = list(targetRef, 256);

/** Route identity, or host and path where routes have no names. */
export const attachment: ObjectSchema = {
  type: "object",
  name: "Attachment",
  doc: "The routes on which a policy applies: by Envoy's names, or by host and path.",
  fields: {
    virtualHost: { schema: nonEmpty(512), doc: "Envoy's virtual host name, such as HOST:PORT." },
    route: { schema: string(512), doc: "Envoy's route name; absent: every route of the virtual host." },
    host: { schema: nonEmpty(512), doc: "Host: exact, `*.suffix`, `prefix.*` or `*`." },
    path: { schema: stringMatch, doc: "Condition on the path; absent: every path." },
  },
  atMostOneOf: [
    ["virtualHost", "host"],
    ["route", "path"],
    ["route", "host"],
    ["virtualHost", "path"],
  ],
  atLeastOneOf: [["virtualHost", "route", "host", "path"]],
};

export const attachments = list(attachment, 100_000);
