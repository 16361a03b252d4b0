// A VirtualService's routes, with those that it delegates in their place, merged as istiod merges them: the
// delegate's settings first, the root's where it has none, and the conditions of both.

import type {
  HttpMatchRequest,
  HttpRoute,
  IstioStringMatch,
  VirtualServiceSpec,
} from "../../schema/generated/types.ts";
import type { Resource } from "../model.ts";
import { Memo } from "./memo.ts";
import { isVisible } from "./names.ts";
import { hint, identity, place, type Report } from "./report.ts";
import { hashOf, sectionNames } from "./route-names.ts";

type VirtualService = Resource<VirtualServiceSpec>;

/** One entry of `http`. */
export interface WrittenAt {
  resource: VirtualService;
  index: number;
  /** Its name, or the one made for it. */
  section: string;
}

export interface WrittenRoute extends WrittenAt {
  /** Merged, where it is delegated to. */
  http: HttpRoute;
  /** In Envoy, without that of a match. */
  name: string;
  /** The route that delegates to it. */
  root: WrittenAt | undefined;
}

/** VirtualServices without hosts, by `namespace/name`. */
export type Delegates = ReadonlyMap<string, VirtualService>;

export const isDelegate = ({ spec }: VirtualService): boolean =>
  spec.hosts === undefined || spec.hosts.length === 0;

export const delegatesOf = (all: readonly VirtualService[]): Delegates =>
  new Map(all.filter(isDelegate).map((r) => [`${r.namespace}/${r.name}`, r]));

/** In order. A delegate that is not there, or whose conditions exclude the root's, adds nothing. */
export function writtenRoutes(root: VirtualService, delegates: Delegates): WrittenRoute[] {
  const sections = sectionNames(root);
  return (root.spec.http ?? []).flatMap((http, index) => {
    const at = { resource: root, index, section: sections[index] ?? "" };
    if (http.delegate === undefined) return { ...at, http, name: at.section, root: undefined };
    const delegate = findDelegate(http, root, delegates);
    return "message" in delegate ? [] : delegatedRoutes(http, at, delegate);
  });
}

/** Where a field that a route may have from either is written. */
export function writtenAt(
  { resource, index, root }: WrittenRoute,
  field: keyof HttpRoute,
): Pick<WrittenAt, "resource" | "index"> {
  const isOwn = root === undefined || resource.spec.http?.[index]?.[field] !== undefined;
  return isOwn ? { resource, index } : root;
}

function delegatedRoutes(http: HttpRoute, root: WrittenAt, delegate: VirtualService): WrittenRoute[] {
  const sections = sectionNames(delegate);
  const own = delegate.spec.http ?? [];
  return own.flatMap((route, index) => {
    const namespaces = `${root.resource.namespace}\n${delegate.namespace}`;
    const merged = mergedRoutes
      .get(http, "", () => new Memo())
      .get(route, namespaces, () => ({ route: mergeRoutes(http, route, root.resource, delegate) }));
    if (merged.route === undefined) return [];
    const section = sections[index] ?? "";
    const name = mergedName(http.name, route, section, own.length);
    return { resource: delegate, index, section, http: merged.route, name, root };
  });
}

const mergedRoutes = new Memo<HttpRoute, Memo<HttpRoute, { route: HttpRoute | undefined }>>(4_096);

/** Istio's `ROOT-OWN`. Where it would call several unnamed routes by the root's name, each gets its own here. */
function mergedName(root: string | undefined, own: HttpRoute, section: string, count: number): string {
  if (root === undefined || root === "") return section;
  if (own.name !== undefined && own.name !== "") return `${root}-${own.name}`;
  return count === 1 ? root : `${root}~${hashOf(own)}`;
}

const inherited = [
  "rewrite",
  "timeout",
  "retries",
  "fault",
  "mirror",
  "mirrors",
  "mirrorPercent",
  "mirrorPercentage",
  "corsPolicy",
  "headers",
] as const;

function mergeRoutes(
  root: HttpRoute,
  own: HttpRoute,
  rootResource: VirtualService,
  delegate: VirtualService,
): HttpRoute | undefined {
  const match = mergeMatches(
    (root.match ?? []).map((m) => fullGateways(m, rootResource.namespace)),
    (own.match ?? []).map((m) => fullGateways(m, delegate.namespace)),
  );
  if (match === undefined) return undefined;
  const settings = Object.fromEntries(
    inherited.flatMap((field) => (root[field] === undefined ? [] : [[field, root[field]]])),
  );
  return { ...(settings as HttpRoute), ...own, match };
}

/** Each of the delegate's conditions within one of the root's; undefined where one is within none. */
function mergeMatches(
  roots: readonly HttpMatchRequest[],
  own: readonly HttpMatchRequest[],
): HttpMatchRequest[] | undefined {
  if (roots.length === 0) return [...own];
  if (own.length === 0) return [...roots];
  const merged: HttpMatchRequest[] = [];
  for (const leaf of own) {
    const wider = roots.filter((root) => !excludes(root, leaf));
    if (wider.length === 0) return undefined;
    merged.push(...wider.map((root) => mergeMatch(root, leaf)));
  }
  return merged;
}

