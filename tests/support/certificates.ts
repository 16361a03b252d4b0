// Certificates for tests: an authority, and pairs that it has signed, as PEM.

import "reflect-metadata"; // the library below wants it first
import { webcrypto } from "node:crypto";
import {
  BasicConstraintsExtension,
  cryptoProvider,
  type Extension,
  PemConverter,
  SubjectAlternativeNameExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";

cryptoProvider.set(webcrypto);

export interface Pair {
  certificate: string;
  key: string;
  /** In upper-case hex, as TLS clients show it. */
  serial: string;
}

export interface Authority {
  ca: string;
  issue(options: { name: string; from?: Date; until?: Date; rsaBits?: number }): Promise<Pair>;
}

const day = 86_400_000;
const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const uses: ("sign" | "verify")[] = ["sign", "verify"];
let lastSerial = Date.now();

export async function authority(name: string): Promise<Authority> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, uses);
  const root = await sign({
    subject: name,
    issuer: name,
    keys,
    signingKey: keys.privateKey,
    isAuthority: true,
  });
  return {
    ca: root.toString("pem"),
    async issue({ name: subject, from, until, rsaBits }) {
      const own = await generate(rsaBits);
      const signingKey = keys.privateKey;
      const signed = await sign({
        subject,
        issuer: name,
        keys: own,
        signingKey,
        from,
        until,
        isAuthority: false,
      });
      const pkcs8 = await webcrypto.subtle.exportKey("pkcs8", own.privateKey);
      return {
        certificate: signed.toString("pem"),
        key: PemConverter.encode(pkcs8, "PRIVATE KEY"),
        serial: signed.serialNumber.toUpperCase().replace(/^0+/, ""),
      };
    },
  };
}

function generate(rsaBits: number | undefined): Promise<webcrypto.CryptoKeyPair> {
  if (rsaBits === undefined) return webcrypto.subtle.generateKey(algorithm, true, uses);
  const publicExponent = new Uint8Array([1, 0, 1]);
  const rsa = { name: "RSASSA-PKCS1-v1_5", modulusLength: rsaBits, publicExponent, hash: "SHA-256" };
  return webcrypto.subtle.generateKey(rsa, true, uses);
}

interface Signing {
  subject: string;
  issuer: string;
  keys: webcrypto.CryptoKeyPair;
  signingKey: webcrypto.CryptoKey;
  from?: Date | undefined;
  until?: Date | undefined;
  isAuthority: boolean;
}

function sign({
  subject,
  issuer,
  keys,
  signingKey,
  from,
  until,
  isAuthority,
}: Signing): Promise<X509Certificate> {
  lastSerial += 1;
  const extensions: Extension[] = isAuthority
    ? [new BasicConstraintsExtension(true, undefined, true)]
    : [new SubjectAlternativeNameExtension([{ type: "dns", value: subject }])];
  return X509CertificateGenerator.create({
    serialNumber: lastSerial.toString(16),
    subject: `CN=${subject}`,
    issuer: `CN=${issuer}`,
    notBefore: from ?? new Date(Date.now() - day),
    notAfter: until ?? new Date(Date.now() + 90 * day),
    publicKey: keys.publicKey,
    signingKey: signingKey,
    signingAlgorithm: algorithm,
    extensions,
  });
}
