// From what the API holds to what it should hold: plugins, changed VirtualServices, and the policies' conditions.

import type { HttpRoute, VirtualServiceSpec } from "../../schema/generated/types.ts";
import { identity } from "../istio/report.ts";
import type { Resource } from "../model.ts";
import type { PolicyState } from "../policy/attach.ts";
import type { FilterModule } from "../policy/modules.ts";
import { istioMesh } from "../render/istio/render.ts";
import type { IstioOptions } from "../render/istio/options.ts";
import type { Manifest } from "../render/rendered.ts";
import { isDerived, type KubeObject, readObject, readService } from "./objects.ts";
import type { Finding } from "./status.ts";

export interface Desired {
  plugins: readonly Manifest[];
  /** Names of plugins whose new configuration the filter refuses: what they have stays. */
  kept: readonly string[];
  /** Each only with `spec.http`, the one field that is ours. */
  virtualServices: readonly Manifest[];
  findings: readonly { object: KubeObject; accepted: Finding }[];
  policies: readonly PolicyState[];
  /** Problems of resources that are no policies. */
  warnings: readonly string[];
}

export interface Current {
  policies: readonly KubeObject[];
  /** Of the other kinds that are watched. */
  others: readonly KubeObject[];
}

type Check = (filter: string, configuration: string) => Promise<string | undefined>;

export async function desiredState(
  current: Current,
  modules: Readonly<Record<string, FilterModule>>,
  options: IstioOptions,
  previous: readonly PolicyState[],
  check: Check,
): Promise<Desired> {
  const warnings: string[] = [];
  const others = current.others.flatMap((object): Resource[] => {
    if (object.kind === "Service") return [readService(object as never) ?? []].flat();
    const { resource, problems } = readObject(object);
    if (resource === undefined) warnings.push(`${nameOf(object)} is left out: ${problems.join("; ")}`);
    return resource === undefined ? [] : [resource];
  });
  const read = current.policies.map((object) => ({ object, ...readObject(object) }));
  // A version that cannot be read leaves the one before it in force.
  const policies = read.flatMap(({ object, resource }) => resource ?? inForceBefore(object, previous) ?? []);
  const mesh = istioMesh([...others, ...policies], modules, options, previous);
  const refused = new Map<string, string>();
  for (const { filter, configuration } of mesh.plugins) {
    const reason = await check(filter, configuration);
    if (reason !== undefined) refused.set(filter, reason);
  }
  return {
    plugins: mesh.plugins.filter(({ filter }) => !refused.has(filter)).map(({ manifest }) => manifest),
    kept: mesh.plugins
      .filter(({ filter }) => refused.has(filter))
      .map(({ manifest }) => manifest.metadata.name),
    virtualServices: changedOnly(current.others, mesh.virtualServices),
    findings: read.map(({ object, resource, problems }) => ({
      object,
      accepted:
        resource === undefined
          ? invalid(problems, inForceBefore(object, previous))
          : accepted(resource, mesh, refused),
    })),
    policies: mesh.policies,
    warnings: [
      ...warnings,
      ...mesh.diagnostics
        .filter((d) => !/^\w+Policy /.test(d.resource ?? ""))
        .map((d) => `${d.resource}: ${d.path}: ${d.message}`),
    ],
  };
}

const inForceBefore = (object: KubeObject, previous: readonly PolicyState[]): Resource | undefined =>
  previous.find(({ resource }) => identity(resource) === nameOf(object))?.inForce;

const invalid = (problems: readonly string[], before: Resource | undefined): Finding => {
  const effect = before === undefined ? "It is not in force." : "Its previous version stays in force.";
  return { status: "False", reason: "Invalid", message: `${problems.join("; ")}. ${effect}` };
};

function accepted(
  resource: Resource,
  mesh: ReturnType<typeof istioMesh>,
  refused: ReadonlyMap<string, string>,
): Finding {
  const own = mesh.diagnostics.filter((d) => d.resource === identity(resource));
  const errors = own.filter(({ severity }) => severity === "error");
  if (errors.length > 0) {
    return {
      status: "False",
      reason: "NotAttached",
      message: errors.map((d) => `${d.path}: ${d.message}`).join(" "),
    };
  }
  const kind = mesh.policies.find(({ resource: known }) => known === resource)?.kind;
  const refusal = kind === undefined ? undefined : refused.get(kind.module);
  if (refusal !== undefined) return { status: "False", reason: "Refused", message: refusal };
  const message = own.map((d) => `${d.path}: ${d.message}`).join(" ");
  return { status: "True", reason: "Accepted", message };
}

/** What differs from what the API has; also those whose derived routes are needed no more. */
function changedOnly(objects: readonly KubeObject[], wanted: readonly Manifest[]): Manifest[] {
  return objects.flatMap((object) => {
    if (object.kind !== "VirtualService") return [];
    const { name = "", namespace = "default" } = object.metadata ?? {};
    const { http = [] } = (object.spec ?? {}) as VirtualServiceSpec;
    const manifest = wanted.find(
      ({ metadata }) => metadata.name === name && metadata.namespace === namespace,
    );
    const target =
      (manifest?.spec.http as HttpRoute[] | undefined) ?? http.filter((entry) => !isDerived(entry));
    if (JSON.stringify(ordered(target)) === JSON.stringify(ordered(http))) return [];
    const { apiVersion = "", kind } = object;
    return [{ apiVersion, kind, metadata: { name, namespace }, spec: { http: target } }];
  });
}

/** Keys in one order: the API server keeps none. */
function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, ordered(inner)]));
}

const nameOf = ({ kind, metadata }: KubeObject): string =>
  `${kind} ${metadata?.namespace ?? "default"}/${metadata?.name}`;
