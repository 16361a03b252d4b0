// What the HTTP API reads of the running server; it changes nothing.

import type { History } from "../history.ts";
import type { TrafficFeed } from "../metrics-service/feed.ts";
import type { NodeIdentity, ProxyState } from "../model.ts";
import type { ConfigurationState } from "../pipeline.ts";
import type { Proxies } from "../xds/proxies.ts";
import type { Mesh } from "../snapshot.ts";
import type { ServedModule } from "./filters.ts";

export interface ServerView {
  /** Of this program. */
  readonly version: string;
  readonly modules: Readonly<Record<string, ServedModule>>;
  readonly xds: Pick<Proxies, "counts" | "streamsOpened">;
  configuration(): ConfigurationState;
  proxies(): ProxyState[];
  /** Version of the snapshot that this proxy should have. */
  wantedVersion(node: NodeIdentity): string;
  /** Count of resources in a gateway's snapshot, by type. */
  resourceCounts(): Readonly<Record<string, number>>;
  /** What the proxies push of their metrics. */
  readonly traffic: Pick<TrafficFeed, "report" | "history" | "watch">;
  /** Kept only where there is a state directory. */
  readonly history?: Pick<History, "list" | "find">;
  /** Where proxies connect, as `HOST:PORT`. */
  readonly xdsAddress: string;
  /** What is served, with the policies on its routes: the whole of it, or what this proxy sees. */
  mesh(node?: NodeIdentity): Mesh | undefined;
}
