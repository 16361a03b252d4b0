// What users of the host give and get. Names and values of headers, keys and values of shared data are byte
// strings (see pairs.ts).

import type { LogLevel } from "./abi.ts";
import type { HeaderMap } from "./header-map.ts";
import type { Pair } from "./pairs.ts";

export interface LogLine {
  level: LogLevel;
  message: string;
  /** "canary", "main" or "worker N". */
  thread: string;
}

/** Why a filter did not take its configuration, read from its one log line. */
export interface Refusal {
  /** Such as `policies[0].rules[1].destination.subset`; empty = the document itself. */
  path: string;
  byte: number;
  message: string;
}

export interface ConfigureResult {
  ok: boolean;
  log: LogLine[];
  refusal?: Refusal;
  /** The trap's text, when a callback trapped instead of refusing. */
  trap?: string;
  /** Where it was refused; a refusal anywhere but in the canary leaves that thread answering 503. */
  thread?: string;
}

/** Calls of one hostcall, and how many of them made the host enter the module's allocator to return bytes. */
export interface Count {
  calls: number;
  bytesReturning: number;
}

export type Counts = Record<string, Count>;

/**
 * A property's value. Text and bytes come raw; a number as f64, as numbers in metadata do; a bigint as i64;
 * a boolean as one byte; an object is a level of the path, a HeaderMap is a map of header names.
 */
export type PropertyValue =
  | string
  | number
  | bigint
  | boolean
  | Uint8Array
  | HeaderMap
  | readonly PropertyValue[]
  | { readonly [key: string]: PropertyValue | undefined };

export type PropertyTree = { readonly [key: string]: PropertyValue | undefined };

/** What the router has resolved; read by modules as `xds.route_name` and so on. */
export interface Route {
  name?: string;
  virtualHost?: string;
  cluster?: string;
  /** `filter_metadata` of the route: namespace, then keys. */
  metadata?: PropertyTree;
  virtualHostMetadata?: PropertyTree;
}

export interface RequestOptions {
  headers: Iterable<Pair>;
  /** More properties, laid over those that the host knows by itself. */
  properties?: PropertyTree;
  /** The route, or a router that is asked again after the route cache was cleared. */
  route?: Route | ((headers: HeaderMap) => Route | undefined);
  /** Whether the request has no body. Default true. */
  endOfStream?: boolean;
  /** `root_id` of the plugin that handles it, where the VM holds several. */
  rootId?: string;
}

export type StreamState =
  /** Nothing called yet. */
  | "new"
  /** Request headers stopped: the filter holds the stream. */
  | "held"
  /** On its way to the upstream, or answered by it. */
  | "continued"
  /** Answered by the filter, or 503 after a trap. */
  | "replied"
  | "closed"
  | "over";

export interface LocalReply {
  status: number;
  /** Envoy's response code details. */
  details: string;
  body: string;
  /** -1 = Envoy derives it from the status where the request is gRPC. */
  grpcStatus: number;
  /** As they leave, after the filter's own response callbacks. */
  headers: readonly Pair[];
}

export interface Outcome {
  /** "continue", or "stop": the stream is held, answered by the filter itself or failed. */
  action: "continue" | "stop";
  /** The header map as the callback left it. */
  headers: readonly Pair[];
  localReply?: LocalReply;
  /** Of a body's phase: the piece as the callback left it. */
  body?: string;
  routeCacheCleared: boolean;
  /** The route in force afterwards, where a route was given. */
  route?: Route;
  /** The trap's text. The stream is answered 503 `wasm_fail_stream`; later ones until the VM is made again. */
  trap?: string;
  /** Hostcalls of this callback, those of a local reply's own callbacks included. */
  counts: Counts;
}

/**
 * A fault to inject into a hostcall: a status to return instead of making the call, "trap", or undefined to
 * let it through.
 */
export type Fault = (call: { name: string; thread: string; ordinal: number }) => number | "trap" | undefined;

/** The module did what ends the whole Envoy process. Thrown, never returned. */
export class EnvoyCrash extends Error {
  override readonly name = "EnvoyCrash";
}

/** The module asked for something that this host does not imitate. Thrown, so that no test rests on it. */
export class UnsupportedByHost extends Error {
  override readonly name = "UnsupportedByHost";
}

/** A call that Envoy's own wrapper turns into a trap of the module. Never leaves the host. */
export class HostTrap extends Error {
  override readonly name = "HostTrap";
}
