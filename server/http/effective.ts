// Which policies apply where: of routes, or of one policy with the proxies that have it.

import { Hono } from "hono";
import {
  type EffectiveRoute,
  effectiveRoutes,
  type PolicyReach,
  policyReaches,
} from "../policy/effective.ts";
import { reportProxies } from "./proxies.ts";
import type { ServerView } from "./view.ts";

export interface EffectiveReport {
  /** Of the snapshot that is served. */
  version: string;
  /** Those that were found; at most 1,000 of them follow. */
  found: number;
  routes?: EffectiveRoute[];
  policies?: (PolicyReach & { proxies: PolicyProxy[] })[];
}

export interface PolicyProxy {
  id: string;
  /** `pending`: its acknowledgement is awaited. `nacked`: it refused this version and runs an older one. */
  state: "synced" | "pending" | "nacked";
}

const maxFound = 1_000;

/**
 * @example
 * GET /api/v1/effective?route=search&host=shop.default.svc.cluster.local
 * GET /api/v1/effective?policy=default/canary&kind=HeaderRoutingPolicy
 */
export function effectiveRoute(view: ServerView): Hono {
  const app = new Hono();
  app.get("/effective", (c) => {
    const { route, host, policy, kind } = c.req.query();
    return c.json(reportEffective(view, { route, host, policy, kind }));
  });
  return app;
}

interface Wanted {
  route?: string | undefined;
  host?: string | undefined;
  policy?: string | undefined;
  kind?: string | undefined;
}

function reportEffective(view: ServerView, { route, host, policy, kind }: Wanted): EffectiveReport {
  const { version } = view.configuration();
  const mesh = view.mesh();
  if (mesh === undefined) return { version, found: 0 };
  if (policy === undefined) {
    const routes = effectiveRoutes(mesh, { route, host });
    return { version, found: routes.length, routes: routes.slice(0, maxFound) };
  }
  const reached = policyReaches(mesh, policy, kind);
  const policies = reached.map((reach) => ({ ...reach, proxies: proxiesWith(view, reach) }));
  return { version, found: policies.length, policies };
}

/** The proxies to which the policy is sent: not those that see none of its routes. */
function proxiesWith(view: ServerView, reach: PolicyReach): PolicyProxy[] {
  return reportProxies(view).proxies.flatMap(({ node, state }) => {
    const seen = view.mesh(node);
    const own = seen && policyReaches(seen, reach.policy, reach.kind)[0];
    return own?.routes.some((r) => r.cutOffBy === undefined) === true ? [{ id: node.id, state }] : [];
  });
}
