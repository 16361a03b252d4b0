// In a cluster most hosts are Services, which a folder of policies need not hold. A host of a namespace that routes
// or DestinationRules name and nothing defines is taken to be one. Its port is not known, so that its virtual hosts
// have no name to be told by; a ServiceEntry for it in the folder, or the Service itself, says the port.

import type {
  DestinationRuleSpec,
  ServiceEntrySpec,
  VirtualServiceSpec,
} from "../../../schema/generated/types.ts";
import { fullName, localName } from "../../istio/names.ts";
import { isIstio } from "../../istio/registry.ts";
import type { Resource } from "../../model.ts";

interface Naming {
  host: string;
  by: Resource;
  port: number | undefined;
}

/** ServiceEntries in place of the Services that are not there. */
export function assumedServices(resources: readonly Resource[]): Resource<ServiceEntrySpec>[] {
  const defined = new Set(
    resources.flatMap((r) =>
      isIstio<ServiceEntrySpec>(r, "ServiceEntry") ? r.spec.hosts.map((host) => host.toLowerCase()) : [],
    ),
  );
  const ports = new Map<string, { by: Resource; numbers: Set<number> }>();
  for (const { host, by, port } of resources.flatMap(namedHosts)) {
    const full = fullName(host, by.namespace);
    if (localName(full) === undefined || defined.has(full) || defined.has(host.toLowerCase())) continue;
    const known = ports.get(full) ?? { by, numbers: new Set() };
    ports.set(full, known);
    if (port !== undefined) known.numbers.add(port);
  }
  return [...ports].map(([host, { by, numbers }]) =>
    serviceAt(host, by, numbers.size === 0 ? [80] : [...numbers], subsetsOf(host, resources)),
  );
}

/** What instances the Service has is not known: of each subset one is taken to be there. */
const subsetsOf = (host: string, resources: readonly Resource[]): Record<string, string>[] =>
  resources.flatMap((r) =>
    isIstio<DestinationRuleSpec>(r, "DestinationRule") && fullName(r.spec.host, r.namespace) === host
      ? (r.spec.subsets ?? []).map(({ labels = {} }) => labels)
      : [],
  );

function namedHosts(resource: Resource): Naming[] {
  if (isIstio<DestinationRuleSpec>(resource, "DestinationRule"))
    return [{ host: resource.spec.host, by: resource, port: undefined }];
  if (!isIstio<VirtualServiceSpec>(resource, "VirtualService")) return [];
  return destinationsIn(resource.spec).map(({ host, port }) => ({ host, by: resource, port: port?.number }));
}

/** Wherever they stand: routes, mirrors, TCP and TLS. */
function destinationsIn(value: unknown): { host: string; port?: { number?: number } }[] {
  if (Array.isArray(value)) return value.flatMap(destinationsIn);
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, child]) =>
    (key === "destination" || key === "mirror") && isDestination(child) ? [child] : destinationsIn(child),
  );
}

const isDestination = (value: unknown): value is { host: string; port?: { number?: number } } =>
  typeof value === "object" && value !== null && "host" in value && typeof value.host === "string";

function serviceAt(
  host: string,
  by: Resource,
  ports: readonly number[],
  subsets: readonly Record<string, string>[],
): Resource<ServiceEntrySpec> {
  return {
    ...by,
    group: "networking.istio.io",
    version: "v1",
    kind: "ServiceEntry",
    namespace: localName(host)?.namespace ?? by.namespace,
    name: localName(host)?.name ?? host,
    labels: {},
    annotations: {},
    spec: {
      hosts: [host],
      location: "MESH_INTERNAL",
      resolution: "STATIC",
      endpoints: subsets.map((labels) => ({ address: "127.0.0.1", labels })),
      ports: [...ports]
        .sort((a, b) => a - b)
        .map((number) => ({ number, name: `http-${number}`, protocol: "HTTP" })),
    },
    position: () => by.position([]),
  };
}
