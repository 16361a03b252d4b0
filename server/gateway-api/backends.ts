// Where a rule's requests go: references to Services and hosts of the mesh.

import type {
  BackendFilter,
  BackendReference,
  HeaderModifier,
  HttpBackendReference,
  HeaderOperations,
  Headers,
  RequestMirror,
} from "../../schema/generated/types.ts";
import type { FieldPath } from "../../schema/path.ts";
import type { MeshDestination, MeshMirror } from "../istio/actions.ts";
import { networkingGroup } from "../istio/registry.ts";
import { resolveDestination } from "../istio/destinations.ts";
import type { Known } from "../istio/routes.ts";
import type { Resource } from "../model.ts";
import { type Grants, missingGrant } from "./resources.ts";

export interface BackendsOf {
  resource: Resource;
  /** Of the listener. */
  port: number;
  known: Known;
  grants: Grants;
}

export function destinationsOf(
  refs: readonly HttpBackendReference[],
  path: FieldPath,
  of: BackendsOf,
): MeshDestination[] {
  return refs.flatMap((ref, i) => {
    const found = resolveBackend(ref, [...path, i], of);
    return found === undefined ? [] : { ...found, weight: ref.weight ?? 1, headers: headersOf(ref.filters) };
  });
}

type Found = Omit<MeshDestination, "weight" | "headers">;

function resolveBackend(ref: BackendReference, path: FieldPath, of: BackendsOf): Found | undefined {
  const { resource, known, grants, port } = of;
  const group = ref.group ?? "";
  const kind = ref.kind ?? "Service";
  const isHost = group === networkingGroup && kind === "Hostname";
  if (!isHost && (group !== "" || kind !== "Service")) {
    const message = `Requests go to a Service (group ""), or to a Hostname of the group ${networkingGroup}, not to a ${kind} of ${JSON.stringify(group)}.`;
    known.report.error(resource, [...path, "kind"], message);
    return undefined;
  }
  const namespace = ref.namespace ?? resource.namespace;
  const from = { group: resource.group, kind: resource.kind, namespace: resource.namespace };
  const to = { group, kind, namespace, name: ref.name };
  if (!isHost && !grants.allow(from, to)) {
    known.report.error(resource, [...path, "namespace"], missingGrant(from, to));
    return undefined;
  }
  if (!isHost && ref.port === undefined) {
    known.report.error(resource, path, "A Service needs a `port`.");
    return undefined;
  }
  const host = isHost ? ref.name : `${ref.name}.${namespace}.svc.cluster.local`;
  const destination = { host, ...(ref.port === undefined ? {} : { port: { number: ref.port } }) };
  const written = {
    ...resource,
    written: asWritten,
    position: (at: FieldPath = []) => resource.position(asWritten(at)),
  };
  return resolveDestination(written, destination, path, port, known);
}

/** A destination's `host` is a reference's `name`, its `port.number` is `port`. */
function asWritten(path: FieldPath): FieldPath {
  const last = path.at(-1);
  if (last === "host") return [...path.slice(0, -1), "name"];
  return last === "number" ? path.slice(0, -1) : path;
}

export function mirrorOf(
  { backendRef, percent, fraction }: RequestMirror,
  path: FieldPath,
  of: BackendsOf,
): MeshMirror[] {
  const found = resolveBackend(backendRef, [...path, "backendRef"], of);
  const share =
    fraction === undefined ? (percent ?? 100) / 100 : fraction.numerator / (fraction.denominator ?? 100);
  const millionths = Math.min(1_000_000, Math.round(share * 1_000_000));
  return found === undefined || millionths === 0 ? [] : [{ cluster: found.cluster, millionths }];
}

/** Of a rule's or a backend's filters. */
export function headersOf(filters: readonly Omit<BackendFilter, "type">[] | undefined): Headers | undefined {
  const request = filters?.find((f) => f.requestHeaderModifier !== undefined)?.requestHeaderModifier;
  const response = filters?.find((f) => f.responseHeaderModifier !== undefined)?.responseHeaderModifier;
  if (request === undefined && response === undefined) return undefined;
  return {
    ...(request === undefined ? {} : { request: operations(request) }),
    ...(response === undefined ? {} : { response: operations(response) }),
  };
}

/** Of several entries with one name the first counts. */
function operations({ set = [], add = [], remove = [] }: HeaderModifier): HeaderOperations {
  const map = (entries: readonly { name: string; value: string }[]): Record<string, string> =>
    Object.fromEntries([...entries].reverse().map(({ name, value }) => [name.toLowerCase(), value]));
  return { set: map(set), add: map(add), remove };
}
