// What is wrong with certificates and keys, before a proxy gets them: Envoy would refuse them too, but would say
// less. Pure, so that the time is an argument.

import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";

/** The part at fault, and why. */
export interface Fault {
  part: "certificate" | "privateKey" | "ca" | "crl";
  reason: string;
}

/** A chain, the proxy's own certificate first, and the key of that. */
export function pairFault(chain: string, key: string, nowMs: number): Fault | undefined {
  const certificates = readCertificates(chain);
  if (typeof certificates === "string") return { part: "certificate", reason: certificates };
  const [own] = certificates;
  if (own === undefined) return { part: "certificate", reason: noCertificate };
  const untimely = timeFault(own, nowMs);
  if (untimely !== undefined) return { part: "certificate", reason: untimely };
  const privateKey = readKey(key);
  if (typeof privateKey === "string") return { part: "privateKey", reason: privateKey };
  const unfit = strengthFault(privateKey);
  if (unfit !== undefined) return { part: "privateKey", reason: unfit };
  if (own.checkPrivateKey(privateKey)) return undefined;
  return { part: "privateKey", reason: "it is not the key of the first certificate of the chain" };
}

/** Authorities; one that is out of date does no harm beside others. */
export function authoritiesFault(text: string, nowMs: number): Fault | undefined {
  const certificates = readCertificates(text);
  if (typeof certificates === "string") return { part: "ca", reason: certificates };
  const [first] = certificates;
  if (first === undefined) return { part: "ca", reason: noCertificate };
  const faults = certificates.map((certificate) => timeFault(certificate, nowMs));
  const [fault] = faults;
  return faults.includes(undefined) || fault === undefined ? undefined : { part: "ca", reason: fault };
}

export const revocationFault = (text: string): Fault | undefined =>
  /-----BEGIN X509 CRL-----[\s\S]+-----END X509 CRL-----/.test(text)
    ? undefined
    : { part: "crl", reason: "there is no list of revoked certificates in it: -----BEGIN X509 CRL-----" };

/** Undefined: it is not a matter of days. */
export function daysLeft(chain: string, nowMs: number): number | undefined {
  const certificates = readCertificates(chain);
  const [own] = typeof certificates === "string" ? [] : certificates;
  const days = own && (Date.parse(own.validTo) - nowMs) / 86_400_000;
  return days === undefined || days > 7 ? undefined : Math.floor(days);
}

const noCertificate = "there is no certificate in it; one begins with -----BEGIN CERTIFICATE-----";

function readCertificates(text: string): X509Certificate[] | string {
  const blocks = text.match(/-----BEGIN (?:TRUSTED )?CERTIFICATE-----[\s\S]*?-----END [^-]*-----/g) ?? [];
  const certificates: X509Certificate[] = [];
  for (const [i, block] of blocks.entries()) {
    try {
      certificates.push(new X509Certificate(block));
    } catch {
      return `certificate ${i + 1} in it cannot be read: it is damaged`;
    }
  }
  return certificates;
}

function timeFault(certificate: X509Certificate, nowMs: number): string | undefined {
  const { validFrom, validTo } = certificate;
  if (Date.parse(validTo) <= nowMs) return `the certificate has expired: it was valid until ${validTo}`;
  return Date.parse(validFrom) > nowMs ? `the certificate is not valid before ${validFrom}` : undefined;
}

function readKey(text: string): KeyObject | string {
  if (/-----BEGIN ENCRYPTED PRIVATE KEY-----|Proc-Type: 4,ENCRYPTED/.test(text)) {
    return "the key has a passphrase; write it without";
  }
  try {
    return createPrivateKey(text);
  } catch {
    return text.includes("PRIVATE KEY-----")
      ? "the key cannot be read: it is damaged"
      : "there is no private key in it; one begins with -----BEGIN PRIVATE KEY-----";
  }
}

const curves = new Set(["prime256v1", "secp384r1", "secp521r1"]);

/** What Envoy takes. */
function strengthFault({
  asymmetricKeyType: type,
  asymmetricKeyDetails: details,
}: KeyObject): string | undefined {
  if (type === "rsa") {
    const bits = details?.modulusLength ?? 0;
    return bits >= 2048 ? undefined : `the RSA key has ${bits} bits; Envoy takes 2048 and more`;
  }
  if (type === "ec" && curves.has(details?.namedCurve ?? "")) return undefined;
  const what = type === "ec" ? `curve ${details?.namedCurve}` : `type ${type}`;
  return `a key of the ${what} is not taken by Envoy; use RSA, or ECDSA on P-256, P-384 or P-521`;
}
