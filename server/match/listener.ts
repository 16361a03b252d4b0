// Which listener takes a connection: by its port, and where clients speak TLS by the name that they ask for.

import type { MeshListener, MeshModel } from "../istio/mesh.ts";
import { findVirtualHost } from "./domains.ts";
import type { ExplainInput } from "./explanation.ts";

export type Taken = { listener: MeshListener } | { listenerName: string; why: string };

/** A port that neither a Gateway nor a service's virtual address has is the mesh's own listener's. */
export function listenerFor(
  { listeners }: MeshModel,
  { port, scheme, authority }: Pick<ExplainInput, "port" | "scheme" | "authority">,
): Taken {
  const host = authority.replace(/:\d+$/, "");
  const chains = listeners.filter(
    (l) => l.port === port && (l.servers.length > 0 || (l.tcp !== undefined && l.host === host)),
  );
  const [first = listeners[0]] = chains;
  if (first === undefined) throw new Error("the mesh has no listener");
  if (chains.length === 0) return { listener: first };
  const isTls = scheme === "https";
  // Where connections are forwarded without a look at them, TLS is as good as anything.
  const speaking = chains.filter((l) => (l.isTls === true) === isTls || (isTls && l.tcp !== undefined));
  if (speaking.length === 0) {
    const why = isTls ? "does not speak TLS: write http://" : "speaks TLS: write https://";
    return { listenerName: first.name, why: `port ${port} ${why}` };
  }
  const named = speaking.map((listener) => ({
    listener,
    domains: listener.serverNames.length > 0 ? listener.serverNames : ["*"],
  }));
  const found = findVirtualHost(named, isTls ? authority : "", true);
  if (found !== undefined) return { listener: found.virtualHost.listener };
  return {
    listenerName: first.name,
    why: `no server on port ${port} has this name: the connection is closed`,
  };
}
