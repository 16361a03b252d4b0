// How connections to a cluster are opened: TLS with certificates from files, and the PROXY protocol around it.

import { existsSync } from "node:fs";
import { create } from "@bufbuild/protobuf";
import {
  type TransportSocket,
  TransportSocketSchema,
} from "../../build/envoy-api/envoy/config/core/v3/base_pb.ts";
import { ProxyProtocolConfig_Version as Version } from "../../build/envoy-api/envoy/config/core/v3/proxy_protocol_pb.ts";
import { ProxyProtocolUpstreamTransportSchema } from "../../build/envoy-api/envoy/extensions/transport_sockets/proxy_protocol/v3/upstream_proxy_protocol_pb.ts";
import { RawBufferSchema } from "../../build/envoy-api/envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer_pb.ts";
import {
  type CertificateValidationContextSchema,
  type SubjectAltNameMatcherSchema,
  SubjectAltNameMatcher_SanType as SanType,
} from "../../build/envoy-api/envoy/extensions/transport_sockets/tls/v3/common_pb.ts";
import {
  type CommonTlsContextSchema,
  UpstreamTlsContextSchema,
} from "../../build/envoy-api/envoy/extensions/transport_sockets/tls/v3/tls_pb.ts";
import type { ClientTls, ProxyProtocol } from "../../schema/generated/types.ts";
import type { ClientCertificates } from "./client-certificates.ts";
import { caSecret, certificateSecret, type MeshSecret, sdsConfig } from "./secrets.ts";
import { type Fields, pack } from "./wire.ts";

export interface UpstreamTls {
  socket: TransportSocket;
  secrets: readonly MeshSecret[];
  /** The request's Host is the name that is asked for, and that the certificate must have. */
  autoSni: boolean;
  autoSanValidation: boolean;
}

/** Undefined where connections are plain. `serviceNames`: those of the ServiceEntry. */
export function upstreamTls(
  tls: ClientTls | undefined,
  files: ClientCertificates,
  serviceNames: readonly string[],
  speaksHttp2: boolean,
): UpstreamTls | undefined {
  if (tls === undefined || tls.mode === "DISABLE") return undefined;
  const names = tls.subjectAltNames ?? [];
  const isTrusting = tls.insecureSkipVerify === true;
  const { certificate, privateKey } = files;
  const own = certificate && privateKey && certificateSecret(certificate, privateKey);
  const authorities = isTrusting
    ? undefined
    : caSecret(files.authorities ?? { file: systemAuthorities() }, files.revoked);
  const context = create(UpstreamTlsContextSchema, {
    sni: tls.sni ?? "",
    commonTlsContext: {
      ...(own === undefined ? {} : { tlsCertificateSdsSecretConfigs: [sdsConfig(own)] }),
      ...(speaksHttp2 ? { alpnProtocols: ["h2"] } : {}),
      ...validation(authorities, names.length > 0 ? names : serviceNames),
    },
  });
  const autoSni = tls.sni === undefined;
  return {
    socket: create(TransportSocketSchema, {
      name: "envoy.transport_sockets.tls",
      configType: { case: "typedConfig", value: pack(UpstreamTlsContextSchema, context) },
    }),
    secrets: [own, authorities].filter((secret) => secret !== undefined),
    autoSni,
    autoSanValidation: autoSni && names.length === 0 && !isTrusting,
  };
}

function validation(
  authorities: MeshSecret | undefined,
  names: readonly string[],
): Fields<typeof CommonTlsContextSchema> {
  if (authorities === undefined) return {};
  const defaultValidationContext: Fields<typeof CertificateValidationContextSchema> = {
    matchTypedSubjectAltNames: names.flatMap(nameMatchers),
  };
  return {
    validationContextType: {
      case: "combinedValidationContext",
      value: {
        defaultValidationContext,
        validationContextSdsSecretConfig: sdsConfig(authorities),
      },
    },
  };
}

/** A name may stand in a certificate as any of these. */
const nameMatchers = (name: string): Fields<typeof SubjectAltNameMatcherSchema>[] =>
  [SanType.DNS, SanType.URI, SanType.IP_ADDRESS].map((sanType) => ({
    sanType,
    matcher: { matchPattern: { case: "exact", value: name } },
  }));

/** Where Linux distributions keep the authorities that they trust. */
const systemFiles = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/ssl/cert.pem",
] as const;

const systemAuthorities = (): string => systemFiles.find((file) => existsSync(file)) ?? systemFiles[0];

/** The client's address goes in front of what the inner socket sends. */
export function withProxyProtocol(
  { version = "V1" }: ProxyProtocol,
  inner: TransportSocket = plain,
): TransportSocket {
  const transport = create(ProxyProtocolUpstreamTransportSchema, {
    config: { version: Version[version] },
    transportSocket: inner,
  });
  return create(TransportSocketSchema, {
    name: "envoy.transport_sockets.upstream_proxy_protocol",
    configType: { case: "typedConfig", value: pack(ProxyProtocolUpstreamTransportSchema, transport) },
  });
}

const plain = create(TransportSocketSchema, {
  name: "envoy.transport_sockets.raw_buffer",
  configType: { case: "typedConfig", value: pack(RawBufferSchema, create(RawBufferSchema)) },
});
