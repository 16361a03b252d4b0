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

/** Serves the stream until it ends. */
export function serveStream(
  call: Call,
  variant: Variant,
  source: SnapshotSource,
  proxies: Proxies,
  events: XdsEvents,
): void {
  const stream = new Stream({ variant, interim: interimRoutes });
  const peer = call.getPeer();
  let node: NodeIdentity | undefined;
  let timer: NodeJS.Timeout | undefined;
  let unregister = (): void => {};

  const write = (responses: readonly DiscoveryResponse[]): void => {
    for (const response of responses) {
      proxies.countResponse(response);
      if (node) events.onSent?.(node, response);
      call.write(response);
    }
    clearTimeout(timer);
    if (stream.isExpecting)
      timer = setTimeout(() => write(stream.stopExpecting()), expectationLimitMs).unref();
  };

  /** One proxy's trouble must not end the server. */
  const guard = (act: () => void): void => {
    try {
      act();
    } catch (error) {
      events.onFailure?.(node, error);
      unregister();
      call.emit("error", {
        code: status.INTERNAL,
        details: "the configuration for this node cannot be made",
      });
    }
  };

  const publish = (): void => {
    const snapshot = node && source.current(node);
    if (snapshot) write(stream.publish(snapshot));
  };

  const meet = (identity: NodeIdentity): void => {
    node = identity;
    const disconnect = proxies.connect({ node, peer, variant, stream });
    const unsubscribe = source.subscribe(() => guard(publish));
    events.onConnect?.(node, peer, variant);
    unregister = () => {
      unsubscribe();
      disconnect();
      clearTimeout(timer);
      events.onDisconnect?.(identity, peer);
      unregister = () => {};
    };
    publish();
  };

  const answer = (request: DiscoveryRequest, from: NodeIdentity): void => {
    const { reply, responses } = stream.request(request);
    if (reply !== "none") proxies.countReply(request.typeUrl, reply);
    if (reply === "ack") events.onAck?.(from, request.typeUrl);
    if (reply === "nack") events.onNack?.(from, request.typeUrl, request.error ?? "");
    write(responses);
  };

  call.on("data", (message: WireRequest) => {
    // Only the first request of a stream must carry the node.
    guard(() => {
      if (!node) meet(identify(message.node));
      if (node && message.request) answer(message.request, node);
    });
  });
  call.on("end", () => {
    unregister();
    call.end();
  });
  call.on("error", () => unregister());
  call.on("close", () => unregister());
  call.on("cancelled", () => unregister());
}
