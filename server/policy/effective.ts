// What applies where: for a route, the policies in force and the policy that each field is from; for a policy,
// the routes that it reaches. Plain data, for the CLI, the API and the dashboard alike.

import type { TargetRef } from "../../schema/generated/types.ts";
import type { MeshModel } from "../istio/mesh.ts";
import { type MeshRoute, placeOfOrigin } from "../istio/routes.ts";
import type { Attached, Attachments } from "./attach.ts";
import { type Place, Places } from "./places.ts";

type Mesh = MeshModel & Attachments;

export interface EffectiveRoute {
  listener: string;
  virtualHost: string;
  route: string;
  /** What it is written in. */
  resource: string;
  file: string;
  line: number;
  /** In the order of the filters. */
  kinds: EffectiveKind[];
}

export interface EffectiveKind {
  kind: string;
  /** Most specific first. */
  policies: EffectivePolicy[];
  fields: EffectiveField[];
  /** Policies that `inherit: false` of a more specific one keeps away. */
  cutOff: { policy: string; by: string }[];
}

export interface EffectivePolicy {
  policy: string;
  tier: string;
  /** Undefined: the whole proxy. */
  target: TargetRef | undefined;
  file: string;
  line: number;
  /** Its newest version is at fault, and the one before it applies. */
  isPrevious: boolean;
}

export interface EffectiveField {
  /** Such as `rules[canary]` or `maxActive`. */
  field: string;
  value: unknown;
  /** The policy whose value stands. */
  from: string;
  /** Policies that have the same field and whose value gives way to this one. */
  over: string[];
  /** Set where the entry can have no effect here. */
  unreached?: string;
}

/** Routes with policies, or all of a name, of the virtual hosts of a host. */
export function effectiveRoutes(
  mesh: Mesh,
  wanted: { route?: string | undefined; host?: string | undefined },
): EffectiveRoute[] {
  const { route, host } = wanted;
  return new Places(mesh).all
    .filter((place) => route === undefined || place.route.name === route)
    .filter(({ virtualHost }) => host === undefined || [virtualHost.host, virtualHost.name].includes(host))
    .filter((place) => route !== undefined || host !== undefined || mesh.byRoute.has(place.route))
    .map((place) => effectiveRoute(place, mesh));
}

function effectiveRoute({ listener, virtualHost, route }: Place, mesh: Mesh): EffectiveRoute {
  const { resource, file, line } = placeOf(route);
  const attached = mesh.byRoute.get(route) ?? [];
  const kinds = [...new Set(attached.map((a) => a.kind))];
  return {
    listener: listener.name,
    virtualHost: virtualHost.name,
    route: route.name,
    resource,
    file,
    line,
    kinds: kinds.map((kind) => {
      const own = attached.filter((a) => a.kind === kind);
      const cutOff = (mesh.cutOff.get(route) ?? []).filter((c) => c.by.kind === kind);
      return {
        kind: kind.kind,
        policies: own.map((a) => effectivePolicy(a, mesh)),
        fields: fieldsOf(kind.kind, own),
        cutOff: cutOff.map((c) => ({ policy: nameOf(c.attached), by: nameOf(c.by) })),
      };
    }),
  };
}

function placeOf({ origin }: MeshRoute): { resource: string; file: string; line: number } {
  const { resource, path } = placeOfOrigin(origin);
  const { file, line } = resource.position(path);
  return { resource: `${resource.kind} ${resource.namespace}/${resource.name}`, file, line };
}

function effectivePolicy({ policy, tier, target }: Attached, mesh: Mesh): EffectivePolicy {
  const { file, line } = policy.position();
  const isPrevious = !mesh.policies.some(({ resource }) => resource === policy);
  return { policy: `${policy.namespace}/${policy.name}`, tier, target, file, line, isPrevious };
}

const nameOf = ({ policy }: Attached): string => `${policy.namespace}/${policy.name}`;

/** Lists whose entries add up over the policies of a route. */
const entryLists = ["rules", "limits", "faults", "dimensions"];

