// Objects of a Kubernetes API as the resources that folders hold.

import { canonical } from "../../schema/canonical.ts";
import { formatPath } from "../../schema/path.ts";
import { identify } from "../../schema/resource.ts";
import type { HttpRoute, ServiceEntrySpec, VirtualServiceSpec } from "../../schema/generated/types.ts";
import { destinationHeader } from "../istio/listeners.ts";
import type { Resource } from "../model.ts";

export interface KubeObject {
  apiVersion?: string;
  kind?: string;
  metadata?: {
    name?: string;
    namespace?: string;
    generation?: number;
    resourceVersion?: string;
    creationTimestamp?: unknown;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    managedFields?: unknown;
    [field: string]: unknown;
  };
  spec?: unknown;
  status?: unknown;
}

export interface Read {
  resource: Resource | undefined;
  /** Why there is none: what `validate` would say. */
  problems: readonly string[];
}

/** The spec is a copy: what the API's cache holds is never changed. */
export function readObject(object: KubeObject): Read {
  const { apiVersion = "", kind = "", metadata = {} } = object;
  const document = structuredClone({
    apiVersion,
    kind,
    metadata: { name: metadata.name, namespace: metadata.namespace },
    spec: kind === "VirtualService" ? withoutDerived(object.spec) : object.spec,
  });
  const identified = identify(document);
  const errors = identified.problems.filter(({ severity }) => severity === "error");
  if (errors.length > 0 || identified.kind === undefined) {
    return {
      resource: undefined,
      problems: errors.map(({ path, message }) => `${formatPath(path)}: ${message}`),
    };
  }
  const slash = apiVersion.indexOf("/");
  const namespace = metadata.namespace ?? "default";
  const file = `${kind} ${namespace}/${metadata.name}`;
  return {
    problems: [],
    resource: {
      group: apiVersion.slice(0, slash),
      version: apiVersion.slice(slash + 1),
      kind,
      namespace,
      name: metadata.name ?? "",
      labels: metadata.labels ?? {},
      annotations: {},
      spec: canonical(identified.kind.spec, document.spec),
      position: () => ({ file, line: 1, column: 1 }),
    },
  };
}

/** A VirtualService that a controller has changed is read as it was: its derived routes are made anew. */
function withoutDerived(spec: unknown): unknown {
  const { http, ...rest } = (spec ?? {}) as VirtualServiceSpec;
  return Array.isArray(http) ? { ...rest, http: http.filter((entry) => !isDerived(entry)) } : spec;
}

export const isDerived = (entry: HttpRoute): boolean =>
  (entry.match ?? []).some(({ headers }) => headers?.[destinationHeader] !== undefined);

interface KubeService {
  metadata?: { name?: string; namespace?: string };
  spec?: { ports?: { name?: string; port: number; protocol?: string }[] };
}

/** A Service's host and ports, which is all that routes need of it. */
export function readService({ metadata, spec }: KubeService): Resource<ServiceEntrySpec> | undefined {
  const ports = (spec?.ports ?? []).filter(({ protocol = "TCP" }) => protocol === "TCP");
  if (metadata?.name === undefined || ports.length === 0) return undefined;
  const { name, namespace = "default" } = metadata;
  return {
    group: "networking.istio.io",
    version: "v1",
    kind: "ServiceEntry",
    namespace,
    name,
    labels: {},
    annotations: {},
    spec: {
      hosts: [`${name}.${namespace}.svc.cluster.local`],
      location: "MESH_INTERNAL",
      resolution: "STATIC",
      ports: ports.map(({ port, name: own }) => ({
        number: port,
        name: own ?? `tcp-${port}`,
        protocol: "HTTP",
      })),
    },
    position: () => ({ file: `Service ${namespace}/${name}`, line: 1, column: 1 }),
  };
}
