// The Gateway API's Gateways in the shape of Istio's, so that listeners, chains and certificates are made in one
// place. What is told of them names the fields as they are written.

import type { ApiGatewaySpec, GatewayListener, GatewaySpec } from "../../schema/generated/types.ts";
import type { FieldPath } from "../../schema/path.ts";
import type { GatewayServer } from "../istio/gateways.ts";
import { Memo } from "../istio/memo.ts";
import type { Report } from "../istio/report.ts";
import type { Resource } from "../model.ts";
import { type ApiGateway, type Grants, missingGrant } from "./resources.ts";

const shapes = new Memo<ApiGatewaySpec, Resource<GatewaySpec>>();

/** The same object for as long as the Gateway stays as it is. */
export const asGateway = (resource: ApiGateway): Resource<GatewaySpec> =>
  shapes.get(resource.spec, `${resource.namespace}/${resource.name}`, () => ({
    ...resource,
    spec: { servers: resource.spec.listeners.map((listener) => asServer(listener, resource.namespace)) },
    written: asWritten,
    position: (path = []) => resource.position(asWritten(path)),
  }));

function asServer(listener: GatewayListener, namespace: string): GatewaySpec["servers"][number] {
  const { name, port, protocol, hostname = "*", tls } = listener;
  const refs = tls?.certificateRefs ?? [];
  return {
    name,
    port: { number: port, name, protocol },
    hosts: [hostname],
    ...(protocol === "HTTPS"
      ? {
          tls: {
            mode: "SIMPLE" as const,
            credentialNames: refs.map((ref) => `${ref.namespace ?? namespace}/${ref.name}`),
          },
        }
      : {}),
  };
}

function asWritten([spec, servers, index, ...rest]: FieldPath): FieldPath {
  if (spec !== "spec" || servers !== "servers" || index === undefined) return [spec ?? "spec"];
  const [field, inner, at] = rest;
  const own = {
    port: ["port"],
    hosts: ["hostname"],
    tls: inner === "credentialNames" && at !== undefined ? ["tls", "certificateRefs", at] : ["tls"],
  }[String(field)];
  return ["spec", "listeners", index, ...(own ?? (field === undefined ? [] : [field]))];
}

export function apiServers(gateways: readonly ApiGateway[]): GatewayServer[] {
  return gateways.flatMap((resource) => {
    const gateway = asGateway(resource);
    return resource.spec.listeners.map(({ name, port }, index) => ({ gateway, index, name, port }));
  });
}

/** References to certificates that are of a wrong kind, or not allowed. */
export function checkCertificates(gateways: readonly ApiGateway[], grants: Grants, report: Report): void {
  for (const resource of gateways) {
    const { group, kind, namespace } = resource;
    for (const [i, { tls }] of resource.spec.listeners.entries()) {
      for (const [j, ref] of (tls?.certificateRefs ?? []).entries()) {
        const path = ["spec", "listeners", i, "tls", "certificateRefs", j];
        if ((ref.kind ?? "Secret") !== "Secret" || (ref.group ?? "") !== "") {
          report.error(resource, [...path, "kind"], 'Certificates are read from Secrets, of the group "".');
          continue;
        }
        const from = { group, kind, namespace };
        const to = { group: "", kind: "Secret", namespace: ref.namespace ?? namespace, name: ref.name };
        if (!grants.allow(from, to)) report.error(resource, [...path, "namespace"], missingGrant(from, to));
      }
    }
  }
}
