// Which routes are behind which listeners: what a route asks for (parentRefs, hostnames) and a listener allows.

import type { GatewayListener, NamespaceSelector, ParentReference } from "../../schema/generated/types.ts";
import { gatewayApiGroup } from "../../schema/kinds.ts";
import type { GatewayServer } from "../istio/gateways.ts";
import { intersection } from "../istio/names.ts";
import { hint, type Report } from "../istio/report.ts";
import { asGateway } from "./gateways.ts";
import { byAge } from "./precedence.ts";
import { type ApiGateway, type ApiRoute, isHttpRoute } from "./resources.ts";

export interface Attachment {
  route: ApiRoute;
  /** Hosts that both the route and the listener have. */
  hosts: readonly string[];
}

/** By listener; the oldest routes first. */
export function attachRoutes(
  routes: readonly ApiRoute[],
  gateways: readonly ApiGateway[],
  servers: readonly GatewayServer[],
  report: Report,
): Map<GatewayServer, Attachment[]> {
  const byServer = new Map<GatewayServer, Attachment[]>();
  const taken = new Map<GatewayServer, Record<"http" | "grpc", Attachment[]>>();
  for (const route of [...routes].sort(byAge)) {
    const found = new Set<GatewayServer>();
    for (const [i, ref] of (route.spec.parentRefs ?? []).entries()) {
      for (const server of parents(route, ref, i, gateways, servers, report)) found.add(server);
    }
    if ((route.spec.parentRefs ?? []).length === 0) {
      report.warning(
        route,
        ["spec"],
        "It names no Gateway in `parentRefs`, so that none of its rules is served.",
      );
    }
    for (const server of found) {
      const hosts = commonHosts(route, listenerOf(server, gateways));
      const list = byServer.get(server) ?? [];
      byServer.set(server, list);
      const kinds = taken.get(server) ?? { http: [], grpc: [] };
      taken.set(server, kinds);
      const [own, others] = isHttpRoute(route) ? [kinds.http, kinds.grpc] : [kinds.grpc, kinds.http];
      if (isTakenByOtherKind(route, hosts, others, server, report)) continue;
      own.push({ route, hosts });
      list.push({ route, hosts });
    }
  }
  return byServer;
}

function parents(
  route: ApiRoute,
  ref: ParentReference,
  index: number,
  gateways: readonly ApiGateway[],
  servers: readonly GatewayServer[],
  report: Report,
): GatewayServer[] {
  const path = ["spec", "parentRefs", index];
  if ((ref.group ?? gatewayApiGroup) !== gatewayApiGroup || (ref.kind ?? "Gateway") !== "Gateway") {
    report.error(
      route,
      [...path, "kind"],
      `A route is attached to a Gateway of the group ${gatewayApiGroup} here.`,
    );
    return [];
  }
  const namespace = ref.namespace ?? route.namespace;
  const gateway = gateways.find((g) => g.namespace === namespace && g.name === ref.name);
  if (gateway === undefined) {
    const near = gateways.filter((g) => g.namespace === namespace).map((g) => g.name);
    report.error(
      route,
      [...path, "name"],
      `There is no Gateway "${namespace}/${ref.name}".${hint(ref.name, near, "such Gateway")}`,
    );
    return [];
  }
  const own = servers.filter((s) => s.gateway === asGateway(gateway));
  const wanted = own.filter(
    (s) => (ref.sectionName ?? s.name) === s.name && (ref.port === undefined || ref.port === s.port),
  );
  if (wanted.length === 0) {
    const names = own.map((s) => s.name);
    const field = ref.sectionName === undefined ? "port" : "sectionName";
    const what = ref.sectionName === undefined ? `on port ${ref.port}` : `named "${ref.sectionName}"`;
    report.error(
      route,
      [...path, field],
      `The Gateway has no such listener ${what}.${hint(ref.sectionName ?? "", names, "listener")}`,
    );
    return [];
  }
  const allowing = wanted.filter((s) => allows(listenerOf(s, gateways), gateway, route));
  if (allowing.length === 0) {
    const message = `No listener of the Gateway allows a ${route.kind} of the namespace "${route.namespace}": see \`allowedRoutes\` there. It is not served.`;
    report.warning(route, path, message);
    return [];
  }
  const fitting = allowing.filter((s) => commonHosts(route, listenerOf(s, gateways)).length > 0);
  if (fitting.length === 0) {
    const message = `None of its hostnames is a listener's: ${allowing.map((s) => listenerOf(s, gateways)?.hostname).join(", ")}. It is not served.`;
    report.warning(route, ["spec", "hostnames"], message);
  }
  return fitting;
}

function listenerOf(
  { gateway, index }: GatewayServer,
  gateways: readonly ApiGateway[],
): GatewayListener | undefined {
  return gateways.find((g) => asGateway(g) === gateway)?.spec.listeners[index];
}

function allows(listener: GatewayListener | undefined, gateway: ApiGateway, route: ApiRoute): boolean {
  const { kinds = [], namespaces = {} } = listener?.allowedRoutes ?? {};
  const isKind =
    kinds.length === 0 ||
    kinds.some((k) => k.kind === route.kind && (k.group ?? gatewayApiGroup) === route.group);
  if (!isKind) return false;
  const { from = "Same", selector = {} } = namespaces;
  if (from === "All") return true;
  return from === "Same" ? route.namespace === gateway.namespace : selects(selector, route.namespace);
}

/** A folder says nothing of namespaces but their names, which Kubernetes gives each of them as a label. */
function selects({ matchLabels = {}, matchExpressions = [] }: NamespaceSelector, namespace: string): boolean {
  const labels: Record<string, string> = { "kubernetes.io/metadata.name": namespace };
  const holds = matchExpressions.every(({ key, operator, values = [] }) => {
    const value = labels[key];
    if (operator === "Exists") return value !== undefined;
    if (operator === "DoesNotExist") return value === undefined;
    return (value !== undefined && values.includes(value)) === (operator === "In");
  });
  return holds && Object.entries(matchLabels).every(([key, value]) => labels[key] === value);
}

function commonHosts(route: ApiRoute, listener: GatewayListener | undefined): string[] {
  const own = listener?.hostname?.toLowerCase() ?? "*";
  const wanted = (route.spec.hostnames ?? []).map((name) => name.toLowerCase());
  const hosts = (wanted.length === 0 ? ["*"] : wanted).flatMap((name) => intersection(own, name) ?? []);
  return [...new Set(hosts)];
}

/** Of an HTTPRoute and a GRPCRoute for one host the specification lets a listener have the older one only. */
function isTakenByOtherKind(
  route: ApiRoute,
  hosts: readonly string[],
  others: readonly Attachment[],
  server: GatewayServer,
  report: Report,
): boolean {
  const other = others.find((o) => o.hosts.some((x) => hosts.some((y) => intersection(x, y) !== undefined)));
  if (other === undefined) return false;
  const message = `${other.route.kind} ${other.route.namespace}/${other.route.name} is on the listener "${server.name}" for such hosts already, and a listener has one kind of route for a host. It is not served there.`;
  report.warning(route, ["spec", "hostnames"], message);
  return true;
}
