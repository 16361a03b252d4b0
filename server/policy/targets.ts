// What a targetRef refers to: which routes, and how specific that is.

import type {
  GatewaySpec,
  ServiceEntrySpec,
  TargetRef,
  VirtualServiceSpec,
} from "../../schema/generated/types.ts";
import { dependsOnSource } from "../istio/callers.ts";
import { serverName } from "../istio/gateways.ts";
import { networkingGroup } from "../istio/registry.ts";
import { hint, hostHint } from "../istio/report.ts";
import { sectionNames } from "../istio/routes.ts";
import type { Resource } from "../model.ts";
import { policyGroup } from "./kinds.ts";
import type { Place, Places } from "./places.ts";

/** From the most specific to the least. */
export const tiers = ["route", "virtualService", "service", "server", "gateway", "proxy"] as const;

export type Tier = (typeof tiers)[number];

export interface Target {
  tier: Tier;
  places: readonly Place[];
  /** Some proxies may have more of its routes: they depend on who calls. */
  isForSome?: true;
}

/** Resources by name. */
export class ResourceIndex {
  readonly #byName = new Map<string, Resource>();
  readonly #all: readonly Resource[];

  constructor(resources: readonly Resource[]) {
    this.#all = resources;
    for (const r of resources) {
      const key = keyOf(r.group, r.kind, r.namespace, r.name);
      if (!this.#byName.has(key)) this.#byName.set(key, r);
    }
  }

  find(group: string, kind: string, namespace: string, name: string): Resource | undefined {
    return this.#byName.get(keyOf(group, kind, namespace, name));
  }

  ofKind(group: string, kind: string): Resource[] {
    return this.#all.filter((r) => r.group === group && r.kind === kind);
  }
}

const keyOf = (...names: string[]): string => names.join("\n");

export interface TargetError {
  /** The reference's field at fault. */
  field: string;
  message: string;
}

export const isError = (found: Target | TargetError): found is TargetError => "message" in found;

export function findTarget(
  ref: TargetRef | undefined,
  namespace: string,
  resources: ResourceIndex,
  places: Places,
): Target | TargetError {
  if (ref === undefined) return { tier: "proxy", places: places.all };
  const group = groups[ref.kind];
  if (group === undefined) return unknownKind(ref.kind);
  if (ref.group !== group) {
    return { field: "group", message: `The group of ${ref.kind} is "${group}".` };
  }
  if (ref.kind === "EnvoyRoute") return envoyRoute(ref, places);
  const own = ref.namespace ?? namespace;
  if (ref.kind === "Service") return service(ref, own, places);
  const resource = resources.find(group, ref.kind, own, ref.name);
  if (resource === undefined) return missing(ref, own, resources.ofKind(group, ref.kind));
  if (ref.kind === "VirtualService") {
    return virtualService(ref, resource as Resource<VirtualServiceSpec>, places);
  }
  if (ref.kind === "Gateway") return gateway(ref, resource as Resource<GatewaySpec>, places);
  return serviceEntry(ref, resource as Resource<ServiceEntrySpec>, places);
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

function virtualService(
  ref: TargetRef,
  resource: Resource<VirtualServiceSpec>,
  places: Places,
): Target | TargetError {
  const { sectionName } = ref;
  const all = places.ofVirtualService(resource);
  const ofSection =
    sectionName === undefined ? all : all.filter((place) => isSection(place, resource, sectionName));
  const isThere = ofSection.length > 0 || sectionNames(resource).includes(sectionName ?? "");
  if (sectionName !== undefined && !isThere) {
    const named = (resource.spec.http ?? []).flatMap((http) => http.name || []);
    const message = `VirtualService "${resource.namespace}/${ref.name}" has no route named "${sectionName}".`;
    return { field: "sectionName", message: `${message}${hint(sectionName, named, "named route")}` };
  }
  const http = (resource.spec.http ?? []).filter(
    ({ name }) => sectionName === undefined || name === sectionName || name === undefined,
  );
  const isForSome = http.some(({ match = [] }) => match.some(dependsOnSource));
  const tier = sectionName === undefined ? "virtualService" : "route";
  return { tier, places: ofSection, ...(isForSome ? { isForSome } : {}) };
}

/** By its own name, by that of the route which delegates to it, or by both as Envoy has them. */
function isSection({ route: { origin } }: Place, resource: Resource, sectionName: string): boolean {
  if (origin.kind !== "virtualService") return false;
  const { root } = origin;
  if (origin.resource === resource && origin.section === sectionName) return true;
  return root?.resource === resource && (root.section === sectionName || origin.name === sectionName);
}

function gateway(ref: TargetRef, resource: Resource<GatewaySpec>, places: Places): Target | TargetError {
  const { sectionName } = ref;
  const all = places.behindGateway(resource);
  if (sectionName === undefined) return { tier: "gateway", places: all };
  const names = [...new Set(resource.spec.servers.map(serverName))];
  if (!names.includes(sectionName)) {
    const message = `Gateway "${resource.namespace}/${ref.name}" has no server named "${sectionName}".`;
    return { field: "sectionName", message: `${message}${hint(sectionName, names, "server")}` };
  }
  const ofServer = ({ virtualHost: { servers } }: Place): boolean =>
    servers.some((s) => s.gateway === resource && s.name === sectionName);
  return { tier: "server", places: all.filter(ofServer) };
}

function serviceEntry(
  ref: TargetRef,
  resource: Resource<ServiceEntrySpec>,
  places: Places,
): Target | TargetError {
  if (ref.sectionName !== undefined) return noSection(ref);
  const found = resource.spec.hosts.flatMap((host) => places.toHost(host.toLowerCase()));
  return { tier: "service", places: [...new Set(found)] };
}

function service(ref: TargetRef, namespace: string, places: Places): Target | TargetError {
  if (ref.sectionName !== undefined) return noSection(ref);
  const host = `${ref.name}.${namespace}.svc.cluster.local`;
  const found = places.toHost(host);
  if (found.length > 0) return { tier: "service", places: found };
  const message = `No route leads to the host "${host}".`;
  return { field: "name", message: `${message}${hostHint(host, places.hosts, "route")}` };
}

const noSection = (ref: TargetRef): TargetError => ({
  field: "sectionName",
  message: `A ${ref.kind} has no sections: the policy applies to every route to it. Remove \`sectionName\`.`,
});

function envoyRoute(ref: TargetRef, places: Places): Target | TargetError {
  if (ref.sectionName !== undefined) return noSection(ref);
  const isInHost = ({ virtualHost }: Place): boolean =>
    ref.virtualHost === undefined || virtualHost.name === ref.virtualHost;
  const found = places.named(ref.name).filter(isInHost);
  if (found.length > 0) return { tier: "route", places: found };
  const where = ref.virtualHost === undefined ? "" : ` in the virtual host "${ref.virtualHost}"`;
  const message = `There is no route named "${ref.name}"${where}.`;
  return { field: "name", message: `${message}${hint(ref.name, places.names, "route")}` };
}
