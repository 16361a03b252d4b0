// Secret of Kubernetes: certificates and keys that a Gateway refers to as `credentialName`.
//
// Its fields stand at the top of the document, not in a spec. Secrets of other types are read and not used.

import { boolean, map, type ObjectSchema, string } from "./language.ts";

/** Kubernetes' own limit for a Secret. */
const maxBytes = 1_048_576;

export const secretSpec: ObjectSchema = {
  type: "object",
  name: "SecretSpec",
  doc: "A certificate with its key, for `credentialName`.",
  fields: {
    type: { schema: string(253), doc: "`kubernetes.io/tls`, or Opaque as Istio allows." },
    data: {
      schema: map(string(2 * maxBytes, "base64"), 64),
      doc: "In base64: `tls.crt`, `tls.key`, `ca.crt`, `ca.crl`; in Opaque ones also `cert`, `key`, `cacert`.",
    },
    stringData: { schema: map(string(maxBytes), 64), doc: "The same as plain text; goes before `data`." },
    immutable: { schema: boolean, doc: "For Kubernetes; it changes nothing here." },
  },
};
