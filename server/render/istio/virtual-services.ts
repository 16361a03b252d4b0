// The VirtualServices that policies need changed: routes get the names by which the filters know them, and header
// routing gets its derived routes.
//
// The listeners are Istio's, so that a client's own x-sluice-destination is still there when Envoy first chooses a
// route. A derived route therefore stands directly before the one it derives from and keeps all its conditions: a
// forged header finds it only where its base would have been found, with the same name and so the same policies.

import type {
  HttpMatchRequest,
  HttpRoute,
  HttpRouteDestination,
  ServiceDestination,
  VirtualServiceSpec,
} from "../../../schema/generated/types.ts";
import { destinationHeader } from "../../istio/listeners.ts";
import { serviceHost } from "../../istio/registry.ts";
import { sectionNames } from "../../istio/route-names.ts";
import type { MeshRoute } from "../../istio/routes.ts";
import type { Resource } from "../../model.ts";
import type { DerivedRoute } from "../../policy/destinations.ts";
import { Places } from "../../policy/places.ts";
import type { Mesh } from "../../snapshot.ts";
import type { Manifest } from "../rendered.ts";

type VirtualService = Resource<VirtualServiceSpec>;

/** Of one `http` entry: that policies apply to it, and where they steer. */
interface Need {
  derived: Map<string, DerivedRoute>;
}

export function changedVirtualServices(mesh: Mesh, assumed: ReadonlySet<string>): Manifest[] {
  const needs = new Map<VirtualService, Map<number, Need>>();
  for (const { route } of new Places(mesh).all) {
    const { origin } = route;
    if (origin.kind !== "virtualService" || !mesh.byRoute.has(route)) continue;
    const { resource, index } = origin;
    const ofResource = needs.get(resource) ?? new Map<number, Need>();
    needs.set(resource, ofResource);
    const need = ofResource.get(index) ?? { derived: new Map() };
    ofResource.set(index, need);
    for (const derived of steeringOf(route, mesh)) need.derived.set(derived.value, derived);
  }
  return [...needs].flatMap(([resource, ofResource]) => change(resource, ofResource, mesh, assumed) ?? []);
}

const steeringOf = (route: MeshRoute, mesh: Mesh): readonly DerivedRoute[] =>
  route.destinations.length === 0 ? [] : (mesh.derived.get(route) ?? []);

/** Undefined: it can stay as it is. */
function change(
  resource: VirtualService,
  needs: ReadonlyMap<number, Need>,
  mesh: Mesh,
  assumed: ReadonlySet<string>,
): Manifest | undefined {
  const names = sectionNames(resource);
  let isChanged = false;
  const http = (resource.spec.http ?? []).flatMap((entry, index): HttpRoute[] => {
    const need = needs.get(index);
    if (need === undefined) return [entry];
    const name = names[index] ?? "";
    const named = entry.name === name ? entry : { ...entry, name };
    const derived = derivedEntries(named, resource, [...need.derived.values()], mesh, assumed);
    isChanged ||= named !== entry || derived.length > 0;
    return [...derived, named];
  });
  if (!isChanged) return undefined;
  const { group, version, kind, name, namespace, labels, annotations } = resource;
  return {
    apiVersion: `${group}/${version}`,
    kind,
    metadata: {
      name,
      namespace,
      ...(Object.keys(labels).length === 0 ? {} : { labels }),
      ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
    },
    spec: { ...resource.spec, http },
  };
}

/** One entry for each destination: all of its base but the header that asks for it and where it leads. */
function derivedEntries(
  base: HttpRoute,
  resource: VirtualService,
  derived: readonly DerivedRoute[],
  mesh: Mesh,
  assumed: ReadonlySet<string>,
): HttpRoute[] {
  const byText = new Map<string, DerivedRoute[]>();
  for (const one of derived) {
    const text = one.value.slice(one.base.name.length + 1);
    byText.set(text, [...(byText.get(text) ?? []), one]);
  }
  return [...byText].map(([text, all]) => {
    const [{ to }] = all as [DerivedRoute];
    const route = to === undefined ? base.route : [steered(base, to, resource, mesh, assumed)];
    return {
      ...base,
      match: matchesOf(base).map((match) => asking(match, `${routeName(base, match)}/${text}`)),
      ...(route === undefined ? {} : { route }),
      headers: withoutSteering(base.headers),
    };
  });
}

const matchesOf = ({ match }: HttpRoute): readonly HttpMatchRequest[] =>
  match === undefined || match.length === 0 ? [{}] : match;

/** As Istio names it in Envoy. */
const routeName = (base: HttpRoute, match: HttpMatchRequest): string =>
  match.name ? `${base.name}.${match.name}` : (base.name ?? "");

const asking = (match: HttpMatchRequest, value: string): HttpMatchRequest => ({
  ...match,
  headers: { ...match.headers, [destinationHeader]: { exact: value } },
});

function withoutSteering(headers: HttpRoute["headers"]): NonNullable<HttpRoute["headers"]> {
  const request = headers?.request;
  return { ...headers, request: { ...request, remove: [...(request?.remove ?? []), destinationHeader] } };
}

function steered(
  base: HttpRoute,
  to: NonNullable<DerivedRoute["to"]>,
  resource: VirtualService,
  mesh: Mesh,
  assumed: ReadonlySet<string>,
): HttpRouteDestination {
  const { services } = mesh.registry;
  const isSameHost = (d: ServiceDestination) => serviceHost(d.host, resource.namespace, services) === to.host;
  const like = base.route?.find((entry) => isSameHost(entry.destination))?.destination;
  const { host, port } = like ?? { host: to.host, port: undefined };
  // The port of a Service that the folder does not have is only known where it is written.
  const wanted =
    port?.number === to.port || (port === undefined && assumed.has(to.host)) ? port : { number: to.port };
  return {
    destination: {
      host,
      ...(wanted === undefined ? {} : { port: wanted }),
      ...(to.subset === undefined ? {} : { subset: to.subset }),
    },
    ...(to.headers === undefined ? {} : { headers: to.headers }),
  };
}
