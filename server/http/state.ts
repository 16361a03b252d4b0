// All that the dashboard shows besides the traffic: what is served, the policies, and where each proxy stands.

import type { Mesh } from "../snapshot.ts";
import { reportProxies, reportSnapshot, type ProxyReport, type SnapshotReport } from "./proxies.ts";
import type { ServerView } from "./view.ts";

/** A page shows the first of them; `/api/v1/snapshot` has all. */
const maxDiagnostics = 200;

export interface PolicyReport {
  kind: string;
  /** `namespace/name`, as in metrics. */
  policy: string;
  /** `previous`: the one written now is at fault. */
  inForce: "current" | "previous" | "none";
  /** Routes that it reaches. */
  routes: number;
}

export interface StateReport {
  /** Of the server program. */
  server: string;
  snapshot: SnapshotReport;
  proxies: readonly ProxyReport[];
  policies: readonly PolicyReport[];
  /** A request that would be served; undefined when the folder routes nothing. */
  example: { url: string; host: string } | undefined;
  /** Where proxies connect. */
  xds: string;
}

export function reportState(view: ServerView): StateReport {
  const snapshot = reportSnapshot(view);
  const mesh = view.mesh();
  return {
    server: view.version,
    snapshot: { ...snapshot, diagnostics: snapshot.diagnostics.slice(0, maxDiagnostics) },
    proxies: reportProxies(view).proxies,
    policies: mesh === undefined ? [] : policiesOf(mesh),
    example: mesh && exampleOf(mesh),
    xds: view.xdsAddress,
  };
}

const known = new WeakMap<Mesh, readonly PolicyReport[]>();

/** Counted once for a mesh: it never changes. */
function policiesOf(mesh: Mesh): readonly PolicyReport[] {
  const found = known.get(mesh);
  if (found !== undefined) return found;
  const routes = new Map<unknown, number>();
  for (const attached of mesh.byRoute.values()) {
    for (const { policy } of attached) routes.set(policy, (routes.get(policy) ?? 0) + 1);
  }
  const reports = mesh.policies.map(({ resource, inForce }) => ({
    kind: resource.kind,
    policy: `${resource.namespace}/${resource.name}`,
    inForce: inForce === undefined ? ("none" as const) : inForce === resource ? "current" : "previous",
    routes: routes.get(inForce) ?? 0,
  })) satisfies PolicyReport[];
  known.set(mesh, reports);
  return reports;
}

function exampleOf({ listeners: [listener] }: Mesh): StateReport["example"] {
  const host = listener?.virtualHosts
    .flatMap(({ domains }) => domains)
    .filter((domain) => !domain.includes("*"))
    .sort((a, b) => a.length - b.length || (a < b ? -1 : 1))
    .at(0);
  if (listener === undefined || host === undefined) return undefined;
  const name = listener.host.includes(":") ? `[${listener.host}]` : listener.host;
  return { url: `http://${name}:${listener.port === 0 ? "PORT" : listener.port}/`, host };
}
