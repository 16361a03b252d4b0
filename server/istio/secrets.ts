// Certificates and keys that proxies ask for by name over ADS (SDS), so that a new file needs no restart and
// drains nothing.

import { createHash } from "node:crypto";
import { dirname, isAbsolute, join } from "node:path";
import { create } from "@bufbuild/protobuf";
import {
  type SdsSecretConfig,
  SdsSecretConfigSchema,
} from "../../build/envoy-api/envoy/extensions/transport_sockets/tls/v3/secret_pb.ts";
import type { SecretSpec } from "../../schema/generated/types.ts";
import type { FieldPath } from "../../schema/path.ts";
import type { Resource } from "../model.ts";
import { hint } from "./report.ts";
import { overAds } from "./wire.ts";

/** A text in PEM: a file's path, or what a Secret holds. */
export type Pem = { file: string } | { text: string; from: string };

export type MeshSecret =
  | { name: string; kind: "certificate"; certificate: Pem; privateKey: Pem }
  | { name: string; kind: "ca"; ca: Pem; crl?: Pem };

/** Who needs a secret: what is told of it is told there. */
export interface SecretUse {
  secret: MeshSecret;
  resource: Resource;
  path: FieldPath;
}

/** Named by its files: whoever uses the same ones shares the secret. */
export const certificateSecret = (certificate: string | Pem, privateKey: string | Pem): MeshSecret => ({
  name: nameOf("certificate", pem(certificate), pem(privateKey)),
  kind: "certificate",
  certificate: pem(certificate),
  privateKey: pem(privateKey),
});

export const caSecret = (ca: string | Pem, crl?: string | Pem): MeshSecret => ({
  name: nameOf("ca", pem(ca), crl === undefined ? undefined : pem(crl)),
  kind: "ca",
  ca: pem(ca),
  ...(crl === undefined ? {} : { crl: pem(crl) }),
});

const pem = (source: string | Pem): Pem => (typeof source === "string" ? { file: source } : source);

export const describePem = (source: Pem): string => ("file" in source ? source.file : source.from);

/** Not of the content: the name stays when that changes. */
const nameOf = (kind: string, ...sources: (Pem | undefined)[]): string => {
  const text = JSON.stringify(sources.map((source) => source && describePem(source)));
  return `${kind}:${createHash("sha256").update(text).digest("hex").slice(0, 16)}`;
};

export const sdsConfig = ({ name }: MeshSecret): SdsSecretConfig =>
  create(SdsSecretConfigSchema, { name, sdsConfig: overAds });

/** Relative paths begin at the folder of the YAML file that names them. */
export const besideFile = (resource: Resource, path: string): string =>
  isAbsolute(path) ? path : join(dirname(resource.position().file), path);

/** Kubernetes Secrets of the folder, by `namespace/name`. */
export type Credentials = ReadonlyMap<string, Resource<SecretSpec>>;

export const credentialsOf = (resources: readonly Resource[]): Credentials =>
  new Map(
    resources
      .filter((r): r is Resource<SecretSpec> => r.group === "" && r.kind === "Secret")
      .map((r) => [`${r.namespace}/${r.name}`, r]),
  );

/** Keys under which a Secret may have each part: of type kubernetes.io/tls, and as Istio allows in Opaque ones. */
const keys = {
  certificate: ["tls.crt", "cert"],
  privateKey: ["tls.key", "key"],
  ca: ["ca.crt", "cacert"],
  crl: ["ca.crl", "crl"],
} as const;

export function credentialPart(
  namespace: string,
  name: string,
  part: keyof typeof keys,
  credentials: Credentials,
): Pem | { missing: string } {
  const fullName = name.includes("/") ? name : `${namespace}/${name}`;
  const resource = credentials.get(fullName);
  if (resource === undefined) {
    const [own] = fullName.split("/");
    const near = [...credentials.values()].filter((r) => r.namespace === own).map((r) => r.name);
    return { missing: `There is no Secret "${fullName}".${hint(name, near, "Secret there")}` };
  }
  const { data = {}, stringData = {} } = resource.spec;
  for (const key of keys[part]) {
    const from = `Secret ${fullName}, ${key}`;
    const plain = stringData[key];
    if (plain !== undefined) return { text: plain, from };
    const encoded = data[key];
    if (encoded !== undefined) return { text: Buffer.from(encoded, "base64").toString("latin1"), from };
  }
  return { missing: `The Secret "${fullName}" has no \`${keys[part][0]}\`.` };
}
