// What a module does to a stream: let it go on, close it, answer it. All of it happens after the callback has
// returned. Two of these calls end the whole Envoy process, and are reported as that.

import { Status, StreamType } from "../abi.ts";
import type { StreamContext } from "../context.ts";
import { readPairs } from "../pairs.ts";
import type { Vm } from "../vm.ts";

export const streams = {
  proxy_continue_stream(vm: Vm, type: number): number {
    if (type > StreamType.upstream) return Status.badArgument;
    const context = vm.acting();
    if (type === StreamType.downstream) return Status.ok;
    if (type === StreamType.upstream) return Status.unimplemented;
    if (context.kind !== "stream") return Status.ok;
    if (type === StreamType.response && !context.responseStarted) {
      vm.crash("continue_stream(RESPONSE) before a response has started");
    }
    const { actions } = context;
    vm.afterCall(
      type === StreamType.request ? () => actions.continueRequest() : () => actions.continueResponse(),
    );
    forgetRequest(context);
    return Status.ok;
  },

  proxy_close_stream(vm: Vm, type: number): number {
    if (type > StreamType.upstream) return Status.badArgument;
    const context = vm.acting();
    if (context.kind === "stream" && type <= StreamType.response) vm.afterCall(() => context.actions.close());
    return Status.ok;
  },

  proxy_send_local_response(
    vm: Vm,
    status: number,
    detailsAt: number,
    detailsSize: number,
    bodyAt: number,
    bodySize: number,
    pairsAt: number,
    pairsSize: number,
    grpcStatus: number,
  ): number {
    const details = vm.readText(detailsAt, detailsSize);
    const body = vm.readText(bodyAt, bodySize);
    if (details === undefined || body === undefined || pairsAt + pairsSize > vm.memoryBytes) {
      return Status.invalidMemoryAccess;
    }
    const headers = readPairs(vm.memory.subarray(pairsAt, pairsAt + pairsSize));
    const context = vm.acting();
    if (context.kind === "stream") {
      if (context.phase === "log") vm.crash("send_local_response inside on_log");
      // Envoy keeps white space out of the details, which access logs print unquoted.
      const reply = {
        status,
        details: details.replace(/\s/g, "_"),
        body,
        headers,
        grpcStatus: grpcStatus | 0,
      };
      vm.afterCall(() => context.actions.localReply(reply));
    }
    vm.stopIteration = true;
    return Status.ok;
  },
};

/** After any continue_stream the request's maps and body are no longer shown to the module. */
function forgetRequest(context: StreamContext): void {
  context.requestHeaders = undefined;
  context.requestTrailers = undefined;
  context.requestBody = undefined;
}
