// DestinationRule's tls: how the proxy speaks TLS to a host, with certificates from files.

import { boolean, type EnumSchema, list, nonEmpty, type ObjectSchema } from "../language.ts";

const mode: EnumSchema = {
  type: "enum",
  name: "ClientTlsMode",
  values: ["DISABLE", "SIMPLE", "MUTUAL"],
  unsupported: {
    ISTIO_MUTUAL:
      "there is no certificate authority of the mesh here; write MUTUAL with `clientCertificate`, `privateKey` and `caCertificates`",
  },
};

const path = nonEmpty(4096);

export const clientTls: ObjectSchema = {
  type: "object",
  name: "ClientTls",
  doc: "TLS to the host. Files are read anew when they change; relative paths begin at the folder of the YAML file.",
  fields: {
    mode: { schema: mode, required: true, doc: "MUTUAL: with a certificate of the proxy's own." },
    clientCertificate: { schema: path, doc: "File with the proxy's certificate chain, PEM. MUTUAL only." },
    privateKey: { schema: path, doc: "File with its key, PEM. MUTUAL only." },
    caCertificates: {
      schema: path,
      doc: "File with the authorities that may have signed the host's certificate; default: the system's.",
    },
    caCrl: { schema: path, doc: "File with certificates that are revoked, PEM." },
    subjectAltNames: {
      schema: list(nonEmpty(253), 256),
      doc: "One of these must be in the host's certificate; default: the ServiceEntry's, else the name asked for.",
    },
    sni: { schema: nonEmpty(253, "host"), doc: "Name asked for; default: the request's Host." },
    insecureSkipVerify: {
      schema: boolean,
      default: false,
      doc: "Any certificate is accepted: whoever sits in between reads and changes everything.",
    },
    credentialName: {
      schema: nonEmpty(253, "name"),
      doc: "A Secret of the rule's namespace with `ca.crt`, and for MUTUAL with `tls.crt` and `tls.key`, in place of the files.",
    },
  },
};
