// Which of a VirtualService's hosts a Gateway's server serves.

import type { Resource } from "../model.ts";
import type { GatewayServer } from "./gateways.ts";
import { fullName, intersection } from "./names.ts";

/** What of the VirtualService's host a server serves: the narrower of both patterns. */
export function servedHosts(server: GatewayServer, resource: Resource, host: string): string[] {
  const written = server.gateway.spec.servers[server.index]?.hosts ?? [];
  const hosts = written.flatMap((entry) => {
    const [namespace, name] = entry.includes("/") ? entry.split("/") : ["*", entry];
    const scope = namespace === "." ? server.gateway.namespace : namespace;
    if (scope !== "*" && scope !== resource.namespace) return [];
    return intersection(fullName(name ?? "*", server.gateway.namespace), host) ?? [];
  });
  return [...new Set(hosts)];
}
