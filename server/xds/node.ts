// Who is asking: Envoy's `node` message read as an identity. ROLE, NAMESPACE and LABELS in its metadata
// are the names that Istio's proxies use. What a node does not say makes it the gateway of the folder.

import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import type { Node } from "../../build/envoy-api/envoy/config/core/v3/base_pb.ts";
import type { SidecarPorts } from "../istio/sidecars.ts";
import type { NodeIdentity } from "../model.ts";

export function identify(node: Node | undefined): NodeIdentity {
  const metadata = node?.metadata ?? {};
  const build = node?.userAgentVersionType;
  const version = build?.case === "userAgentBuildVersion" ? build.value.version : undefined;
  const { region = "", zone = "", subZone = "" } = node?.locality ?? {};
  return {
    id: node?.id ?? "",
    cluster: node?.cluster ?? "",
    role: text(metadata.ROLE) === "sidecar" ? "sidecar" : "gateway",
    namespace: text(metadata.NAMESPACE),
    labels: texts(metadata.LABELS),
    ...(region === "" ? {} : { locality: [region, zone, subZone].join("/").replace(/\/+$/, "") }),
    ...sidecarOf(metadata),
    envoyVersion: version ? `${version.majorNumber}.${version.minorNumber}.${version.patch}` : "",
  };
}

/** OUTBOUND is `HOST:PORT`, INBOUND a list of `HOST:PORT=HOST:PORT`; without a valid OUTBOUND it has no ports. */
function sidecarOf(metadata: JsonObject): { sidecar?: SidecarPorts } {
  const outbound = hostPort(text(metadata.OUTBOUND));
  if (outbound === undefined) return {};
  const written = Array.isArray(metadata.INBOUND) ? metadata.INBOUND.map(text) : [];
  const inbound = written.flatMap((entry) => {
    const [own, to] = entry.split("=").map(hostPort);
    return own === undefined || to === undefined ? [] : { ...own, to };
  });
  return { sidecar: { outbound, inbound } };
}

function hostPort(written: string): { host: string; port: number } | undefined {
  const [, host, port] = /^\[?([^\]]+?)\]?:(\d{1,5})$/.exec(written) ?? [];
  return host === undefined || Number(port) > 65_535 ? undefined : { host, port: Number(port) };
}

function text(value: JsonValue | undefined): string {
  return typeof value === "string" ? value : "";
}

function texts(value: JsonValue | undefined): Record<string, string> {
  const entries = isObject(value) ? Object.entries(value) : [];
  return Object.fromEntries(
    entries.flatMap(([key, item]) => (typeof item === "string" ? [[key, item]] : [])),
  );
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
