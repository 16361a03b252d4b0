// How clients connect to a Gateway's server: Istio's `tls` in Envoy's message, with its certificates by name.

import { create } from "@bufbuild/protobuf";
import {
  type TransportSocket,
  TransportSocketSchema,
} from "../../build/envoy-api/envoy/config/core/v3/base_pb.ts";
import {
  type CertificateValidationContextSchema,
  type SubjectAltNameMatcherSchema,
  SubjectAltNameMatcher_SanType as SanType,
  TlsParameters_TlsProtocol as Version,
} from "../../build/envoy-api/envoy/extensions/transport_sockets/tls/v3/common_pb.ts";
import {
  type CommonTlsContextSchema,
  DownstreamTlsContextSchema,
} from "../../build/envoy-api/envoy/extensions/transport_sockets/tls/v3/tls_pb.ts";
import type { GatewaySpec, ServerTls } from "../../schema/generated/types.ts";
import type { FieldPath } from "../../schema/path.ts";
import type { Resource } from "../model.ts";
import type { Report } from "./report.ts";
import {
  besideFile,
  caSecret,
  certificateSecret,
  type Credentials,
  credentialPart,
  type MeshSecret,
  type Pem,
  sdsConfig,
  type SecretUse,
} from "./secrets.ts";
import { type Fields, pack } from "./wire.ts";

export interface DownstreamTls {
  socket: TransportSocket;
  secrets: readonly SecretUse[];
  /** Clients may show a certificate, of which the service is told. */
  asksClients: boolean;
}

export interface TlsOrigin {
  gateway: Resource<GatewaySpec>;
  /** Of the server's `tls`. */
  path: FieldPath;
  credentials: Credentials;
  report: Report;
}

/** Of a server that terminates TLS. `alpn`: what is spoken in it, best first; none for connections. */
export function downstreamTls(tls: ServerTls, alpn: readonly string[], origin: TlsOrigin): DownstreamTls {
  const own = ownCertificates(tls, origin);
  const asksClients = tls.mode === "MUTUAL" || tls.mode === "OPTIONAL_MUTUAL";
  const authorities = asksClients ? clientAuthorities(tls, origin) : undefined;
  const context = create(DownstreamTlsContextSchema, {
    requireClientCertificate: tls.mode === "MUTUAL",
    commonTlsContext: {
      tlsCertificateSdsSecretConfigs: own.map(({ secret }) => sdsConfig(secret)),
      alpnProtocols: [...alpn],
      tlsParams: {
        tlsMinimumProtocolVersion: versionOf(tls.minProtocolVersion, Version.TLSv1_2),
        tlsMaximumProtocolVersion: versionOf(tls.maxProtocolVersion, Version.TLSv1_3),
        cipherSuites: [...(tls.cipherSuites ?? [])],
      },
      ...(authorities === undefined ? {} : validation(tls, authorities.secret)),
    },
  });
  return {
    socket: create(TransportSocketSchema, {
      name: "envoy.transport_sockets.tls",
      configType: { case: "typedConfig", value: pack(DownstreamTlsContextSchema, context) },
    }),
    secrets: authorities === undefined ? own : [...own, authorities],
    asksClients,
  };
}

const versions: Record<string, Version> = {
  TLSV1_0: Version.TLSv1_0,
  TLSV1_1: Version.TLSv1_1,
  TLSV1_2: Version.TLSv1_2,
  TLSV1_3: Version.TLSv1_3,
};

const versionOf = (written: string | undefined, automatic: Version): Version =>
  versions[written ?? ""] ?? automatic;

