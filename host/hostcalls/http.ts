// HTTP calls of the module's own; the test answers them. gRPC calls are known by name and refused.

import { Status } from "../abi.ts";
import { rootOf } from "../context.ts";
import { HeaderMap } from "../header-map.ts";
import { readPairs } from "../pairs.ts";
import { UnsupportedByHost } from "../types.ts";
import type { Vm } from "../vm.ts";

export const http = {
  proxy_http_call(
    vm: Vm,
    clusterAt: number,
    clusterSize: number,
    headersAt: number,
    headersSize: number,
    bodyAt: number,
    bodySize: number,
    trailersAt: number,
    trailersSize: number,
    timeoutMs: number,
    tokenAt: number,
  ): number {
    const cluster = vm.readText(clusterAt, clusterSize);
    const body = vm.readText(bodyAt, bodySize);
    const end = vm.memoryBytes;
    if (cluster === undefined || body === undefined) return Status.invalidMemoryAccess;
    if (headersAt + headersSize > end || trailersAt + trailersSize > end) return Status.invalidMemoryAccess;
    if (!vm.writeU32(tokenAt, 0)) return Status.invalidMemoryAccess;
    const headers = new HeaderMap(
      "request",
      readPairs(vm.memory.subarray(headersAt, headersAt + headersSize)),
    );
    const trailers = readPairs(vm.memory.subarray(trailersAt, trailersAt + trailersSize));
    const root = rootOf(vm.acting());
    if (root === undefined || (timeoutMs | 0) < 0 || !vm.process.options.clusters.has(cluster))
      return Status.badArgument;
    if ([":path", ":method", ":authority"].some((name) => headers.get(name) === undefined))
      return Status.badArgument;
    if (body !== "") headers.replace("content-length", String(body.length));
    const dueNs = timeoutMs === 0 ? undefined : vm.process.clock.monotonicNs + BigInt(timeoutMs) * 1_000_000n;
    const token = vm.nextHttpCallToken;
    vm.nextHttpCallToken += 4;
    vm.httpCalls.set(token, { token, cluster, headers: [...headers.pairs()], body, trailers, dueNs, root });
    vm.writeU32(tokenAt, token);
    return Status.ok;
  },

  proxy_grpc_call: () => refuse("proxy_grpc_call"),
  proxy_grpc_stream: () => refuse("proxy_grpc_stream"),
  proxy_grpc_send: () => refuse("proxy_grpc_send"),
  proxy_grpc_close: () => refuse("proxy_grpc_close"),
  proxy_grpc_cancel: () => refuse("proxy_grpc_cancel"),
};

function refuse(name: string): never {
  throw new UnsupportedByHost(`${name}: this host makes no gRPC calls; run that case in Envoy`);
}
