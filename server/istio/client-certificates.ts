// What a DestinationRule's `tls` names: files beside its own, or a Secret of its namespace.

import type { ClientTls, Subset } from "../../schema/generated/types.ts";
import type { FieldPath } from "../../schema/path.ts";
import type { Resource } from "../model.ts";
import type { HostRule } from "./registry.ts";
import type { Report } from "./report.ts";
import { besideFile, type Credentials, credentialPart, type Pem } from "./secrets.ts";

/** Texts in PEM, wherever they come from. */
export interface ClientCertificates {
  certificate?: Pem;
  privateKey?: Pem;
  /** Absent: the system's authorities. */
  authorities?: Pem;
  revoked?: Pem;
}

/** Where a `tls` is written. */
export interface TlsPlace {
  resource: Resource;
  path: FieldPath;
}

/** A subset's stands in place of the host's. */
export function tlsPlace(rule: HostRule, subset: Subset | undefined, tls: ClientTls): TlsPlace {
  for (const resource of rule.resources) {
    const subsets = resource.spec.subsets ?? [];
    const policies = [
      {
        policy: subset?.trafficPolicy,
        path: ["spec", "subsets", subset ? subsets.indexOf(subset) : 0, "trafficPolicy"],
      },
      { policy: resource.spec.trafficPolicy, path: ["spec", "trafficPolicy"] },
    ];
    for (const { policy, path } of policies) {
      if (policy?.tls === tls) return { resource, path: [...path, "tls"] };
      const i = (policy?.portLevelSettings ?? []).findIndex((p) => p.tls === tls);
      if (i >= 0) return { resource, path: [...path, "portLevelSettings", i, "tls"] };
    }
  }
  throw new Error("the settings of TLS are of none of the rules");
}

export function clientCertificates(
  tls: ClientTls,
  { resource, path }: TlsPlace,
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
