// Which proxies get the filters: the gateways that policies reach, each by its selector, or, as soon as a policy
// reaches a route of the mesh's own, every proxy that calls others, gateways among them: one plugin acts there for
// all, as it knows the routes of each by name.

import type { GatewaySpec } from "../../../schema/generated/types.ts";
import { gatewayApiGroup } from "../../../schema/kinds.ts";
import type { Resource } from "../../model.ts";
import { type Place, Places } from "../../policy/places.ts";
import type { Mesh } from "../../snapshot.ts";
import type { IstioOptions } from "./options.ts";

export interface Workloads {
  /** Told in the plugins' names where there are several. */
  name: string;
  /** Of the plugins, where it is given by what they refer to. */
  namespace?: string;
  /** Fields of WasmPlugin and TrafficExtension. */
  where: Readonly<Record<string, unknown>>;
  covers(place: Place): boolean;
}

export function workloadsOf(
  mesh: Mesh,
  { labels, mode }: Pick<IstioOptions, "labels" | "mode">,
): Workloads[] {
  if (Object.keys(labels).length > 0 || mode === "SERVER") {
    const selector = Object.keys(labels).length > 0 ? { selector: { matchLabels: labels } } : {};
    const match = mode === undefined ? {} : { match: [{ mode }] };
    const name = mode === "SERVER" ? "server" : "";
    return [{ name, where: { ...selector, ...match }, covers: () => true }];
  }
  const reached = new Places(mesh).all.filter(({ route }) => mesh.byRoute.has(route));
  if (reached.some(({ virtualHost }) => virtualHost.servers.length === 0)) {
    return [{ name: "", where: { match: [{ mode: "CLIENT" }] }, covers: () => true }];
  }
  const gateways = new Map<string, Set<Resource<GatewaySpec>>>();
  for (const { gateway } of reached.flatMap(({ virtualHost }) => virtualHost.servers)) {
    const key = isOfGatewayApi(gateway)
      ? `${gateway.namespace}/${gateway.name}`
      : JSON.stringify(Object.entries(gateway.spec.selector ?? {}).sort());
    gateways.set(key, (gateways.get(key) ?? new Set()).add(gateway));
  }
  return [...gateways.values()].map((alike) => byGateway([...alike], gateways.size > 1));
}

const isOfGatewayApi = ({ group }: Resource): boolean => group === gatewayApiGroup;

function byGateway(alike: readonly Resource<GatewaySpec>[], isOneOfMany: boolean): Workloads {
  const [first] = alike;
  const selector = first?.spec.selector ?? {};
  const isAny = Object.keys(selector).length === 0;
  if (first !== undefined && isOfGatewayApi(first)) {
    return {
      name: isOneOfMany ? first.name : "",
      namespace: first.namespace,
      where: { targetRefs: [{ group: gatewayApiGroup, kind: "Gateway", name: first.name }] },
      covers: ({ virtualHost }) => virtualHost.servers.some(({ gateway }) => gateway === first),
    };
  }
  return {
    name: isOneOfMany ? `${first?.namespace}-${first?.name}` : "",
    where: isAny ? { match: [{ mode: "CLIENT" }] } : { selector: { matchLabels: selector } },
    covers: ({ virtualHost }) => virtualHost.servers.some(({ gateway }) => alike.includes(gateway)),
  };
}
