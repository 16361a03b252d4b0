// Numbers of the proxy-wasm ABI 0.2.1, as Envoy's host uses them.

/** What a hostcall returns. */
export const Status = {
  ok: 0,
  notFound: 1,
  badArgument: 2,
  serializationFailure: 3,
  parseFailure: 4,
  badExpression: 5,
  invalidMemoryAccess: 6,
  empty: 7,
  casMismatch: 8,
  resultMismatch: 9,
  internalFailure: 10,
  brokenConnection: 11,
  unimplemented: 12,
} as const;

/** What a WASI call returns. */
export const Errno = {
  success: 0,
  badf: 8,
  fault: 21,
  inval: 28,
  noent: 44,
  nosys: 52,
  notsup: 58,
  notcapable: 76,
} as const;

export const HeaderMapType = {
  requestHeaders: 0,
  requestTrailers: 1,
  responseHeaders: 2,
  responseTrailers: 3,
  grpcReceiveInitialMetadata: 4,
  grpcReceiveTrailingMetadata: 5,
  httpCallResponseHeaders: 6,
  httpCallResponseTrailers: 7,
} as const;

export const BufferType = {
  httpRequestBody: 0,
  httpResponseBody: 1,
  networkDownstreamData: 2,
  networkUpstreamData: 3,
  httpCallResponseBody: 4,
  grpcReceiveBuffer: 5,
  vmConfiguration: 6,
  pluginConfiguration: 7,
  callData: 8,
} as const;

export const StreamType = { request: 0, response: 1, downstream: 2, upstream: 3 } as const;

export const MetricType = { counter: 0, gauge: 1, histogram: 2 } as const;

/** Index = the ABI's number. */
export const logLevels = ["trace", "debug", "info", "warn", "error", "critical"] as const;
export type LogLevel = (typeof logLevels)[number];

/** Sizes that the host accepts from a module; above them a list of pairs reads as empty. */
export const limits = { pairsBytes: 1024 * 1024, pairsCount: 1024, randomBytes: 64 * 1024 } as const;
