// One filter's module run on one request, with the configuration and the capabilities that Envoy gets.

import { type CompiledModule, Host, type Pair, type Stream } from "../../host/index.ts";
import { destinationHeader } from "../istio/listeners.ts";
import type { PolicyKind } from "../policy/kinds.ts";
import type { FilterModule } from "../policy/modules.ts";
import { capabilities, vmId } from "../policy/plugin.ts";
import type { PlacedRoute } from "../route-table.ts";
import type { Seen } from "../snapshot.ts";
import { type MatchRequest, text } from "./request.ts";
import { tryRoutes } from "./route.ts";
import { Told } from "./told.ts";

/** How the router looks at it: what a cleared route cache is filled with. */
export interface Router {
  virtualHost: string;
  routes: readonly PlacedRoute[];
  /** In force before the filter changes anything. */
  current: PlacedRoute;
}

/** Conditions and decisions on one request; of more the newest are kept. */
const traceRecords = 65_536;

export interface ModuleRun {
  kind: PolicyKind;
  module: FilterModule;
  compiled: CompiledModule;
  built: Seen;
  router: Router;
  headers: readonly Pair[];
  sourceAddress: string;
  seed: number;
}

export interface Step {
  headers: readonly Pair[];
  /** How long the filter held the request before it went on or was answered. */
  heldMs: number;
  routeCacheCleared: boolean;
  decisions: Record<string, string>[];
  told: Told;
  reply: { status: number; details: string } | undefined;
}

export function runModule(run: ModuleRun): Step {
  const { kind, module, compiled, built, router, headers } = run;
  const policies = built.mesh.policies.flatMap((p) => (p.kind === kind && p.inForce ? [p.inForce] : []));
  const host = new Host({
    module: compiled,
    rootId: kind.module,
    name: kind.slot,
    vmId,
    seed: run.seed,
    capabilities: capabilities({ kind, module, policies }),
    traceRecords,
  });
  const configuration = built.plugins.find((p) => p.filter === kind.module)?.configuration ?? "";
  const configured = host.configure(configuration);
  if (!configured.ok) {
    const why = configured.refusal?.message ?? configured.trap ?? "for no stated reason";
    throw new Error(`the ${kind.module} filter refuses its configuration: ${why}`);
  }
  const stream = host.workers[0].request({
    headers,
    properties: { source: { address: run.sourceAddress } },
    route: (map) => {
      const isSteered = map.get(destinationHeader) !== undefined;
      const placed = isSteered ? resolve(router.routes, map.pairs()) : router.current;
      return placed && { name: placed.route.name, virtualHost: router.virtualHost };
    },
  });
  const outcome = stream.requestHeaders();
  if (outcome.trap !== undefined) throw new Error(`the ${kind.module} filter failed: ${outcome.trap}`);
  const heldMs = letGo(host, stream);
  return {
    headers: stream.headers,
    heldMs,
    routeCacheCleared: outcome.routeCacheCleared,
    decisions: decisionsOf(host.metrics().counters),
    told: new Told(configuration, host.trace()),
    reply: stream.localReply,
  };
}

/** Lets virtual time pass until the filter holds the request no more; how long that was. */
function letGo(host: Host, stream: Stream): number {
  const before = host.now();
  while (stream.state === "held") {
    const due = host.workers[0].nextDueNs();
    if (due === undefined) throw new Error("the filter holds the request and waits for nothing");
    host.advance(Number(due - host.now()) / 1e6);
  }
  return Math.round(Number(host.now() - before) / 1e6);
}

/** Counters carry their labels in the name, between 0x1F bytes. */
function decisionsOf(counters: Record<string, number>): Record<string, string>[] {
  return Object.entries(counters).flatMap(([name, count]) => {
    const [metric = "", ...labels] = name.split("\x1f");
    if (count === 0) return [];
    const pairs = labels.map((label) => {
      const equals = label.indexOf("=");
      return [text(label.slice(0, equals)), text(label.slice(equals + 1))];
    });
    return [{ metric, ...Object.fromEntries(pairs) }];
  });
}

export const pairsOf = (request: MatchRequest): readonly Pair[] => [
  [":authority", request.authority],
  [":path", request.path],
  [":method", request.method],
  [":scheme", request.scheme],
  ...request.headers.map(([name, value]): Pair => [name, value]),
];

/** The route that takes a request with these headers. */
export function resolve(routes: readonly PlacedRoute[], headers: readonly Pair[]): PlacedRoute | undefined {
  const first = (name: string): string => headers.find(([n]) => n === name)?.[1] ?? "";
  const request: MatchRequest = {
    method: first(":method"),
    scheme: first(":scheme"),
    authority: first(":authority"),
    path: first(":path"),
    headers: headers.filter(([name]) => !name.startsWith(":")),
  };
  return tryRoutes(routes, request).find((t) => t.matches)?.route;
}
