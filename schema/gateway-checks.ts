// What a Gateway's declaration cannot say: which protocol needs which TLS, and which TLS which certificates.

import { isIP } from "node:net";
import type { Tell } from "./checks.ts";
import type { GatewayServer, GatewaySpec, ServerTls } from "./generated/types.ts";
import type { FieldPath } from "./path.ts";

export function gateway(spec: GatewaySpec, tell: Tell): void {
  for (const [i, server] of spec.servers.entries()) {
    const path = ["servers", i];
    const { bind, tls } = server;
    if (bind !== undefined && isIP(bind) === 0) {
      tell(
        "error",
        [...path, "bind"],
        `${JSON.stringify(bind)} is not an IP address; write such as "127.0.0.1"`,
      );
    }
    if (isTlsProtocol(server)) tlsServer(server, path, tell);
    else if (tls !== undefined) plainServer(server, tls, path, tell);
  }
}

const isTlsProtocol = ({ port }: GatewayServer): boolean =>
  port.protocol === "HTTPS" || port.protocol === "TLS";

function plainServer({ port }: GatewayServer, tls: ServerTls, path: FieldPath, tell: Tell): void {
  const isHttp = ["HTTP", "HTTP2", "GRPC", "GRPC-WEB"].includes(port.protocol);
  const others = Object.keys(tls).filter((field) => field !== "httpsRedirect");
  if (others.length > 0) {
    const instead = isHttp ? "HTTPS" : "TLS";
    const what = `a port of ${port.protocol} has no TLS; write \`protocol: ${instead}\`, or remove it`;
    tell("error", [...path, "tls", others[0] ?? ""], what);
  } else if (tls.httpsRedirect === true && !isHttp) {
    tell(
      "error",
      [...path, "tls", "httpsRedirect"],
      `only HTTP can be redirected, not ${port.protocol}; remove it`,
    );
  }
}

function tlsServer({ port, tls }: GatewayServer, path: FieldPath, tell: Tell): void {
  if (tls === undefined) {
    const what = `${port.protocol} needs \`tls\`: write \`tls: {mode: SIMPLE, credentialName: ...}\`, or mode PASSTHROUGH`;
    tell("error", [...path, "port", "protocol"], what);
    return;
  }
  const at = [...path, "tls"];
  if (tls.httpsRedirect === true) {
    tell(
      "error",
      [...at, "httpsRedirect"],
      "the redirect belongs on the server of protocol HTTP; move it there",
    );
  }
  const mode = tls.mode ?? "PASSTHROUGH";
  if (mode === "PASSTHROUGH") passthrough(tls, at, tell);
  else terminated(tls, at, tell);
  versions(tls, at, tell);
}

const needless = [
  "serverCertificate",
  "privateKey",
  "credentialName",
  "credentialNames",
  "tlsCertificates",
  "caCertificates",
  "caCertCredentialName",
] as const;

function passthrough(tls: ServerTls, at: FieldPath, tell: Tell): void {
  const field = needless.find((name) => tls[name] !== undefined);
  if (field === undefined) return;
  const what = "PASSTHROUGH looks into nothing and needs no certificate; write `mode: SIMPLE`, or remove it";
  tell("error", [...at, field], what);
}

function terminated(tls: ServerTls, at: FieldPath, tell: Tell): void {
  const files = tls.serverCertificate !== undefined || tls.privateKey !== undefined;
  const ways = [
    files && "serverCertificate",
    tls.credentialName !== undefined && "credentialName",
    (tls.credentialNames ?? []).length > 0 && "credentialNames",
    (tls.tlsCertificates ?? []).length > 0 && "tlsCertificates",
  ].filter((way) => way !== false);
  if (ways.length === 0) {
    const what = `${tls.mode} needs a certificate: write \`credentialName\`, or \`serverCertificate\` and \`privateKey\``;
    tell("error", [...at, "mode"], what);
  }
  if (ways.length > 1)
    tell("error", [...at, ways[1] ?? ""], `\`${ways[0]}\` is there too; write one of the two`);
  for (const [has, lacks] of [
    ["serverCertificate", "privateKey"],
    ["privateKey", "serverCertificate"],
  ] as const) {
    if (tls[has] !== undefined && tls[lacks] === undefined)
      tell("error", [...at, has], `\`${lacks}\` is missing beside it`);
  }
  const isMutual = tls.mode === "MUTUAL" || tls.mode === "OPTIONAL_MUTUAL";
  const hasAuthority = tls.caCertificates !== undefined || tls.caCertCredentialName !== undefined;
  const ofCertificates = (tls.tlsCertificates ?? []).some((c) => c.caCertificates !== undefined);
  const fromSecret = tls.credentialName !== undefined || (tls.credentialNames ?? []).length > 0;
  if (isMutual && !hasAuthority && !ofCertificates && !fromSecret) {
    tell(
      "error",
      [...at, "mode"],
      `${tls.mode} needs \`caCertificates\`: the authorities of client certificates`,
    );
  }
  if (tls.caCertificates !== undefined && tls.caCertCredentialName !== undefined) {
    tell("error", [...at, "caCertCredentialName"], "`caCertificates` is there too; write one of the two");
  }
  const ofClients = ["subjectAltNames", "verifyCertificateSpki", "verifyCertificateHash", "caCrl"] as const;
  const unasked = isMutual ? undefined : ofClients.find((field) => tls[field] !== undefined);
  if (unasked !== undefined) {
    tell(
      "error",
      [...at, unasked],
      "SIMPLE asks clients for no certificate; write `mode: MUTUAL`, or remove it",
    );
  }
}

const order = ["TLSV1_0", "TLSV1_1", "TLSV1_2", "TLSV1_3"];

function versions(tls: ServerTls, at: FieldPath, tell: Tell): void {
  const rank = (version: string | undefined, automatic: string): number =>
    order.indexOf(version === undefined || version === "TLS_AUTO" ? automatic : version);
  if (rank(tls.minProtocolVersion, "TLSV1_2") > rank(tls.maxProtocolVersion, "TLSV1_3")) {
    const what = `no version is left: the oldest is ${tls.minProtocolVersion ?? "TLSV1_2"}`;
    tell("error", [...at, "maxProtocolVersion"], what);
  }
}
