// HTTP calls of a module: the test sees them and answers.

import type { HttpCallResponse, PendingHttpCall } from "./context.ts";
import { HeaderMap } from "./header-map.ts";
import type { Pair } from "./pairs.ts";
import type { Vm } from "./vm.ts";

/** An HTTP call that the module has made, for the test to answer. */
export interface HttpCall extends Readonly<Omit<PendingHttpCall, "root" | "dueNs">> {
  respond(response: { headers: Iterable<Pair>; body?: string; trailers?: Iterable<Pair> }): void;
  /** The connection broke: the module's callback sees no headers, no body and status 11. */
  fail(): void;
}

export function pendingCalls(vm: Vm): HttpCall[] {
  return [...vm.httpCalls.values()].map(({ root: _root, dueNs: _dueNs, ...call }) => ({
    ...call,
    respond: ({ headers, body = "", trailers = [] }) => {
      const response = {
        headers: new HeaderMap("response", headers),
        body,
        trailers: new HeaderMap("trailers", trailers),
      };
      answer(vm, call.token, response);
    },
    fail: () => answer(vm, call.token, undefined),
  }));
}

/** Envoy answers 504 in the upstream's name. */
export function timeOut(vm: Vm, token: number): void {
  answer(vm, token, timedOut());
}

function answer(vm: Vm, token: number, response: HttpCallResponse | undefined): void {
  const call = vm.httpCalls.get(token);
  if (call === undefined) return;
  vm.httpCalls.delete(token);
  const { root } = call;
  root.httpCallResponse = response;
  if (response === undefined) root.status = [11, "reset"];
  const sizes = [response?.headers.size ?? 0, response?.body.length ?? 0, response?.trailers.size ?? 0];
  vm.call(root, "proxy_on_http_call_response", root.id, token, ...sizes);
  vm.finishCall();
  root.httpCallResponse = undefined;
  root.status = [root.status[0], ""];
}

function timedOut(): HttpCallResponse {
  const body = "upstream request timeout";
  const headers: Pair[] = [
    [":status", "504"],
    ["content-length", String(body.length)],
    ["content-type", "text/plain"],
  ];
  return { headers: new HeaderMap("response", headers), body, trailers: new HeaderMap("trailers") };
}
