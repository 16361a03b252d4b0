// Conditions of a match that hold for a proxy and a port or do not, whatever the request: decided when routes
// are made, as istiod does.

import type { HttpMatchRequest, VirtualServiceSpec } from "../../schema/generated/types.ts";
import type { Resource } from "../model.ts";
import { gatewayName } from "./delegates.ts";
import { isIstio, type View } from "./registry.ts";

export type PlaceConditions = Pick<
  HttpMatchRequest,
  "port" | "sourceLabels" | "sourceNamespace" | "gateways"
>;

/** Where routes are made for. */
export interface Caller {
  /** Of the host that is addressed, or of the Gateway's server. */
  port: number;
  /** `mesh`, or Gateways as `namespace/name`. */
  gateways: readonly string[];
  view: View;
}

/** The condition that does not hold there; undefined: all do. Gateways, where given, stand for the source. */
export function failingCondition(
  match: PlaceConditions,
  namespace: string,
  caller: Caller,
): string | undefined {
  return (
    portCondition(match, caller) ?? gatewayCondition(match, namespace, caller) ?? sourceOf(match, caller)
  );
}

/** As failingCondition, for connections: sidecars look at the source beside gateways, Gateways never do. */
export function failingConnection(
  match: PlaceConditions,
  namespace: string,
  caller: Caller,
): string | undefined {
  const source = caller.gateways.includes("mesh") ? sourceCondition(match, caller) : undefined;
  return portCondition(match, caller) ?? gatewayCondition(match, namespace, caller) ?? source;
}

/** Whether routes with this condition may be made for some proxies only. */
export const dependsOnSource = (match: PlaceConditions): boolean =>
  (match.gateways ?? []).length === 0 &&
  (match.sourceNamespace !== undefined || Object.keys(match.sourceLabels ?? {}).length > 0);

/** Keys of all labels of callers that anything is matched on. */
export function sourceLabelKeys(resources: readonly Resource[]): string[] {
  return resources.flatMap((r) => {
    if (!isIstio<VirtualServiceSpec>(r, "VirtualService")) return [];
    const { http = [], tls = [], tcp = [] } = r.spec;
    const matches = [...http, ...tls, ...tcp].flatMap(({ match }): PlaceConditions[] => match ?? []);
    return matches.flatMap(({ sourceLabels }) => Object.keys(sourceLabels ?? {}));
  });
}

const portCondition = ({ port }: PlaceConditions, caller: Caller): string | undefined =>
  port === undefined || port === caller.port ? undefined : `port is ${port}`;

function gatewayCondition(
  { gateways = [] }: PlaceConditions,
  namespace: string,
  caller: Caller,
): string | undefined {
  const names = gateways.map((written) => gatewayName(written, namespace));
  if (names.length === 0 || names.some((name) => caller.gateways.includes(name))) return undefined;
  return `gateway is ${names.join(" or ")}`;
}

const sourceOf = (match: PlaceConditions, caller: Caller): string | undefined =>
  (match.gateways ?? []).length > 0 ? undefined : sourceCondition(match, caller);

function sourceCondition(
  { sourceLabels = {}, sourceNamespace }: PlaceConditions,
  { view }: Caller,
): string | undefined {
  const missing = Object.entries(sourceLabels).filter(([key, value]) => view.labels?.[key] !== value);
  if (missing.length > 0) {
    const labels = missing.map(([key, value]) => `${key}=${value}`).join(", ");
    return `the caller has the label${missing.length > 1 ? "s" : ""} ${labels}`;
  }
  if (sourceNamespace === undefined || sourceNamespace === view.namespace) return undefined;
  return `the caller's namespace is ${sourceNamespace}`;
}
