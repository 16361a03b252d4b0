// The proxy-wasm hostcalls (ABI 0.2.1) that filters use, under one roof.
//
// Declarations come from @solo-io/proxy-runtime; what it declares wrongly is declared here. A hostcall that a
// module does not reach is not imported by it, so the list of imports says what the module can do.

export {
  proxy_add_header_map_value,
  proxy_continue_stream,
  proxy_define_metric,
  proxy_get_buffer_bytes,
  proxy_get_header_map_pairs,
  proxy_get_header_map_value,
  proxy_get_metric,
  proxy_get_property,
  proxy_get_shared_data,
  proxy_increment_metric,
  proxy_log,
  proxy_record_metric,
  proxy_remove_header_map_value,
  proxy_replace_header_map_value,
  proxy_send_local_response,
  proxy_set_effective_context,
  proxy_set_property,
  proxy_set_shared_data,
  proxy_set_tick_period_milliseconds,
} from "@solo-io/proxy-runtime/assembly/imports";

/** Replaces `length` bytes from `start` of a buffer by the given ones. */
// @ts-ignore: decorator
@external("env", "proxy_set_buffer_bytes")
export declare function proxy_set_buffer_bytes(
  type: i32,
  start: u32,
  length: u32,
  bytes: usize,
  size: usize,
): u32;

/** Writes the time of a clock, in nanoseconds, as a u64; id 1 is the monotonic one, the same for all workers. */
// @ts-ignore: decorator
@external("wasi_snapshot_preview1", "clock_time_get")
export declare function clock_time_get(id: i32, precision: u64, time: usize): i32;

/** Fills `size` bytes with what cannot be guessed. */
// @ts-ignore: decorator
@external("wasi_snapshot_preview1", "random_get")
export declare function random_get(buffer: usize, size: usize): i32;

/** Results of a hostcall. */
export const OK: u32 = 0;
export const NOT_FOUND: u32 = 1;
export const CAS_MISMATCH: u32 = 8;

/** What a headers callback returns. */
export const CONTINUE: u32 = 0;
export const STOP_ITERATION: u32 = 1;

/** Header maps. */
export const REQUEST_HEADERS: i32 = 0;
export const RESPONSE_HEADERS: i32 = 2;

/** Buffers. */
export const PLUGIN_CONFIGURATION: i32 = 7;

/** Kinds of metrics. */
export const COUNTER: i32 = 0;
export const GAUGE: i32 = 1;
export const HISTOGRAM: i32 = 2;

/** Log levels. */
export const WARN: usize = 3;
export const ERROR: usize = 4;

/** grpc_status of a local reply that leaves the mapping to Envoy. */
export const NO_GRPC_STATUS: u32 = 0xffffffff;
