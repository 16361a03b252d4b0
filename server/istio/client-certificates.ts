// What a DestinationRule's `tls` names: files beside its own, or a Secret of its namespace.

import type { ClientTls } from "../../schema/generated/types.ts";
import type { Report } from "./report.ts";
import { besideFile, type Credentials, credentialPart, type Pem } from "./secrets.ts";
import type { SettingPlace } from "./traffic-policy.ts";

/** Texts in PEM, wherever they come from. */
export interface ClientCertificates {
  certificate?: Pem;
  privateKey?: Pem;
  /** Absent: the system's authorities. */
  authorities?: Pem;
  revoked?: Pem;
}

export function clientCertificates(
  tls: ClientTls,
  { resource, path }: SettingPlace,
  credentials: Credentials,
  report: Report,
): ClientCertificates {
  if (tls.mode === "DISABLE") return {};
  const file = (name: string | undefined): Pem | undefined =>
    name === undefined ? undefined : { file: besideFile(resource, name) };
  const credential = (part: "certificate" | "privateKey" | "ca"): Pem | undefined => {
    const found = credentialPart(resource.namespace, tls.credentialName ?? "", part, credentials);
    if (!("missing" in found)) return found;
    report.error(resource, [...path, "credentialName"], found.missing);
    return undefined;
  };
  const isMutual = tls.mode === "MUTUAL";
  if (tls.credentialName === undefined) {
    return present({
      ...(isMutual ? { certificate: file(tls.clientCertificate), privateKey: file(tls.privateKey) } : {}),
      authorities: file(tls.caCertificates),
      revoked: file(tls.caCrl),
    });
  }
  return present({
    ...(isMutual ? { certificate: credential("certificate"), privateKey: credential("privateKey") } : {}),
    ...(tls.insecureSkipVerify === true ? {} : { authorities: credential("ca") }),
  });
}

const present = (parts: { [part in keyof ClientCertificates]: Pem | undefined }): ClientCertificates =>
  Object.fromEntries(Object.entries(parts).filter(([, pem]) => pem !== undefined));
