// The tls of a Gateway's server: who may connect, and with which certificate the proxy answers.
//
// Certificates come from files, which are read anew when they change, or from Secrets of the same folder.

import { boolean, enumeration, type EnumSchema, list, nonEmpty, type ObjectSchema } from "../language.ts";
import { refused } from "./common.ts";

const mode: EnumSchema = {
  type: "enum",
  name: "ServerTlsMode",
  values: ["PASSTHROUGH", "SIMPLE", "MUTUAL", "OPTIONAL_MUTUAL"],
  unsupported: {
    AUTO_PASSTHROUGH: "it joins the networks of meshes; write PASSTHROUGH with a VirtualService's tls routes",
    ISTIO_MUTUAL: "there is no certificate authority of the mesh here; write MUTUAL with certificates",
  },
};

const path = nonEmpty(4096);
const secretName = nonEmpty(253, "name");

const version = enumeration("TlsVersion", "TLS_AUTO", "TLSV1_0", "TLSV1_1", "TLSV1_2", "TLSV1_3");

const cipher = enumeration(
  "CipherSuite",
  "ECDHE-ECDSA-AES128-GCM-SHA256",
  "ECDHE-RSA-AES128-GCM-SHA256",
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-RSA-AES256-GCM-SHA384",
  "ECDHE-ECDSA-CHACHA20-POLY1305",
  "ECDHE-RSA-CHACHA20-POLY1305",
  "ECDHE-PSK-CHACHA20-POLY1305",
  "ECDHE-ECDSA-AES128-SHA",
  "ECDHE-RSA-AES128-SHA",
  "ECDHE-PSK-AES128-CBC-SHA",
  "AES128-GCM-SHA256",
  "AES128-SHA",
  "PSK-AES128-CBC-SHA",
  "ECDHE-ECDSA-AES256-SHA",
  "ECDHE-RSA-AES256-SHA",
  "ECDHE-PSK-AES256-CBC-SHA",
  "AES256-GCM-SHA384",
  "AES256-SHA",
  "PSK-AES256-CBC-SHA",
);

const certificate: ObjectSchema = {
  type: "object",
  name: "ServerCertificate",
  doc: "A certificate with its key, from files.",
  fields: {
    serverCertificate: { schema: path, required: true, doc: "File with the certificate chain, PEM." },
    privateKey: { schema: path, required: true, doc: "File with its key, PEM." },
    caCertificates: { schema: path, doc: "File with the authorities of client certificates, PEM." },
  },
};

export const serverTls: ObjectSchema = {
  type: "object",
  name: "ServerTls",
  doc: "TLS of the server. Files are read anew when they change; relative paths begin at the YAML file's folder.",
  fields: {
    httpsRedirect: {
      schema: boolean,
      default: false,
      doc: "Requests in plain HTTP are redirected (301) to https. On a server of protocol HTTP only.",
    },
    mode: {
      schema: mode,
      default: "PASSTHROUGH",
      doc: "SIMPLE: the proxy's certificate. MUTUAL: the client's too. OPTIONAL_MUTUAL: the client's if it has one. PASSTHROUGH: bytes, by the name that the client asks for.",
    },
    serverCertificate: { schema: path, doc: "File with the certificate chain, PEM." },
    privateKey: { schema: path, doc: "File with its key, PEM." },
    caCertificates: { schema: path, doc: "File with the authorities of client certificates, PEM." },
    caCrl: { schema: path, doc: "File with client certificates that are revoked, PEM." },
    credentialName: {
      schema: secretName,
      doc: "A Secret of the Gateway's namespace, in place of the files: tls.crt, tls.key, ca.crt.",
    },
    credentialNames: {
      schema: list(secretName, 2),
      doc: "Two of them, one with an RSA and one with an ECDSA key.",
    },
    caCertCredentialName: {
      schema: secretName,
      doc: "A Secret with ca.crt: the authorities of client certificates.",
    },
    tlsCertificates: {
      schema: list(certificate, 2),
      doc: "In place of serverCertificate and privateKey: one with an RSA and one with an ECDSA key.",
    },
    subjectAltNames: {
      schema: list(nonEmpty(253), 256),
      doc: "One of these must be in the client's certificate.",
    },
    verifyCertificateSpki: {
      schema: list(nonEmpty(44), 64),
      doc: "Base64 of SHA-256 of the public key; the client's certificate must have one of these.",
    },
    verifyCertificateHash: {
      schema: list(nonEmpty(95), 64),
      doc: "Hex of SHA-256 of the client's certificate; it must be one of these.",
    },
    insecureSkipVerify: refused(
      "Any client certificate is accepted.",
      "it would tell services of names that nobody has checked; write `caCertificates`, or mode SIMPLE",
    ),
    minProtocolVersion: {
      schema: version,
      default: "TLSV1_2",
      doc: "The oldest version; TLS_AUTO: TLSV1_2.",
    },
    maxProtocolVersion: {
      schema: version,
      default: "TLS_AUTO",
      doc: "The newest version; TLS_AUTO: TLSV1_3.",
    },
    cipherSuites: {
      schema: list(cipher, 32),
      doc: "Of TLS 1.2 and older; those of 1.3 are fixed. Default: Envoy's.",
    },
  },
};