function ownCertificates(tls: ServerTls, origin: TlsOrigin): SecretUse[] {
  const { gateway, path } = origin;
  const ofFiles = (certificate: string, key: string, at: FieldPath): SecretUse => ({
    secret: certificateSecret(besideFile(gateway, certificate), besideFile(gateway, key)),
    resource: gateway,
    path: at,
  });
  if (tls.serverCertificate !== undefined && tls.privateKey !== undefined) {
    return [ofFiles(tls.serverCertificate, tls.privateKey, [...path, "serverCertificate"])];
  }
  if (tls.tlsCertificates !== undefined) {
    return tls.tlsCertificates.map((pair, i) =>
      ofFiles(pair.serverCertificate, pair.privateKey, [...path, "tlsCertificates", i]),
    );
  }
  return credentialNames(tls).flatMap(({ name, at }) => {
    const certificate = partOf(name, "certificate", at, origin);
    const key = certificate && partOf(name, "privateKey", at, origin);
    if (certificate === undefined || key === undefined) return [];
    return { secret: certificateSecret(certificate, key), resource: gateway, path: [...path, ...at] };
  });
}

function credentialNames(tls: ServerTls): { name: string; at: FieldPath }[] {
  if (tls.credentialName !== undefined) return [{ name: tls.credentialName, at: ["credentialName"] }];
  return (tls.credentialNames ?? []).map((name, i) => ({ name, at: ["credentialNames", i] }));
}

/** Undefined after it was reported as missing. */
function partOf(
  name: string,
  part: "certificate" | "privateKey" | "ca",
  at: FieldPath,
  { gateway, path, credentials, report }: TlsOrigin,
): Pem | undefined {
  const found = credentialPart(gateway.namespace, name, part, credentials);
  if (!("missing" in found)) return found;
  report.error(gateway, [...path, ...at], found.missing);
  return undefined;
}

function clientAuthorities(tls: ServerTls, origin: TlsOrigin): SecretUse | undefined {
  const { gateway, path } = origin;
  const crl = tls.caCrl === undefined ? undefined : besideFile(gateway, tls.caCrl);
  const use = (ca: string | Pem, list: string | Pem | undefined, at: FieldPath): SecretUse => ({
    secret: caSecret(ca, list),
    resource: gateway,
    path: [...path, ...at],
  });
  const file = tls.caCertificates ?? tls.tlsCertificates?.find((pair) => pair.caCertificates)?.caCertificates;
  if (file !== undefined) return use(besideFile(gateway, file), crl, ["caCertificates"]);
  const [first] = credentialNames(tls);
  const name = tls.caCertCredentialName ?? first?.name;
  if (name === undefined) return undefined;
  const at = tls.caCertCredentialName === undefined ? (first?.at ?? []) : ["caCertCredentialName"];
  const holder = secretWithAuthorities(name, origin);
  const ca = partOf(holder, "ca", at, origin);
  const own = credentialPart(gateway.namespace, holder, "crl", origin.credentials);
  return ca && use(ca, crl ?? ("missing" in own ? undefined : own), at);
}

/** As in Istio the authorities may stand in a Secret of their own, NAME-cacert. */
function secretWithAuthorities(name: string, { gateway, credentials }: TlsOrigin): string {
  const separate = `${name}-cacert`;
  return credentials.has(`${gateway.namespace}/${separate}`) ? separate : name;
}

function validation(tls: ServerTls, authorities: MeshSecret): Fields<typeof CommonTlsContextSchema> {
  const defaultValidationContext: Fields<typeof CertificateValidationContextSchema> = {
    matchTypedSubjectAltNames: (tls.subjectAltNames ?? []).flatMap(nameMatchers),
    verifyCertificateSpki: [...(tls.verifyCertificateSpki ?? [])],
    verifyCertificateHash: [...(tls.verifyCertificateHash ?? [])],
  };
  return {
    validationContextType: {
      case: "combinedValidationContext",
      value: { defaultValidationContext, validationContextSdsSecretConfig: sdsConfig(authorities) },
    },
  };
}

/** A name may stand in a certificate as any of these. */
const nameMatchers = (name: string): Fields<typeof SubjectAltNameMatcherSchema>[] =>
  [SanType.DNS, SanType.URI, SanType.IP_ADDRESS, SanType.EMAIL].map((sanType) => ({
    sanType,
    matcher: { matchPattern: { case: "exact", value: name } },
  }));
