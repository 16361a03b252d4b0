// Every route of the mesh with where it stands, and the ways by which targets find routes.

import type { MeshListener, MeshModel } from "../istio/mesh.ts";
import type { MeshRoute } from "../istio/routes.ts";
import type { MeshVirtualHost } from "../istio/virtual-hosts.ts";
import type { Resource } from "../model.ts";

export interface Place {
  listener: MeshListener;
  virtualHost: MeshVirtualHost;
  route: MeshRoute;
}

export class Places {
  readonly all: readonly Place[];
  readonly #byVirtualService = new Map<Resource, Place[]>();
  readonly #byHost = new Map<string, Place[]>();
  readonly #byGateway = new Map<Resource, Place[]>();
  readonly #byName = new Map<string, Place[]>();
  readonly #byIdentity = new Map<string, Place[]>();

  constructor(mesh: MeshModel) {
    this.all = mesh.listeners.flatMap((listener) =>
      listener.virtualHosts.flatMap((virtualHost) =>
        virtualHost.routes.map((route) => ({ listener, virtualHost, route })),
      ),
    );
    for (const place of this.all) this.#index(place);
  }

  #index(place: Place): void {
    const { route, virtualHost } = place;
    if (route.origin.kind === "virtualService") put(this.#byVirtualService, route.origin.resource, place);
    for (const host of new Set(route.destinations.map((d) => d.host))) put(this.#byHost, host, place);
    for (const gateway of new Set(virtualHost.servers.map((s) => s.gateway))) {
      put(this.#byGateway, gateway, place);
    }
    put(this.#byName, route.name, place);
    put(this.#byIdentity, identityOf(place), place);
  }

  ofVirtualService(resource: Resource): readonly Place[] {
    return this.#byVirtualService.get(resource) ?? [];
  }

  /** Routes with this host among their destinations. */
  toHost(host: string): readonly Place[] {
    return this.#byHost.get(host) ?? [];
  }

  behindGateway(resource: Resource): readonly Place[] {
    return this.#byGateway.get(resource) ?? [];
  }

  named(route: string): readonly Place[] {
    return this.#byName.get(route) ?? [];
  }

  /** Those that a filter cannot tell from this one: the same names of virtual host and route. */
  alike(place: Place): readonly Place[] {
    return this.#byIdentity.get(identityOf(place)) ?? [];
  }

  get names(): string[] {
    return [...this.#byName.keys()];
  }

  get hosts(): string[] {
    return [...this.#byHost.keys()];
  }
}

const identityOf = ({ virtualHost, route }: Place): string => `${virtualHost.name}\n${route.name}`;

function put<K>(map: Map<K, Place[]>, key: K, place: Place): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [place]);
  else list.push(place);
}
