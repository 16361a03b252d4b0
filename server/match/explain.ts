// What becomes of a request: its route and why, the policies on it, what each decides, where it goes.
//
// The route comes from our own matcher with Envoy's semantics; every decision of a policy comes from the
// release module, run in the Node host with the configuration that Envoy gets.

import { compileModule } from "../../host/index.ts";
import { destinationHeader } from "../istio/listeners.ts";
import type { LeftOut } from "../istio/routes.ts";
import type { NodeIdentity } from "../model.ts";
import { placeOfOrigin } from "../istio/routes.ts";
import { type PolicyKind, policyKinds } from "../policy/kinds.ts";
import type { FilterModule } from "../policy/modules.ts";
import { type PlacedRoute, routesInOrder } from "../route-table.ts";
import type { Built, Seen } from "../snapshot.ts";
import { findVirtualHost } from "./domains.ts";
import type { ExplainInput, Explanation, PassedOver, RouteExplanation } from "./explanation.ts";
import { listenerFor } from "./listener.ts";
import { normalisePath } from "./paths.ts";
import { policyExplanation } from "./policies.ts";
import { bytes, type MatchRequest, text } from "./request.ts";
import { changes, connectionResult, plain, resultOf } from "./result.ts";
import { type Tried, tryRoutes } from "./route.ts";
import { pairsOf, resolve, type Router, runModule } from "./run-module.ts";

export type { ExplainInput, Explanation, PolicyExplanation, RuleExplanation } from "./explanation.ts";

export async function explain(
  whole: Built,
  modules: Record<string, FilterModule>,
  input: ExplainInput,
): Promise<Explanation> {
  const built = input.proxy === undefined ? whole : whole.seenBy({ ...anyProxy, ...input.proxy });
  const taken = listenerFor(built.mesh, input);
  const explanation: Explanation = {
    request: {
      method: input.method,
      url: `${input.scheme}://${input.authority}${input.path}`,
      headers: input.headers.map(([name, value]) => [name, value]),
    },
    listener: "listener" in taken ? taken.listener.name : taken.listenerName,
    notes: [],
    passedOver: [],
    policies: [],
    result: plain("not found", "no virtual host has this host: answered 404", 404),
  };
  if (!("listener" in taken)) {
    explanation.result = plain("refused", taken.why);
    return explanation;
  }
  const { listener } = taken;
  if (listener.tcp !== undefined) {
    explanation.result = connectionResult(listener.tcp, built);
    return explanation;
  }
  const request = receive(input, explanation);
  if (request === undefined) return explanation;
  const found = findVirtualHost(listener.virtualHosts, request.authority, listener.servers.length > 0);
  if (found === undefined) return explanation;
  explanation.virtualHost = { name: found.virtualHost.name, domain: found.domain };
  if (found.virtualHost.requiresTls === true && input.scheme !== "https") {
    const why = "the Gateway's server has httpsRedirect: redirected to the same address by https";
    explanation.result = plain("redirected", why, 301);
    return explanation;
  }
  const routes = routesInOrder(built.mesh, found.virtualHost);
  const tried = tryRoutes(routes, request);
  const first = tried.find((t) => t.matches);
  explanation.passedOver = passedOver(tried, found.virtualHost.leftOut);
  if (first === undefined) {
    explanation.result = plain("not found", "no route matches: answered 404", 404);
    return explanation;
  }
  explanation.route = routeExplanation(first);
  const router = { virtualHost: found.virtualHost.name, routes, current: first.route };
  await applyPolicies({ built, modules, input, explanation, request }, router);
  return explanation;
}

const anyProxy: NodeIdentity = {
  id: "",
  cluster: "",
  role: "gateway",
  namespace: "",
  labels: {},
  locality: "",
  envoyVersion: "",
};

/** In the order in which they are written: also those that are for another port, Gateway or caller. */
function passedOver(tried: readonly Tried<PlacedRoute>[], leftOut: readonly LeftOut[]): PassedOver[] {
  const own = tried.filter((t) => t.route.derived === undefined);
  const before = (position: number): PassedOver[] =>
    leftOut.filter((l) => l.position === position).map(({ route, why }) => ({ route, failed: [why] }));
  const inOrder = own.flatMap((t, i) => [
    ...before(i),
    ...(t.matches
      ? []
      : [{ route: t.route.message.name, failed: t.conditions.filter((c) => !c.holds).map((c) => c.text) }]),
  ]);
  return own.some((t) => t.matches) ? inOrder : [...inOrder, ...before(own.length)];
}

