// TLS from a proxy to our server: whom it believes, by which name, and who it is itself. The files are read by
// Envoy, where it runs; it notices when they are replaced by a new version moved into their place.

import { isIP } from "node:net";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import type { TransportSocketSchema } from "../build/envoy-api/envoy/config/core/v3/base_pb.ts";
import {
  SubjectAltNameMatcher_SanType as SanType,
  TlsParameters_TlsProtocol as Version,
} from "../build/envoy-api/envoy/extensions/transport_sockets/tls/v3/common_pb.ts";
import { UpstreamTlsContextSchema } from "../build/envoy-api/envoy/extensions/transport_sockets/tls/v3/tls_pb.ts";

export interface ServerTls {
  /** Of the authority that signed the server's certificate. */
  ca: string;
  /** The proxy's own certificate and key, where the server asks for one. */
  own?: { certificate: string; key: string };
}

export function toServerTls(
  { ca, own }: ServerTls,
  host: string,
): MessageInitShape<typeof TransportSocketSchema> {
  const file = (filename: string) => ({ specifier: { case: "filename" as const, value: filename } });
  const isAddress = isIP(host) !== 0;
  const context = create(UpstreamTlsContextSchema, {
    sni: isAddress ? "" : host,
    commonTlsContext: {
      alpnProtocols: ["h2"],
      tlsParams: { tlsMinimumProtocolVersion: Version.TLSv1_2 },
      ...(own && {
        tlsCertificates: [{ certificateChain: file(own.certificate), privateKey: file(own.key) }],
      }),
      validationContextType: {
        case: "validationContext",
        value: {
          trustedCa: file(ca),
          matchTypedSubjectAltNames: [
            {
              sanType: isAddress ? SanType.IP_ADDRESS : SanType.DNS,
              matcher: { matchPattern: { case: "exact", value: host } },
            },
          ],
        },
      },
    },
  });
  return {
    name: "envoy.transport_sockets.tls",
    configType: { case: "typedConfig", value: anyPack(UpstreamTlsContextSchema, context) },
  };
}
