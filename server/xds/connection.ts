// One gRPC stream of one proxy: feeds the state machine with requests and snapshots and writes what it
// answers.

import { type ServerDuplexStream, status } from "@grpc/grpc-js";
import type { SnapshotSource, NodeIdentity, TypeUrl } from "../model.ts";
import { interimRoutes } from "./interim.ts";
import { identify } from "./node.ts";
import type { DiscoveryRequest, DiscoveryResponse, Variant } from "./protocol.ts";
import type { Proxies } from "./proxies.ts";
import { Stream } from "./stream.ts";
import type { WireRequest } from "./wire.ts";

/** As long as Envoy itself waits for a resource before it goes on without (init_fetch_timeout). */
const expectationLimitMs = 15_000;

export interface XdsEvents {
  onConnect?(node: NodeIdentity, peer: string, variant: Variant): void;
  onDisconnect?(node: NodeIdentity, peer: string): void;
  onSent?(node: NodeIdentity, response: DiscoveryResponse): void;
  onAck?(node: NodeIdentity, typeUrl: TypeUrl): void;
  /** What was to be sent could not be made; the stream is ended and the proxy connects again. */
  onFailure?(node: NodeIdentity | undefined, error: unknown): void;
  onNack?(node: NodeIdentity, typeUrl: TypeUrl, error: string): void;
}

type Call = ServerDuplexStream<WireRequest, DiscoveryResponse>;

export interface ConnectionOptions {
  call: Call;
  variant: Variant;
  source: SnapshotSource;
  proxies: Proxies;
  events: XdsEvents;
}

/** Serves the stream until it ends. */
export function serveStream(options: ConnectionOptions): void {
  const connection = new Connection(options);
  const { call } = options;
  call.on("data", (message: WireRequest) => connection.receive(message));
  call.on("end", () => {
    connection.end();
    call.end();
  });
  for (const event of ["error", "close", "cancelled"]) call.on(event, () => connection.end());
}

class Connection {
  readonly #options: ConnectionOptions;
  readonly #stream: Stream;
  readonly #peer: string;
  #node: NodeIdentity | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** What to undo when the stream ends. */
  #entered: (() => void)[] = [];

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#stream = new Stream({ variant: options.variant, interim: interimRoutes });
    this.#peer = options.call.getPeer();
  }

  receive(message: WireRequest): void {
    this.#guard(() => {
      // Only the first request of a stream must carry the node.
      if (!this.#node) this.#enter(identify(message.node));
      if (message.request && this.#node) this.#answer(message.request, this.#node);
    });
  }

  end(): void {
    clearTimeout(this.#timer);
    for (const leave of this.#entered.splice(0)) leave();
  }

  #enter(node: NodeIdentity): void {
    this.#node = node;
    const { source, proxies, events, variant } = this.#options;
    this.#entered = [
      source.subscribe(() => this.#guard(() => this.#publish(node))),
      proxies.connect({ node, peer: this.#peer, variant, stream: this.#stream }),
      () => events.onDisconnect?.(node, this.#peer),
    ];
    events.onConnect?.(node, this.#peer, variant);
    this.#publish(node);
  }

  #publish(node: NodeIdentity): void {
    const snapshot = this.#options.source.current(node);
    if (snapshot) this.#write(this.#stream.publish(snapshot), node);
  }

  #answer(request: DiscoveryRequest, node: NodeIdentity): void {
    const { proxies, events } = this.#options;
    const { reply, responses } = this.#stream.request(request);
    if (reply !== "none") proxies.countReply(request.typeUrl, reply);
    if (reply === "ack") events.onAck?.(node, request.typeUrl);
    if (reply === "nack") events.onNack?.(node, request.typeUrl, request.error ?? "");
    this.#write(responses, node);
  }

  #write(responses: readonly DiscoveryResponse[], node: NodeIdentity): void {
    const { call, proxies, events } = this.#options;
    for (const response of responses) {
      proxies.countResponse(response);
      events.onSent?.(node, response);
      call.write(response);
    }
    clearTimeout(this.#timer);
    if (!this.#stream.isExpecting) return;
    const goOn = (): void => this.#guard(() => this.#write(this.#stream.stopExpecting(), node));
    this.#timer = setTimeout(goOn, expectationLimitMs).unref();
  }

  /** One proxy's trouble must not end the server. */
  #guard(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#options.events.onFailure?.(this.#node, error);
      this.end();
      const details = "the configuration for this node cannot be made";
      this.#options.call.emit("error", { code: status.INTERNAL, details });
    }
  }
}
