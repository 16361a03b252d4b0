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

type Index<K> = Map<K, Place[]>;

export class Places {
  readonly all: readonly Place[];
  // Made when they are first asked for: most folders use one or two kinds of target.
  #byResource: Index<Resource> | undefined;
  #byHost: Index<string> | undefined;
  #byGateway: Index<Resource> | undefined;
  #byName: Index<string> | undefined;
  #byIdentity: Index<string> | undefined;

  constructor(mesh: MeshModel) {
    const all: Place[] = [];
    for (const listener of mesh.listeners) {
      for (const virtualHost of listener.virtualHosts) {
        for (const route of virtualHost.routes) all.push({ listener, virtualHost, route });
      }
    }
    this.all = all;
  }

  /** Written in this VirtualService, HTTPRoute or GRPCRoute. */
  writtenIn(resource: Resource): readonly Place[] {
    this.#byResource ??= this.#index(({ route: { origin } }) => {
      if (origin.kind === "service") return [];
      const root = origin.kind === "virtualService" ? origin.root : undefined;
      return root === undefined ? [origin.resource] : [origin.resource, root.resource];
    });
    return this.#byResource.get(resource) ?? [];
  }

  /** Routes with this host among their destinations. */
  toHost(host: string): readonly Place[] {
    return this.#hosts().get(host) ?? [];
  }

  behindGateway(resource: Resource): readonly Place[] {
    this.#byGateway ??= this.#index(({ virtualHost }) => virtualHost.servers.map((s) => s.gateway));
    return this.#byGateway.get(resource) ?? [];
  }

  named(route: string): readonly Place[] {
    return this.#names().get(route) ?? [];
  }

  /** Those that a filter cannot tell from this one: the same names of virtual host and route. */
  alike(place: Place): readonly Place[] {
    this.#byIdentity ??= this.#index((p) => [identityOf(p)]);
    return this.#byIdentity.get(identityOf(place)) ?? [];
  }

  get names(): string[] {
    return [...this.#names().keys()];
  }

  get hosts(): string[] {
    return [...this.#hosts().keys()];
  }

  #names(): Index<string> {
    this.#byName ??= this.#index(({ route }) => [route.name]);
    return this.#byName;
  }

  #hosts(): Index<string> {
    this.#byHost ??= this.#index(({ route }) => route.destinations.map((d) => d.host));
    return this.#byHost;
  }

  #index<K>(keysOf: (place: Place) => readonly K[]): Index<K> {
    const index: Index<K> = new Map();
    for (const place of this.all) {
      for (const key of keysOf(place)) {
        const list = index.get(key);
        if (list === undefined) index.set(key, [place]);
        else if (list.at(-1) !== place) list.push(place);
      }
    }
    return index;
  }
}

const identityOf = ({ virtualHost, route }: Place): string => `${virtualHost.name}\n${route.name}`;
