// What becomes of a request: its route and why, the policies on it, what each decides, where it goes.
//
// The route comes from our own matcher with Envoy's semantics; every decision of a policy comes from the
// release module, run in the Node host with the configuration that Envoy gets.

import type { Route } from "../../build/envoy-api/envoy/config/route/v3/route_components_pb.ts";
import { type CompiledModule, compileModule, Host, type Pair } from "../../host/index.ts";
import type { HeaderRoutingSpec, RequestMatch, TargetRef } from "../../schema/generated/types.ts";
import { destinationHeader } from "../istio/listeners.ts";
import type { MeshListener } from "../istio/mesh.ts";
import type { MeshVirtualHost } from "../istio/virtual-hosts.ts";
import type { Attached } from "../policy/attach.ts";
import { type PolicyKind, policyKinds } from "../policy/kinds.ts";
import type { FilterModule } from "../policy/modules.ts";
import { capabilities, vmId } from "../policy/plugin.ts";
import type { Tier } from "../policy/targets.ts";
import { type PlacedRoute, routesInOrder } from "../resources.ts";
import type { Built } from "../snapshot.ts";
import { findVirtualHost } from "./domains.ts";
import { normalisePath } from "./paths.ts";
import { Prober } from "./probe.ts";
import { bytes, type MatchRequest, text } from "./request.ts";
import { type Condition, type Tried, tryRoutes } from "./route.ts";

export interface ExplainInput {
  method: string;
  scheme: string;
  authority: string;
  path: string;
  headers: readonly (readonly [string, string])[];
  /** The client's address. */
  sourceIp: string;
  /** The port that was connected to: that of a Gateway, else the mesh's. */
  port: number;
  /** Of random draws. */
  seed?: number;
}

export interface Explanation {
  request: { method: string; url: string; headers: [string, string][] };
  listener: string;
  /** What the listener did to the request before routing. */
  notes: string[];
  virtualHost?: { name: string; domain: string };
  /** Routes that were tried before the one that matched, with the conditions that failed. */
  passedOver: { route: string; failed: string[] }[];
  route?: RouteExplanation;
  policies: PolicyExplanation[];
  result: Result;
}

export interface RouteExplanation {
  name: string;
  /** `Kind namespace/name`, and where its route is written. */
  resource: string;
  file: string;
  line: number;
  conditions: Condition[];
}

export interface PolicyExplanation {
  kind: string;
  policy: string;
  file: string;
  line: number;
  tier: Tier;
  target: TargetRef | undefined;
  /** This version is at fault and the previous one is in force. */
  isPrevious: boolean;
  rules: { name: string; matches: boolean; conditions: Condition[][] }[];
  /** What the module counted as decided, such as `{rule, destination}`. */
  decisions: Record<string, string>[];
}

export interface Result {
  outcome: "forwarded" | "redirected" | "answered" | "refused" | "not found";
  detail: string;
  status?: number;
  /** Where it goes; several with their weights where Envoy draws. */
  destinations: { cluster: string; host: string; subset?: string; share: number; endpoints: string[] }[];
  /** Request headers that policies changed: name, before, after. */
  changedHeaders: { name: string; before: string[]; after: string[] }[];
}

export async function explain(
  built: Built,
  modules: Record<string, FilterModule>,
  input: ExplainInput,
): Promise<Explanation> {
  const listener = listenerOf(built, input.port);
  const explanation: Explanation = {
    request: {
      method: input.method,
      url: `${input.scheme}://${input.authority}${input.path}`,
      headers: input.headers.map(([name, value]) => [name, value]),
    },
    listener: listener.name,
    notes: [],
    passedOver: [],
    policies: [],
    result: plain("not found", "no virtual host has this host: answered 404", 404),
  };
  const request = receive(input, explanation);
  if (request === undefined) return explanation;
  const found = findVirtualHost(listener.virtualHosts, request.authority, listener.servers.length > 0);
  if (found === undefined) return explanation;
  explanation.virtualHost = { name: found.virtualHost.name, domain: found.domain };
  const routes = routesInOrder(built.mesh, found.virtualHost);
  const tried = tryRoutes(routes, request);
  const first = tried.find((t) => t.matches);
  explanation.passedOver = tried
    .filter((t) => !t.matches && t.route.derived === undefined)
    .map((t) => ({
      route: t.route.message.name,
      failed: t.conditions.filter((c) => !c.holds).map((c) => c.text),
    }));
  if (first === undefined) {
    explanation.result = plain("not found", "no route matches: answered 404", 404);
    return explanation;
  }
  explanation.route = routeExplanation(first);
  await applyPolicies(
    { built, modules, input, explanation, routes, request },
    found.virtualHost,
    first.route,
  );
  return explanation;
}

function listenerOf(built: Built, port: number): MeshListener {
  const { listeners } = built.mesh;
  const listener = listeners.find((l) => l.servers.length > 0 && l.port === port) ?? listeners[0];
  if (listener === undefined) throw new Error("the mesh has no listener");
  return listener;
}