/** What the listener does first; undefined when it answers by itself. */
function receive(input: ExplainInput, explanation: Explanation): MatchRequest | undefined {
  const underscored = input.headers.find(([name]) => name.includes("_"));
  if (underscored !== undefined) {
    const why = `the header name "${underscored[0]}" has an underscore: refused with 400`;
    explanation.result = plain("refused", why, 400);
    return undefined;
  }
  const normalised = normalisePath(bytes(input.path));
  if (normalised.kind === "refused") {
    explanation.result = plain("refused", normalised.why, 400);
    return undefined;
  }
  if (normalised.kind === "redirect") {
    const why = `the path has escaped slashes: redirected to ${text(normalised.location)}`;
    explanation.result = { ...plain("redirected", why, 307), location: text(normalised.location) };
    return undefined;
  }
  if (normalised.path !== bytes(input.path)) {
    explanation.notes.push(`the path is brought to the form ${text(normalised.path)}`);
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
    path: normalised.path,
    headers: kept,
  };
}

function routeExplanation({ route: { route }, conditions }: Tried<PlacedRoute>): RouteExplanation {
  const { origin } = route;
  const { resource, path } = placeOfOrigin(origin);
  const { file, line } = resource.position(path);
  const name = `${resource.kind} ${resource.namespace}/${resource.name}`;
  return { name: route.name, resource: name, file, line, conditions: [...conditions] };
}

const compiledModules = new WeakMap<Uint8Array, ReturnType<typeof compileModule>>();

/** Explanations of many requests run the same few modules. */
function compiledOnce({ bytes: code }: FilterModule): ReturnType<typeof compileModule> {
  const compiled = compiledModules.get(code) ?? compileModule(code);
  compiledModules.set(code, compiled);
  return compiled;
}

interface Run {
  built: Seen;
  modules: Record<string, FilterModule>;
  input: ExplainInput;
  explanation: Explanation;
  request: MatchRequest;
}

/** As the filter is told: `sluice faults off`. */
function isSwitchedOff(built: Seen, { module }: PolicyKind): boolean {
  const { configuration } = built.plugins.find(({ filter }) => filter === module) ?? {};
  return (
    configuration !== undefined && (JSON.parse(configuration) as { disabled?: boolean }).disabled === true
  );
}

/** Runs each kind's module in the order of the chain, and then says where the request goes. */
async function applyPolicies(run: Run, router: Router): Promise<void> {
  const { built, modules, input, explanation, request } = run;
  const attached = built.mesh.byRoute.get(router.current.route) ?? [];
  const sourceAddress = input.sourceIp.includes(":")
    ? `[${input.sourceIp}]:50000`
    : `${input.sourceIp}:50000`;
  let headers = pairsOf(request);
  let current: PlacedRoute | undefined = router.current;
  for (const kind of policyKinds) {
    const own = attached.filter((a) => a.kind === kind);
    const module = modules[kind.module];
    if (own.length === 0 || module === undefined || current === undefined) continue;
    const compiled = await compiledOnce(module);
    const at = { ...router, current };
    const seed = input.seed ?? 1;
    const step = runModule({ kind, module, compiled, built, router: at, headers, sourceAddress, seed });
    const asked = { headers, source: sourceAddress };
    explanation.policies.push(...own.map((a) => policyExplanation(a, built, step, asked)));
    if (isSwitchedOff(built, kind)) explanation.notes.push(`every ${kind.kind} is switched off`);
    if (step.heldMs > 0) explanation.notes.push(`${kind.kind} holds it for ${step.heldMs} ms`);
    if (step.reply !== undefined) {
      explanation.result = plain("answered", `${kind.kind}: ${step.reply.details}`, step.reply.status);
      return;
    }
    headers = step.headers;
    if (step.routeCacheCleared) current = resolve(router.routes, headers);
  }
  explanation.result = { ...resultOf(current, built), changedHeaders: changes(pairsOf(request), headers) };
}
