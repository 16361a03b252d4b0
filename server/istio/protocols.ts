// What the protocol of a service's port means for what the proxy speaks.

import type { ServiceProtocol } from "../../schema/generated/types.ts";

const http1 = new Set(["HTTP"]);
const http2 = new Set(["HTTP2", "GRPC", "GRPC-WEB"]);

/** HTTP/2 without a word before it, or offered in TLS. */
export const isHttp2 = (protocol: ServiceProtocol = "HTTP"): boolean => http2.has(protocol);

/** Requests are routed one by one; with any other protocol connections are. */
export const isHttp = (protocol: ServiceProtocol = "HTTP"): boolean =>
  http1.has(protocol) || http2.has(protocol);