/** What the listener does first; undefined when it answers by itself. */
function receive(input: ExplainInput, explanation: Explanation): MatchRequest | undefined {
  const underscored = input.headers.find(([name]) => name.includes("_"));
  if (underscored !== undefined) {
    const why = `the header name "${underscored[0]}" has an underscore: refused with 400`;
    explanation.result = plain("refused", why, 400);
    return undefined;
  }
  const normalised = normalisePath(input.path);
  if (normalised.kind === "refused") {
    explanation.result = plain("refused", normalised.why, 400);
    return undefined;
  }
  if (normalised.kind === "redirect") {
    const why = `the path has escaped slashes: redirected to ${normalised.location}`;
    explanation.result = plain("redirected", why, 307);
    return undefined;
  }
  if (normalised.path !== input.path) {
    explanation.notes.push(`the path is brought to the form ${normalised.path}`);
  }
  const headers = input.headers.map(([name, value]) => [bytes(name.toLowerCase()), bytes(value)] as const);
  const kept = headers.filter(([name]) => name !== destinationHeader);
  if (kept.length < headers.length) {
    explanation.notes.push(`the client's ${destinationHeader} is removed: only policies steer`);
  }
  return {
    method: input.method,
    scheme: input.scheme,
    authority: bytes(input.authority),
    path: bytes(normalised.path),
    headers: kept,
  };
}

function routeExplanation({ route: { route }, conditions }: Tried<PlacedRoute>): RouteExplanation {
  const { origin } = route;
  const resource = origin.kind === "virtualService" ? origin.resource : origin.service.resource;
  const path = origin.kind === "virtualService" ? ["spec", "http", origin.index] : [];
  const { file, line } = resource.position(path);
  const name = `${resource.kind} ${resource.namespace}/${resource.name}`;
  return { name: route.name, resource: name, file, line, conditions: [...conditions] };
}

interface Run {
  built: Built;
  modules: Record<string, FilterModule>;
  input: ExplainInput;
  explanation: Explanation;
  routes: readonly PlacedRoute[];
  request: MatchRequest;
}

/** Runs each kind's module in the order of the chain, and then says where the request goes. */
async function applyPolicies(run: Run, virtualHost: MeshVirtualHost, first: PlacedRoute): Promise<void> {
  const { built, explanation, routes, request } = run;
  const attached = built.mesh.byRoute.get(first.route) ?? [];
  let headers = pairsOf(request);
  let current: PlacedRoute | undefined = first;
  for (const kind of policyKinds) {
    const own = attached.filter((a) => a.kind === kind);
    const module = run.modules[kind.module];
    if (own.length === 0 || module === undefined) continue;
    const compiled = await compileModule(module.bytes);
    const prober = await proberOf(run, headers);
    const step = runModule(run, kind, module, compiled, headers, virtualHost, current ?? first);
    const policies = own.map((a) => policyExplanation(a, built, prober, step.decisions));
    explanation.policies.push(...policies);
    if (step.reply !== undefined) {
      explanation.result = plain("answered", `${kind.kind}: ${step.reply.details}`, step.reply.status);
      return;
    }
    headers = step.headers;
    if (step.routeCacheCleared) current = resolve(routes, headers);
  }
  explanation.result = resultOf(current, built);
  explanation.result.changedHeaders = changes(pairsOf(request), headers);
}

async function proberOf(run: Run, headers: readonly Pair[]): Promise<Prober | undefined> {
  const module = run.modules.header_routing;
  if (module === undefined) return undefined;
  return new Prober(await compileModule(module.bytes), headers, addressOf(run.input));
}

interface Step {
  headers: readonly Pair[];
  routeCacheCleared: boolean;
  decisions: Record<string, string>[];
  reply: { status: number; details: string } | undefined;
}