function fieldsOf(kind: string, attached: readonly Attached[]): EffectiveField[] {
  const fields = attached.flatMap((a) => {
    const { targetRefs: _, inherit: __, ...spec } = a.policy.spec as Record<string, unknown>;
    return Object.entries(spec).flatMap(([name, value]) =>
      entryLists.includes(name)
        ? entries(name, value, a)
        : [{ field: name, value, from: nameOf(a), over: [] }],
    );
  });
  if (kind === "MetricsPolicy") return mostSpecific(fields, attached);
  return kind === "HeaderRoutingPolicy" ? markUnreached(fields) : fields;
}

const entries = (list: string, value: unknown, from: Attached): EffectiveField[] =>
  (value as { name: string }[]).map((entry) => ({
    field: `${list}[${entry.name}]`,
    value: entry,
    from: nameOf(from),
    over: [],
  }));

/** Of metrics, one value stands: of two dimensions of a name the first, of the settings those of the first policy. */
function mostSpecific(fields: readonly EffectiveField[], attached: readonly Attached[]): EffectiveField[] {
  const first = attached[0] === undefined ? "" : nameOf(attached[0]);
  const standing = new Map<string, EffectiveField>();
  for (const field of fields) {
    const stands = standing.get(field.field);
    if (stands !== undefined) stands.over.push(field.from);
    else if (field.field.startsWith("dimensions[") || field.from === first) standing.set(field.field, field);
    else standing.set(field.field, { field: field.field, value: "default", from: first, over: [field.from] });
  }
  return [...standing.values()];
}

/** The first rule that matches decides: behind one that takes every request none is asked. */
function markUnreached(fields: readonly EffectiveField[]): EffectiveField[] {
  const isRule = ({ field }: EffectiveField): boolean => field.startsWith("rules[");
  const takesAll = fields.findIndex((f) => isRule(f) && !hasConditions(f.value));
  return fields.map((field, i) => {
    const before = fields[takesAll];
    if (before === undefined || i <= takesAll || !isRule(field)) return field;
    return { ...field, unreached: `${before.field} of ${before.from} takes every request before it` };
  });
}

function hasConditions(rule: unknown): boolean {
  const { match } = rule as { match?: object[] };
  return match !== undefined && match.length > 0 && match.every((entry) => Object.keys(entry).length > 0);
}

export interface PolicyReach {
  kind: string;
  policy: string;
  file: string;
  line: number;
  /** Of the version that is written now. */
  state: "in force" | "previous version in force" | "not in force";
  routes: ReachedRoute[];
}

export interface ReachedRoute {
  listener: string;
  virtualHost: string;
  route: string;
  tier: string;
  target: TargetRef | undefined;
  /** The policy whose `inherit: false` keeps this one away. */
  cutOffBy?: string;
}

/** `name` as `NAMESPACE/NAME`, or a bare name that any namespace may have; the kind narrows it down. */
export function policyReaches(mesh: Mesh, name: string, kind?: string): PolicyReach[] {
  const found = mesh.policies.filter(({ resource }) => {
    const names = [resource.name, `${resource.namespace}/${resource.name}`];
    return names.includes(name) && (kind === undefined || resource.kind === kind);
  });
  const { all } = new Places(mesh);
  return found.map(({ resource, inForce }) => {
    const { file, line } = resource.position();
    return {
      kind: resource.kind,
      policy: `${resource.namespace}/${resource.name}`,
      file,
      line,
      state:
        inForce === undefined
          ? "not in force"
          : inForce === resource
            ? "in force"
            : "previous version in force",
      routes: all.flatMap((place) => reached(place, inForce, mesh)),
    };
  });
}

function reached(place: Place, policy: object | undefined, mesh: Mesh): ReachedRoute[] {
  const { listener, virtualHost, route } = place;
  const where = { listener: listener.name, virtualHost: virtualHost.name, route: route.name };
  const attached = mesh.byRoute.get(route)?.find((a) => a.policy === policy);
  if (attached !== undefined) return [{ ...where, tier: attached.tier, target: attached.target }];
  const cut = mesh.cutOff.get(route)?.find((c) => c.attached.policy === policy);
  if (cut === undefined) return [];
  const { tier, target } = cut.attached;
  return [{ ...where, tier, target, cutOffBy: nameOf(cut.by) }];
}
