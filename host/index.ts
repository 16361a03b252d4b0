// A proxy-wasm host for Node: runs a filter's .wasm, debug or release, as Envoy 1.40 does, with virtual time,
// seeded chance and many workers. Its rules are those of Envoy's own host; what it cannot imitate it refuses by
// name (UnsupportedByHost), and what would end the Envoy process is thrown (EnvoyCrash).

export { BufferType, Errno, HeaderMapType, type LogLevel, MetricType, Status, StreamType } from "./abi.ts";
export { HeaderMap } from "./header-map.ts";
export { Host, type HostOptions } from "./host.ts";
export type { HttpCall } from "./http-call.ts";
export { knownHostcalls } from "./hostcalls/bind.ts";
export type { MetricValues } from "./metrics.ts";
export { type CompiledModule, compileModule } from "./module.ts";
export { type Pair, pairsSize, readPairs, utf8, writePairs } from "./pairs.ts";
export { bytesReturning, type HostcallHook } from "./process.ts";
export { Random } from "./random.ts";
export { checkConfiguration, readRefusal } from "./refusal.ts";
export { SharedData, type SharedValue } from "./shared-data.ts";
export { Stream } from "./stream.ts";
export { Thread } from "./thread.ts";
export type { TraceRecord } from "./trace.ts";
export * from "./types.ts";
