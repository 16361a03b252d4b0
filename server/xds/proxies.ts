// What is known of every connected proxy, and how often what was sent, for the API and for metrics.

import type { NodeIdentity, ProxyState, TypeUrl } from "../model.ts";
import type { DiscoveryResponse, Variant } from "./protocol.ts";
import type { Stream } from "./stream.ts";

export interface TypeCounts {
  responses: number;
  resources: number;
  removals: number;
  acks: number;
  nacks: number;
}

interface Connection {
  node: NodeIdentity;
  peer: string;
  variant: Variant;
  connectedAt: string;
  stream: Stream;
}

export class Proxies {
  readonly #connections = new Set<Connection>();
  readonly #counts = new Map<TypeUrl, TypeCounts>();
  #streamsOpened = 0;

  /** The returned function ends it. */
  connect(connection: Omit<Connection, "connectedAt">): () => void {
    const entry = { ...connection, connectedAt: new Date().toISOString() };
    this.#connections.add(entry);
    this.#streamsOpened++;
    return () => this.#connections.delete(entry);
  }

  countResponse(response: DiscoveryResponse): void {
    const counts = this.#countsOf(response.typeUrl);
    counts.responses++;
    counts.resources += response.resources.length;
    counts.removals += response.removed.length;
  }

  countReply(typeUrl: TypeUrl, reply: "ack" | "nack"): void {
    this.#countsOf(typeUrl)[reply === "ack" ? "acks" : "nacks"]++;
  }

  counts(): ReadonlyMap<TypeUrl, Readonly<TypeCounts>> {
    return this.#counts;
  }

  get connected(): number {
    return this.#connections.size;
  }

  get streamsOpened(): number {
    return this.#streamsOpened;
  }

  /** By node id, then by the time of connection. */
  states(): ProxyState[] {
    return [...this.#connections]
      .map(({ stream, node, peer, connectedAt, variant }) => ({
        node,
        peer,
        connectedAt,
        variant,
        ...stream.state(),
      }))
      .sort((a, b) => compare(a.node.id, b.node.id) || compare(a.connectedAt, b.connectedAt));
  }

  #countsOf(typeUrl: TypeUrl): TypeCounts {
    let counts = this.#counts.get(typeUrl);
    if (!counts) {
      counts = { responses: 0, resources: 0, removals: 0, acks: 0, nacks: 0 };
      this.#counts.set(typeUrl, counts);
    }
    return counts;
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