function mergeMatch(root: HttpMatchRequest, leaf: HttpMatchRequest): HttpMatchRequest {
  const name = [root.name, leaf.name].filter((part) => part !== undefined && part !== "").join("-");
  const both = { ...root, ...leaf };
  for (const field of ["headers", "withoutHeaders", "queryParams"] as const) {
    if (both[field] !== undefined) both[field] = { ...root[field], ...leaf[field] };
  }
  if (both.sourceLabels !== undefined) both.sourceLabels = { ...root.sourceLabels, ...leaf.sourceLabels };
  if (leaf.gateways?.length === 0 && root.gateways !== undefined) both.gateways = root.gateways;
  return name === "" ? both : { ...both, name };
}

const fullGateways = (match: HttpMatchRequest, namespace: string): HttpMatchRequest =>
  match.gateways === undefined
    ? match
    : { ...match, gateways: match.gateways.map((name) => gatewayName(name, namespace)) };

/** `namespace/name`, or `mesh`. */
export const gatewayName = (written: string, namespace: string): string =>
  written === "mesh" || written.includes("/") ? written : `${namespace}/${written}`;

/** Whether the delegate's condition is not within the root's: istiod's rules, field by field. */
function excludes(root: HttpMatchRequest, leaf: HttpMatchRequest): boolean {
  const texts = (["uri", "scheme", "method", "authority"] as const).some((field) =>
    textExcludes(root[field], leaf[field]),
  );
  const named = (["headers", "withoutHeaders", "queryParams"] as const).some((field) =>
    Object.entries(leaf[field] ?? {}).some(([name, m]) => textExcludes(root[field]?.[name], m)),
  );
  if (texts || named || (root.ignoreUriCase ?? false) !== (leaf.ignoreUriCase ?? false)) return true;
  if (root.port !== undefined && leaf.port !== undefined && root.port !== leaf.port) return true;
  if (root.sourceNamespace !== undefined && leaf.sourceNamespace !== root.sourceNamespace) return true;
  const labels = Object.entries(leaf.sourceLabels ?? {});
  if (labels.some(([key, value]) => (root.sourceLabels?.[key] ?? value) !== value)) return true;
  const gateways = root.gateways ?? [];
  return gateways.length > 0 && leaf.gateways?.some((name) => !gateways.includes(name)) === true;
}

function textExcludes(root: IstioStringMatch | undefined, leaf: IstioStringMatch | undefined): boolean {
  if (root === undefined || leaf === undefined) return false;
  if (root.regex !== undefined || leaf.regex !== undefined) return true;
  if (root.exact !== undefined) return leaf.exact !== root.exact;
  if (root.prefix === undefined) return true;
  return (leaf.prefix ?? leaf.exact)?.startsWith(root.prefix) !== true;
}

function findDelegate(
  { delegate }: HttpRoute,
  root: VirtualService,
  delegates: Delegates,
): VirtualService | { field: string; message: string } {
  const namespace = delegate?.namespace ?? root.namespace;
  const name = `${namespace}/${delegate?.name}`;
  const found = delegates.get(name);
  if (found === undefined) {
    const known = [...delegates.keys()];
    const message = `There is no VirtualService without hosts "${name}" to delegate to.${hint(name, known, "such VirtualService")}`;
    return { field: "name", message };
  }
  if (isVisible(found.spec.exportTo, found.namespace, root.namespace)) return found;
  const scope = JSON.stringify(found.spec.exportTo);
  const message = `${identity(found)} (${place(found)}) is not exported to this namespace: its exportTo is ${scope}.`;
  return { field: "name", message };
}

/** What is wrong between roots and delegates. */
export function checkDelegates(all: readonly VirtualService[], delegates: Delegates, report: Report): void {
  const used = new Set<VirtualService>();
  for (const root of all) {
    for (const [index, http] of (root.spec.http ?? []).entries()) {
      if (http.delegate === undefined || isDelegate(root)) continue;
      const path = ["spec", "http", index, "delegate"];
      const found = findDelegate(http, root, delegates);
      if ("message" in found) {
        report.error(root, [...path, found.field], found.message);
        continue;
      }
      used.add(found);
      const at = { resource: root, index, section: sectionNames(root)[index] ?? "" };
      reportExcluded(http, at, found, report);
    }
  }
  for (const delegate of delegates.values()) {
    if (used.has(delegate)) continue;
    const message =
      "It has no hosts, and no VirtualService delegates to it, so that none of its routes is served.";
    report.warning(delegate, ["spec"], message);
  }
}

function reportExcluded(http: HttpRoute, root: WrittenAt, delegate: VirtualService, report: Report): void {
  const merged = new Set(delegatedRoutes(http, root, delegate).map(({ index }) => index));
  for (const index of (delegate.spec.http ?? []).keys()) {
    if (merged.has(index)) continue;
    const from = `http[${root.index}] of ${identity(root.resource)} (${place(root.resource)})`;
    const message = `Its conditions are not within those of ${from}, which delegates to it, so that it is not served there.`;
    report.warning(delegate, ["spec", "http", index, "match"], message);
  }
}
