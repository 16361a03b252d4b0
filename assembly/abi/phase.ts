// Which callback is under way. Two calls crash the whole Envoy, and this is what refuses them:
// continuing a response that has not started, and a local reply while the stream is being logged.

import { resetArena } from "./arena";
import { NO_GRPC_STATUS, proxy_continue_stream, proxy_send_local_response } from "./hostcalls";

/** Phases, in the order in which a stream sees them. */
export const CONFIGURE: u32 = 0;
export const REQUEST: u32 = 1;
export const RESPONSE: u32 = 2;
export const TICK: u32 = 3;
export const LOG: u32 = 4;

let phase: u32 = CONFIGURE;

/** The first line of every callback. */
// @ts-ignore: decorator
@inline
export function enter(next: u32): void {
  phase = next;
  resetArena();
}

/** Lets a held request go on; for streams held in request headers or body. */
// @ts-ignore: decorator
@inline
export function continueRequest(): u32 {
  return proxy_continue_stream(0);
}

/** Lets a held response go on; only from its own callbacks, since before them it crashes the proxy. */
export function continueResponse(): bool {
  if (phase !== RESPONSE) return false;
  return proxy_continue_stream(1) === 0;
}

/** Answers in place of the upstream, after the callback has returned. `headers` is in the form of header pairs. */
export function localReply(
  status: u32,
  details: usize,
  detailsLength: u32,
  body: usize,
  bodyLength: u32,
  headers: usize,
  headersLength: u32,
  grpcStatus: u32 = NO_GRPC_STATUS,
): bool {
  if (phase === LOG || phase === CONFIGURE) return false;
  return (
    proxy_send_local_response(
      status,
      details,
      detailsLength,
      body,
      bodyLength,
      headers,
      headersLength,
      grpcStatus,
    ) === 0
  );
}