function runModule(
  run: Run,
  kind: PolicyKind,
  module: FilterModule,
  compiled: CompiledModule,
  headers: readonly Pair[],
  virtualHost: MeshVirtualHost,
  route: PlacedRoute,
): Step {
  const { built, input, routes } = run;
  const policies = built.mesh.policies.flatMap((p) => (p.kind === kind && p.inForce ? [p.inForce] : []));
  const host = new Host({
    module: compiled,
    rootId: kind.module,
    name: kind.slot,
    vmId,
    seed: input.seed ?? 1,
    capabilities: capabilities({ kind, module, policies }),
  });
  const configuration = built.plugins.find((p) => p.filter === kind.module)?.configuration ?? "";
  const configured = host.configure(configuration);
  if (!configured.ok) {
    const why = configured.refusal?.message ?? configured.trap ?? "for no stated reason";
    throw new Error(`the ${kind.module} filter refuses its configuration: ${why}`);
  }
  const stream = host.workers[0].request({
    headers,
    properties: { source: { address: addressOf(input) } },
    route: (map) => {
      const placed = map.get(destinationHeader) === undefined ? route : resolve(routes, map.pairs());
      return placed && { name: placed.route.name, virtualHost: virtualHost.name };
    },
  });
  const outcome = stream.requestHeaders();
  if (outcome.trap !== undefined) throw new Error(`the ${kind.module} filter failed: ${outcome.trap}`);
  return {
    headers: outcome.headers,
    routeCacheCleared: outcome.routeCacheCleared,
    decisions: decisionsOf(host.metrics().counters),
    reply: outcome.localReply,
  };
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

const addressOf = ({ sourceIp }: ExplainInput): string =>
  sourceIp.includes(":") ? `[${sourceIp}]:50000` : `${sourceIp}:50000`;

const pairsOf = (request: MatchRequest): readonly Pair[] => [
  [":authority", request.authority],
  [":path", request.path],
  [":method", request.method],
  [":scheme", request.scheme],
  ...request.headers.map(([name, value]): Pair => [name, value]),
];

function resolve(routes: readonly PlacedRoute[], headers: readonly Pair[]): PlacedRoute | undefined {
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

function policyExplanation(
  { policy, kind, tier, target }: Attached,
  built: Built,
  prober: Prober | undefined,
  decisions: readonly Record<string, string>[],
): PolicyExplanation {
  const { file, line } = policy.position();
  const name = `${policy.namespace}/${policy.name}`;
  const state = built.mesh.policies.find((p) => p.inForce === policy);
  return {
    kind: kind.kind,
    policy: name,
    file,
    line,
    tier,
    target,
    isPrevious: state !== undefined && state.resource !== policy,
    rules: rulesOf(policy.spec).map((rule) => {
      const conditions = prober?.check(rule.match) ?? [];
      const matches = conditions.length === 0 || conditions.some((all) => all.every((c) => c.holds));
      return { name: rule.name, matches, conditions };
    }),
    decisions: decisions.filter((d) => d.policy === name),
  };
}

/** Rules of a routing policy, limits of a rate limit: what has a name and a match. */
function rulesOf(spec: unknown): { name: string; match?: RequestMatch[] }[] {
  const { rules, limits } = spec as Partial<HeaderRoutingSpec> & { limits?: HeaderRoutingSpec["rules"] };
  return rules ?? limits ?? [];
}

const plain = (outcome: Result["outcome"], detail: string, status: number): Result => ({
  outcome,
  detail,
  status,
  destinations: [],
  changedHeaders: [],
});

function resultOf(placed: PlacedRoute | undefined, built: Built): Result {
  if (placed === undefined) return plain("not found", "no route matches after the change: answered 404", 404);
  const { action } = placed.message;
  if (action.case === "redirect")
    return plain("redirected", "the route redirects", redirectStatus(placed.message));
  if (action.case === "directResponse") {
    return plain("answered", "the route answers by itself", action.value.status);
  }
  const own = placed.derived?.to === undefined ? placed.route.destinations : [placed.derived.to];
  const drawn = own.length === 1 ? own : own.filter((d) => d.weight > 0);
  const total = drawn.reduce((sum, d) => sum + d.weight, 0);
  return {
    outcome: "forwarded",
    detail: drawn.length === 1 ? "" : "drawn for each request, by weight",
    destinations: drawn.map((d) => ({
      cluster: d.cluster,
      host: d.host,
      ...(d.subset === undefined ? {} : { subset: d.subset }),
      share: drawn.length === 1 ? 1 : d.weight / total,
      endpoints: endpointsOf(built, d.cluster),
    })),
    changedHeaders: [],
  };
}

const redirectStatuses = [301, 302, 303, 307, 308];

const redirectStatus = ({ action }: Route): number =>
  (action.case === "redirect" ? redirectStatuses[action.value.responseCode] : undefined) ?? 301;

function endpointsOf(built: Built, cluster: string): string[] {
  const known = built.mesh.clusters.get(cluster);
  const assignment = known?.endpoints ?? known?.message.loadAssignment;
  return (assignment?.endpoints ?? []).flatMap(({ lbEndpoints }) =>
    lbEndpoints.flatMap(({ hostIdentifier }) => {
      const address = hostIdentifier.case === "endpoint" ? hostIdentifier.value.address?.address : undefined;
      if (address?.case !== "socketAddress") return [];
      const { portSpecifier } = address.value;
      return [`${address.value.address}:${portSpecifier.case === "portValue" ? portSpecifier.value : ""}`];
    }),
  );
}

/** Our own control header is not the service's to see, and is left out. */
function changes(before: readonly Pair[], after: readonly Pair[]): Result["changedHeaders"] {
  const names = [...new Set([...before, ...after].map(([name]) => name))];
  const valuesOf = (pairs: readonly Pair[], name: string): string[] =>
    pairs.filter(([n]) => n === name).map(([, value]) => text(value));
  return names.flatMap((name) => {
    if (name === destinationHeader) return [];
    const [was, is] = [valuesOf(before, name), valuesOf(after, name)];
    return JSON.stringify(was) === JSON.stringify(is) ? [] : [{ name: text(name), before: was, after: is }];
  });
}
