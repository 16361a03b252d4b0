// What a targetRef refers to: which routes, and how specific that is.

import type { ServiceEntrySpec, TargetRef, VirtualServiceSpec } from "../../schema/generated/types.ts";
import type { MeshListener } from "../istio/mesh.ts";
import { networkingGroup } from "../istio/registry.ts";
import { hint, hostHint } from "../istio/report.ts";
import { type MeshRoute, sectionNames } from "../istio/routes.ts";
import type { MeshVirtualHost } from "../istio/virtual-hosts.ts";
import type { Resource } from "../model.ts";
import { policyGroup } from "./kinds.ts";

/** From the most specific to the least. */
export const tiers = ["route", "virtualService", "service", "server", "gateway", "proxy"] as const;

export type Tier = (typeof tiers)[number];

export interface Place {
  listener: MeshListener;
  virtualHost: MeshVirtualHost;
  route: MeshRoute;
}

export interface Target {
  tier: Tier;
  covers(place: Place): boolean;
}

export interface TargetError {
  /** The reference's field at fault. */
  field: string;
  message: string;
}

const wholeProxy: Target = { tier: "proxy", covers: () => true };

export const isError = (found: Target | TargetError): found is TargetError => "message" in found;

/** `places`: every route there is. */
export function findTarget(
  ref: TargetRef | undefined,
  namespace: string,
  resources: readonly Resource[],
  places: readonly Place[],
): Target | TargetError {
  if (ref === undefined) return wholeProxy;
  const group = groups[ref.kind];
  if (group === undefined) return unknownKind(ref.kind);
  if (ref.group !== group) {
    return { field: "group", message: `The group of ${ref.kind} is "${group}".` };
  }
  if (ref.kind === "EnvoyRoute") return envoyRoute(ref, places);
  const own = ref.namespace ?? namespace;
  if (ref.kind === "Service") return service(ref, own, places);
  const candidates = resources.filter((r) => r.group === group && r.kind === ref.kind);
  const resource = candidates.find((r) => r.namespace === own && r.name === ref.name);
  if (resource === undefined) return missing(ref, own, candidates);
  if (ref.kind === "VirtualService") return virtualService(ref, resource as Resource<VirtualServiceSpec>);
  if (ref.kind === "Gateway") return gateway(ref, resource, places);
  return serviceEntry(ref, resource as Resource<ServiceEntrySpec>);
}

const groups: Record<string, string> = {
  VirtualService: networkingGroup,
  Gateway: networkingGroup,
  ServiceEntry: networkingGroup,
  Service: "",
  EnvoyRoute: policyGroup,
};

function unknownKind(kind: string): TargetError {
  const known = Object.keys(groups);
  const message =
    kind === "HTTPRoute" || kind === "GRPCRoute"
      ? `Policies on ${kind} are not supported: routes are read from VirtualServices. Refer to one of them.`
      : `Policies cannot be attached to a ${kind}.${hint(kind, known, "kind")}`;
  return { field: "kind", message };
}

function missing(ref: TargetRef, namespace: string, candidates: readonly Resource[]): TargetError {
  const here = candidates.filter((r) => r.namespace === namespace).map((r) => r.name);
  const elsewhere = candidates.find((r) => r.name === ref.name);
  const message = `There is no ${ref.kind} "${namespace}/${ref.name}".`;
  if (here.length === 0 && elsewhere !== undefined) {
    return { field: "name", message: `${message} There is one in the namespace "${elsewhere.namespace}".` };
  }
  return { field: "name", message: `${message}${hint(ref.name, here, ref.kind)}` };
}

function virtualService(ref: TargetRef, resource: Resource<VirtualServiceSpec>): Target | TargetError {
  const sections = sectionNames(resource);
  const { sectionName } = ref;
  if (sectionName !== undefined && !sections.includes(sectionName)) {
    const named = resource.spec.http.flatMap((http) => http.name || []);
    const message = `VirtualService "${resource.namespace}/${ref.name}" has no route named "${sectionName}".`;
    return { field: "sectionName", message: `${message}${hint(sectionName, named, "named route")}` };
  }
  return {
    tier: sectionName === undefined ? "virtualService" : "route",
    covers: ({ route: { origin } }) =>
      origin.kind === "virtualService" &&
      origin.resource === resource &&
      (sectionName === undefined || origin.section === sectionName),
  };
}

function gateway(ref: TargetRef, resource: Resource, places: readonly Place[]): Target | TargetError {
  const { sectionName } = ref;
  const servers = places.flatMap((p) => p.listener.servers).filter((s) => s.gateway === resource);
  const names = [...new Set(servers.map((s) => s.name))];
  if (sectionName !== undefined && servers.length > 0 && !names.includes(sectionName)) {
    const message = `Gateway "${resource.namespace}/${ref.name}" has no server named "${sectionName}".`;
    return { field: "sectionName", message: `${message}${hint(sectionName, names, "server")}` };
  }
  return {
    tier: sectionName === undefined ? "gateway" : "server",
    covers: ({ virtualHost }) =>
      virtualHost.servers.some(
        (s) => s.gateway === resource && (sectionName === undefined || s.name === sectionName),
      ),
  };
}

function serviceEntry(ref: TargetRef, resource: Resource<ServiceEntrySpec>): Target | TargetError {
  if (ref.sectionName !== undefined) return noSection(ref);
  const hosts = new Set(resource.spec.hosts.map((host) => host.toLowerCase()));
  return { tier: "service", covers: ({ route }) => route.destinations.some((d) => hosts.has(d.host)) };
}

function service(ref: TargetRef, namespace: string, places: readonly Place[]): Target | TargetError {
  if (ref.sectionName !== undefined) return noSection(ref);
  const host = `${ref.name}.${namespace}.svc.cluster.local`;
  const covers = ({ route }: Place): boolean => route.destinations.some((d) => d.host === host);
  if (places.some(covers)) return { tier: "service", covers };
  const known = [...new Set(places.flatMap(({ route }) => route.destinations.map((d) => d.host)))];
  return { field: "name", message: `No route leads to the host "${host}".${hostHint(host, known, "route")}` };
}

const noSection = (ref: TargetRef): TargetError => ({
  field: "sectionName",
  message: `A ${ref.kind} has no sections: the policy applies to every route to it. Remove \`sectionName\`.`,
});

function envoyRoute(ref: TargetRef, places: readonly Place[]): Target | TargetError {
  if (ref.sectionName !== undefined) return noSection(ref);
  const covers = ({ route, virtualHost }: Place): boolean =>
    route.name === ref.name && (ref.virtualHost === undefined || virtualHost.name === ref.virtualHost);
  if (places.some(covers)) return { tier: "route", covers };
  const names = [...new Set(places.map(({ route }) => route.name))];
  const where = ref.virtualHost === undefined ? "" : ` in the virtual host "${ref.virtualHost}"`;
  return {
    field: "name",
    message: `There is no route named "${ref.name}"${where}.${hint(ref.name, names, "route")}`,
  };
}
