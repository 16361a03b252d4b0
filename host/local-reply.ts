// The response that Envoy makes for a local reply, before the filter's own response callbacks.

import { HeaderMap } from "./header-map.ts";
import type { Pair } from "./pairs.ts";

export interface ReplyRequest {
  status: number;
  details: string;
  body: string;
  headers: Pair[];
  grpcStatus: number;
}

/** The body is none for gRPC, which has its text in a header, and for HEAD, whose headers still tell its size. */
export function makeReply(reply: ReplyRequest, request: HeaderMap): { headers: HeaderMap; body: string } {
  const headers = new HeaderMap("response", [[":status", String(reply.status)], ...reply.headers]);
  const contentType = request.get("content-type") ?? "";
  if (/^application\/grpc($|\+)/.test(contentType)) return { headers: grpcHeaders(reply, headers), body: "" };
  if (reply.body === "") {
    headers.remove("content-length");
    headers.remove("content-type");
  } else {
    headers.replace("content-length", String(reply.body.length));
    if (headers.get("content-type") === undefined) headers.add("content-type", "text/plain");
  }
  return { headers, body: request.get(":method") === "HEAD" ? "" : reply.body };
}

/** gRPC is answered 200 in headers alone; the status goes into grpc-status, the body into grpc-message. */
function grpcHeaders(reply: ReplyRequest, headers: HeaderMap): HeaderMap {
  headers.replace(":status", "200");
  headers.replace("content-type", "application/grpc");
  if (headers.get("grpc-status") === undefined) {
    const known = reply.grpcStatus >= 0 && reply.grpcStatus <= 16;
    headers.add("grpc-status", String(known ? reply.grpcStatus : grpcStatusOf(reply.status)));
  }
  if (reply.body !== "") headers.add("grpc-message", percentEncode(reply.body));
  headers.remove("content-length");
  return headers;
}

function grpcStatusOf(status: number): number {
  const known: Record<number, number> = {
    400: 13,
    401: 16,
    403: 7,
    404: 12,
    429: 14,
    502: 14,
    503: 14,
    504: 14,
  };
  return known[status] ?? 2;
}

function percentEncode(text: string): string {
  return text.replace(/[^\x20-\x24\x26-\x7e]/g, (one) => {
    return `%${one.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
  });
}
