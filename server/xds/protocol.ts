// The discovery protocol's messages as the state machine sees them: no gRPC, no protobuf. State of the
// world and delta differ in how a client names what it wants and in what a response must hold; both are
// here one request and one response.

import type { TypeUrl, XdsResource } from "../model.ts";

export type Variant = "delta" | "sotw";

export interface DiscoveryRequest {
  typeUrl: TypeUrl;
  /** Of the response that this acknowledges or refuses; empty when it does neither. */
  nonce: string;
  /** The client's reason for refusing; undefined in an ACK or a plain request. */
  error?: string;
  /** State of the world: every name wanted now. */
  names?: readonly string[];
  /** State of the world: version of the last response accepted, on this stream or the one before it. */
  versionInfo?: string;
  /** Delta: names wanted in addition, and no longer. */
  subscribe?: readonly string[];
  unsubscribe?: readonly string[];
  /** Delta, on the first request of a type: what the client still has, by name. */
  initialVersions?: Readonly<Record<string, string>>;
}

export interface DiscoveryResponse {
  typeUrl: TypeUrl;
  nonce: string;
  version: string;
  resources: readonly XdsResource[];
  /** Delta only. */
  removed: readonly string[];
}
