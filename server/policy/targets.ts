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
import { sectionNames } from "../istio/route-names.ts";
import { gatewayApiGroup } from "../../schema/kinds.ts";
import { asGateway } from "../gateway-api/gateways.ts";
import {
  type ApiRoute,
  Grants,
  isApiGateway,
  isGrpcRoute,
  isHttpRoute,
  missingGrant,
  type Reference,
} from "../gateway-api/resources.ts";
import { ruleName } from "../gateway-api/rules.ts";
import type { Resource } from "../model.ts";
import { policyGroup } from "./kinds.ts";
import type { Place, Places } from "./places.ts";

/** From the most specific to the least. An HTTPRoute or GRPCRoute as a whole is as specific as a VirtualService. */
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
  readonly grants: Grants;

  constructor(resources: readonly Resource[]) {
    this.#all = resources;
    this.grants = new Grants(resources);
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

/** `policy` is what refers: of another namespace only what allows it by a ReferenceGrant. */
export function findTarget(
  ref: TargetRef | undefined,
  policy: Reference,
  resources: ResourceIndex,
  places: Places,
): Target | TargetError {
  if (ref === undefined) return { tier: "proxy", places: places.all };
  const { group, kind, name } = ref;
  const known = groups[kind];
  if (known === undefined) return unknownKind(kind);
  if (!known.includes(group)) {
    const instead = known.map((word) => JSON.stringify(word)).join(" or ");
    return { field: "group", message: `The group of ${kind} is ${instead}.` };
  }
  if (kind === "EnvoyRoute") return envoyRoute(ref, places);
  const namespace = ref.namespace ?? policy.namespace;
  const resource = resources.find(group, kind, namespace, name);
  if (resource === undefined && kind !== "Service") {
    return missing(ref, namespace, resources.ofKind(group, kind));
  }
  const to = { group, kind, namespace, name };
  if (!resources.grants.allow(policy, to)) return { field: "namespace", message: missingGrant(policy, to) };
  return resource === undefined ? service(ref, namespace, places) : ofResource(ref, resource, places);
}

function ofResource(ref: TargetRef, resource: Resource, places: Places): Target | TargetError {
  if (isHttpRoute(resource) || isGrpcRoute(resource)) return apiRoute(ref, resource, places);
  if (isApiGateway(resource)) return gateway(ref, asGateway(resource), places);
  if (ref.kind === "Gateway") return gateway(ref, resource as Resource<GatewaySpec>, places);
  if (ref.kind === "ServiceEntry") return serviceEntry(ref, resource as Resource<ServiceEntrySpec>, places);
  return virtualService(ref, resource as Resource<VirtualServiceSpec>, places);
}

/** The groups of each kind. */
const groups: Record<string, readonly string[]> = {
  VirtualService: [networkingGroup],
  HTTPRoute: [gatewayApiGroup],
  GRPCRoute: [gatewayApiGroup],
  Gateway: [networkingGroup, gatewayApiGroup],
  ServiceEntry: [networkingGroup],
  Service: [""],
  EnvoyRoute: [policyGroup],
};

const unknownKind = (kind: string): TargetError => ({
  field: "kind",
  message: `Policies cannot be attached to a ${kind}.${hint(kind, Object.keys(groups), "kind")}`,
});

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
  const all = places.writtenIn(resource);
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

function apiRoute(ref: TargetRef, resource: ApiRoute, places: Places): Target | TargetError {
  const { sectionName } = ref;
  const all = places.writtenIn(resource);
  if (sectionName === undefined) return { tier: "virtualService", places: all };
  const rules: readonly { name?: string }[] = resource.spec.rules ?? [{}];
  const names = rules.map((rule, i) => ruleName(resource, rule, i));
  if (!names.includes(sectionName)) {
    const message = `${ref.kind} "${resource.namespace}/${ref.name}" has no rule named "${sectionName}".`;
    const named = rules.flatMap(({ name }) => name ?? []);
    return { field: "sectionName", message: `${message}${hint(sectionName, named, "named rule")}` };
  }
  return { tier: "route", places: all.filter(({ route }) => route.name === sectionName) };
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
