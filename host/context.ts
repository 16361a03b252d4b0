// The two kinds of context that a module knows by number: a root context for each plugin configuration of a
// VM, and a stream context for each request. They hold what hostcalls act on; Stream and Vm drive them.

import type { HeaderMap } from "./header-map.ts";
import type { Pair } from "./pairs.ts";
import type { PropertyTree, Route } from "./types.ts";

export interface HttpCallResponse {
  headers: HeaderMap;
  body: string;
  trailers: HeaderMap;
}

export interface PendingHttpCall {
  token: number;
  cluster: string;
  headers: readonly Pair[];
  body: string;
  trailers: readonly Pair[];
  /** On the monotonic clock; undefined = no timeout. */
  dueNs: bigint | undefined;
  root: RootContext;
}

export interface Plugin {
  name: string;
  rootId: string;
  /** As given, byte string. */
  configuration: string;
}

export class RootContext {
  readonly kind = "root";
  readonly id: number;
  readonly plugin: Plugin;
  created = false;
  /** Readable only while the callback that is about it runs. */
  configurationReadable = false;
  /** Streams that began under this configuration and are not over. */
  streams = 0;
  retired = false;
  tickPeriodMs = 0;
  /** On the monotonic clock. */
  nextTickNs: bigint | undefined;
  status: readonly [code: number, message: string] = [0, ""];
  httpCallResponse: HttpCallResponse | undefined;

  constructor(id: number, plugin: Plugin) {
    this.id = id;
    this.plugin = plugin;
  }
}

/** The VM itself, number 0: current while the module initialises and allocates. */
export class VmContext {
  readonly kind = "vm";
  readonly id = 0;
}

export type StreamPhase =
  /** Nothing has been called yet. */
  | "new"
  /** In or after request callbacks, no response yet. */
  | "request"
  | "response"
  | "log"
  | "over";

/** What the module asked for and the host does once the callback has returned, as Envoy does. */
export interface StreamActions {
  localReply(reply: {
    status: number;
    details: string;
    body: string;
    headers: Pair[];
    grpcStatus: number;
  }): void;
  continueRequest(): void;
  continueResponse(): void;
  close(): void;
}

export class StreamContext {
  readonly kind = "stream";
  readonly id: number;
  readonly root: RootContext;
  readonly actions: StreamActions;
  phase: StreamPhase = "new";
  created = false;
  endOfStream = false;
  /** Present only while Envoy shows them: from the callback until its direction goes on. */
  requestHeaders: HeaderMap | undefined;
  requestTrailers: HeaderMap | undefined;
  responseHeaders: HeaderMap | undefined;
  responseTrailers: HeaderMap | undefined;
  requestBody: string | undefined;
  responseBody: string | undefined;
  responseStarted = false;
  /** What access logs see. */
  logged: { request?: HeaderMap; response?: HeaderMap; responseTrailers?: HeaderMap } = {};
  routeCacheCleared = false;
  route: Route | undefined;
  properties: PropertyTree = {};
  /** Values by the name without `wasm.`, as set_property wrote them. */
  readonly filterState = new Map<string, string>();

  constructor(id: number, root: RootContext, actions: StreamActions) {
    this.id = id;
    this.root = root;
    this.actions = actions;
  }
}

export type Context = VmContext | RootContext | StreamContext;

export function rootOf(context: Context): RootContext | undefined {
  return context.kind === "stream" ? context.root : context.kind === "root" ? context : undefined;
}
